/*
 * Who has written to an account is no stranger to it: contacts learnt from incoming mail.
 */
#ifndef LEUMUND_SIGNUP_NEWCOMERS_H
#define LEUMUND_SIGNUP_NEWCOMERS_H

#include "milter.h"

struct newcomers;

/* Bounded by itself; NULL when memory is short. */
struct newcomers *newcomers_new(void);
void newcomers_free(struct newcomers **newcomers);

/*
 * A message from elsewhere has passed: its sender becomes a contact of those of its recipients' accounts that have had
 * few such in this hour and day. Does not wait. From any thread.
 */
void newcomers_learn(struct newcomers *newcomers, const struct view *view);

/* May the account (case-blind) learn one more now? It counts as learnt. */
bool newcomers_may(struct newcomers *newcomers, const char *account, int64_t now_ms);

#endif
