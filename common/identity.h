/*
 * Whose mail is it, by which way was it handed in, and how is that known.
 *
 * In order of trust: SMTP AUTH; the owner of the loopback client's socket; the line that only
 * the MTA itself can have written; for the web server's uid, the first
 * X-PHP-Originating-Script; else unknown. Nothing is ever keyed on what the sender may write.
 */
#ifndef LEUMUND_IDENTITY_H
#define LEUMUND_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "option/option.h"

enum submission_path {
	PATH_UNKNOWN,
	PATH_AUTH,     /* SMTP with AUTH */
	PATH_LOOPBACK, /* SMTP from this host without AUTH: a script, or sendmail's MSP */
	PATH_COMMAND,  /* sendmail(1), PHP mail() */
	PATH_REMOTE,   /* SMTP from elsewhere without AUTH: incoming mail */
	PATH_INTERNAL, /* the MTA's own bounces and notices, and our own */
	PATHS
};

enum known_by {
	KNOWN_NOT,
	KNOWN_BY_AUTH,
	KNOWN_BY_SOCKET, /* owner of the client's socket */
	KNOWN_BY_MTA,	 /* a line or variable of the MTA itself */
	KNOWN_BY_SCRIPT, /* X-PHP-Originating-Script, web server's uid only */
};

extern const char *const path_names[];
extern const char *const known_by_names[];

/* Strings belong to the session or the directory and live until the end of the message; never NULL. */
struct identity {
	enum submission_path path;
	enum known_by known_by;
	bool settled; /* false: headers that are still to come decide */
	bool hidden;  /* of this host, and the sender's doing left nothing that tells the account */
	bool has_uid;
	uint32_t uid;
	const char *account; /* "" = cannot be told */
	const char *mailbox; /* the login as it was given, "" = none */
	const char *script;  /* "reg.php", "" = none */
};

/* Options of identification: section `identity` of conf.d. */
struct identity_options {
	struct string_list web_server_users; /* whose X-PHP-Originating-Script is believed */
	struct string_list submit_users;     /* sendmail's MSP queue runner */
	struct string_list exim_users;	     /* Exim itself: its null-sender mail is a bounce */
	const char *local_daemon_name;	     /* Postfix cleanup's name for sendmail(1) mail */
};

extern const struct section identity_section;

struct session;
struct directory;

/*
 * Does identification read this, the next header field of the message? The very first may be the MTA's own line. After
 * MAIL nothing is wanted where no header says whose mail it is.
 */
bool identity_wants_header(const struct session *session, const char *name);
void identity_each_header(void (*fn)(void *arg, const char *name), void *arg);

/* At MAIL: what connection and AUTH tell. Sets session->who. */
void identity_at_mail(struct session *session, const struct identity_options *options,
		      const struct directory *directory);

/* At the end of the headers: what only they tell. */
void identity_at_headers(struct session *session, const struct identity_options *options);

#endif
