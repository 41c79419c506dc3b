/*
 * The end of a connection. Runs in the store's I/O thread. Internal to common/store/io*.c.
 */
#ifndef LEUMUND_STORE_IO_LOSS_H
#define LEUMUND_STORE_IO_LOSS_H

#include "store/inner.h"

/*
 * Whether what was sent has been done is unknown: callers get UNSURE, posts are sent again (the script
 * knows them by their id). The trouble is `what` and, as it came from outside, `detail`.
 */
void io_lose(struct store *store, enum store_state state, const char *what, const char *detail);

/* The same, as the connection tells it. If it had held, a new one is tried before callers hear that the store is away.
 */
void io_lose_redis(struct store *store);

/* Gives the connection up while nothing is under way. */
void io_disconnect(struct store *store);

#endif
