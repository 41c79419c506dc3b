/*
 * Telling the store what was decided without it. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_SETTLE_H
#define LEUMUND_STORE_SETTLE_H

#include "store/inner.h"

/* Some of it, as posts: behind those that wait already, and never in the place of one. Runs in the I/O thread. */
void settle(struct store *store);

/* Does the store know all that was counted without it? */
bool is_settled(struct store *store);

#endif
