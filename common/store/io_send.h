/*
 * Sending. Runs in the store's I/O thread. Internal to common/store/io*.c.
 */
#ifndef LEUMUND_STORE_IO_SEND_H
#define LEUMUND_STORE_IO_SEND_H

#include "store/inner.h"

/* These return false when the connection had to be given up. A call then has its result. */
bool io_send_words(struct store *store, enum kind kind, int argc, const char *const *argv);
bool io_send_script(struct store *store, enum store_script script);
bool io_send_call(struct store *store, struct store_call *call);

/* What waits, as far as there is room. */
void io_send_calls(struct store *store);
void io_send_posts(struct store *store, int64_t now);

#endif
