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
 * few such in this hour. Does not wait. From any thread.
 */
void newcomers_learn(struct newcomers *newcomers, const struct view *view);

#endif
