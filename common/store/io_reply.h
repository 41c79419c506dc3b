/*
 * What the server answers. Runs in the store's I/O thread. Internal to common/store/io*.c.
 */
#ifndef LEUMUND_STORE_IO_REPLY_H
#define LEUMUND_STORE_IO_REPLY_H

#include "store/inner.h"

/* Reads what there is and gives each reply to whom it belongs. */
void io_read_replies(struct store *store);

#endif
