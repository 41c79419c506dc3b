/*
 * A DNS out of a table, for tests of SPF: answers at once, or only what was asked for before.
 */
#ifndef LEUMUND_TEST_SPF_TABLE_H
#define LEUMUND_TEST_SPF_TABLE_H

#include "spf/spf.h"

struct spf_table;

#define SPF_TABLE_TTL 300 /* seconds, of all answers; of TXT one more */

struct spf_table *spf_table_new(void);
void spf_table_free(struct spf_table **table);

/* TYPE: A, AAAA, MX ("10 host"), TXT, PTR, CNAME, or TIMEOUT for all that is not there. Data may hold any octet. */
void spf_table_add(struct spf_table *table, const char *name, const char *type, const char *data, size_t len);

/* For records of text only; ends with a NULL. */
void spf_table_add_all(struct spf_table *table, const char *const (*rows)[3]);

/* `late`: a question is answered only after it was wanted. */
void spf_table_set_late(struct spf_table *table, bool late);

/* How many different questions were asked since the last call, and what the last spf_table_run() took to be called. */
unsigned spf_table_queries(struct spf_table *table);
unsigned spf_table_runs(const struct spf_table *table);

spf_lookup_fn spf_table_lookup; /* its argument is the table */

/* Until it is not pending. Fails the test when nothing is wanted although something is missing. */
enum spf_result spf_table_run(struct spf_table *table, const char *ip, const char *helo, const char *mail_from,
			      struct spf_outcome *outcome);

#endif
