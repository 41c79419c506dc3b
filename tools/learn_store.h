/*
 * Remembers in the store whom an account has written to: many at once, each in its month.
 */
#ifndef LEUMUND_TOOLS_LEARN_STORE_H
#define LEUMUND_TOOLS_LEARN_STORE_H

#include "store/store.h"

struct learn_store;

/* With a NULL store it only counts. NULL: no memory. */
struct learn_store *learn_store_new(struct store *store);
void learn_store_free(struct learn_store **learn);

/* `address` folded, see contact.h. False: the store has not taken it for LEARN_PATIENCE_MS; no more is to be tried. */
#define LEARN_PATIENCE_MS 5000
bool learn_contact(struct learn_store *learn, const char *account, struct span address, int64_t at_ms);
bool learn_store_flush(struct learn_store *learn);

struct learn_found {
	uint64_t recipients; /* pairs of account and recipient; beyond half a million, some twice */
	uint64_t added;	     /* of them, those that nobody knew */
};
void learn_store_found(const struct learn_store *learn, struct learn_found *out);

#endif
