/*
 * What is known of our domains' mail: found out in the background, refreshed before it is too old, so that no message
 * waits for the DNS. Threads of its own, four of them; bounded: 10,000 domains, the least used is forgotten.
 */
#ifndef LEUMUND_SELFCHECK_BOOK_H
#define LEUMUND_SELFCHECK_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "milters/selfcheck/prospect.h"

struct book;

/* Takes egress and dns over, also when it fails: NULL when memory or threads are short. */
struct book *book_open(struct egress *egress, struct dns *dns);

/* Never waits for what is being asked; it ends by itself. */
void book_close(struct book **book);

const struct egress *book_egress(const struct book *book);
struct dns *book_dns(const struct book *book);

/* Mail of a domain from the addresses of a pool. */
struct book_subject {
	const struct egress_pool *pool; /* of book_egress() */
	const char *domain;		/* comparable form */
	bool is_ours; /* of a customer; any other one waits behind all of these, and is not for the store */
};

/* Begins to find out about it, unless that is known. The store may be NULL. */
void book_ask(struct book *book, struct store *store, const struct book_subject *subject);

/* What is known of it; else asks, and waits until `until_ms` (clock_ticks_ms()) at most. False: it is not known. */
bool book_find(struct book *book, struct store *store, const struct book_subject *subject, int64_t until_ms,
	       struct prospect *out);

/* The store is about to be closed: nothing of this uses it any more when it returns. */
void book_rest(struct book *book);

#endif
