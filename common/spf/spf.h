/*
 * One SPF evaluation (RFC 7208 4, check_host()) as a function: answers of the DNS in, result out. It never waits:
 * where an answer is not there yet it says which, and is simply called again when it has come.
 *
 * libspf2 evaluates, but never sees a record that was not checked and rewritten by us: unchecked ones crash it,
 * and it neither limits look-ups as 4.6.4 wants nor knows half of the grammar.
 */
#ifndef LEUMUND_SPF_EVALUATE_H
#define LEUMUND_SPF_EVALUATE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "dns/dns.h"

/* RFC 7208 2.6. PENDING is ours: `wanted` must be asked for first. */
enum spf_result {
	SPF_RESULT_NONE,
	SPF_RESULT_NEUTRAL,
	SPF_RESULT_PASS,
	SPF_RESULT_FAIL,
	SPF_RESULT_SOFTFAIL,
	SPF_RESULT_TEMPERROR,
	SPF_RESULT_PERMERROR,
	SPF_RESULT_PENDING,
	SPF_RESULTS
};

extern const char *const spf_result_names[]; /* "none" ... "permerror", NULL */

struct spf_limits {
	unsigned terms;	  /* that look something up, 4.6.4: 10 */
	unsigned voids;	  /* look-ups without an answer, 4.6.4: 2 */
	unsigned mx, ptr; /* names of one mx or ptr term, 4.6.4: 10 each */
	unsigned queries; /* in all: a bound of ours, 120 */
};

#define SPF_LIMITS ((struct spf_limits){ 10, 2, 10, 10, 120 })

struct spf_query {
	const struct sockaddr *client; /* IPv4, IPv6; an IPv4-mapped one counts as IPv4 */
	const char *helo;
	const char *mail_from; /* without brackets; "" is the null sender: postmaster@HELO. May be UTF-8, RFC 8616. */
	const char *receiver;  /* our own name, for %{r}; "" = "unknown" */
	int64_t now_s;	       /* for %{t} */
	bool want_explanation; /* of a fail */
	struct spf_limits limits;
};

/* Gives the answer to a question, or NULL when it is not there yet. Valid until the evaluation returns. */
typedef const struct dns_answer *spf_lookup_fn(void *arg, enum dns_type type, const char *name);

#define SPF_WANTED 24

struct spf_outcome {
	enum spf_result result;
	char domain[256];      /* whose policy it is: comparable form, "" if none */
	char explanation[512]; /* of a fail, the domain's own words: one line of printable ASCII, perhaps shortened; ""
				  if none */
	char problem[200];     /* of permerror and temperror: what is wrong, in our words: printable ASCII */
	unsigned terms, voids, queries; /* look-ups of this evaluation */
	uint32_t ttl;	 /* seconds: the smallest of the answers that it rests on; UINT32_MAX if it rests on none */
	bool by_mailbox; /* a record names the sender's local part: another one may have another result */
	/* PENDING: these questions, all of which may be asked at once. More may follow. */
	struct {
		enum dns_type type;
		char name[256];
	} wanted[SPF_WANTED];
	size_t wanted_count;
};

void spf_evaluate(const struct spf_query *query, spf_lookup_fn *lookup, void *arg, struct spf_outcome *outcome);

#endif
