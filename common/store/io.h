/*
 * The store's I/O thread. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_IO_H
#define LEUMUND_STORE_IO_H

/* `store`: struct store, open and without a connection. Returns when store->stop says so. */
void *store_io_main(void *store);

#endif
