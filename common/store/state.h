/*
 * The store's state as callers see it, and what the log says when it changes. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_STATE_H
#define LEUMUND_STORE_STATE_H

#include "store/inner.h"

/* Wakes the I/O thread. With the lock held. */
void store_poke(struct store *store);

/* The trouble in words, `detail` as it came from outside; both "" when it is over. One line in the log per change. */
void state_change(struct store *store, enum store_state state, const char *what, const char *detail);

/* For what goes on and has been told. */
void state_change_quietly(struct store *store, enum store_state state);

/* The same state, and trouble within it; "" when it is over. */
void state_note(struct store *store, const char *detail);

/* Something was heard: calls may be made again. True: somebody had waited in vain. */
bool state_heard(struct store *store);

#endif
