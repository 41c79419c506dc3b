/*
 * Whom of its recipients does a message's account not know? Its own domains are no strangers; the rest is asked of the
 * store (store/contact.h).
 */
#ifndef LEUMUND_SIGNUP_STRANGERS_H
#define LEUMUND_SIGNUP_STRANGERS_H

#include "milter.h"
#include "milters/signup/acquaintances.h"
#include "store/contact.h"
#include "store/store.h"

/* Recipients that are looked up; any further one counts as new. */
#define STRANGERS_LOOKED 1024

struct providers;

struct stranger {
	const struct recipient *recipient;
	const char *group; /* of mail providers; NULL: none that is known */
	bool is_new;
};

struct strangers {
	struct span account;
	size_t count, look_count;
	struct stranger *at; /* without those of the account's own domains */
	struct contact_request *looks;
	uint64_t sum;	    /* stands for all of them, in any order; 0 without a secret */
	uint32_t new_count; /* by the answers */
	uint32_t usual;	    /* new ones on the account's usual day */
	bool answered;	    /* by the store; else all count as new */
};

/*
 * Where an MTA takes mail for this recipient. What is no path to address/address.h it may deliver all the same, and
 * without its account having to know whom: by a route ("@a,@b:user@domain", RFC 5321 appendix C), by the percent sign
 * and the exclamation mark that Postfix (allow_percent_hack, swap_bangpath) and sendmail rewrite, or by a local part
 * that is too long or has a backslash in it. Its domain is "" for the server's own users only.
 */
struct mail_path stranger_path(const struct recipient *recipient);

/*
 * The recipients of a message, to be given back by strangers_free(). `kind` of mail is "" where it shall not count for
 * the usual day. `secret` NULL: nobody can be asked about them. False when memory is short.
 */
bool strangers_read(struct strangers *strangers, const struct view *view, struct providers *providers,
		    const struct store_secret *secret, struct span kind);
void strangers_free(struct strangers *strangers);

/* The answers of all looks, `answers` NULL: there are none, and what this process remembers counts. */
void strangers_take(struct strangers *strangers, const struct store_answer *const *answers,
		    struct acquaintances *acquaintances);

/* Do most of the new ones look made up by a machine? */
bool strangers_look_random(const struct strangers *strangers);

/* The message passes: from now on they are known. Does not wait. */
void strangers_meet(struct strangers *strangers, struct store *store, struct acquaintances *acquaintances);

#endif
