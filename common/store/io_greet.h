/*
 * From an address to a server that takes commands. Runs in the store's I/O thread. Internal to common/store/io*.c.
 */
#ifndef LEUMUND_STORE_IO_GREET_H
#define LEUMUND_STORE_IO_GREET_H

#include "store/inner.h"

void io_connect(struct store *store);

/* The socket is connected, or never will be. */
void io_greet(struct store *store);

void io_greeting_reply(struct store *store, enum kind kind, const struct redisReply *reply);

#endif
