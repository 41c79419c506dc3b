/*
 * Names of things in the store: decision ids and keys.
 * Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_KEY_H
#define LEUMUND_STORE_KEY_H

#include "store/store.h"

#define DECISION_ID_LENGTH 13
#define DECISION_CHANCES 60466176 /* 36^5 */

/* The chance in an id: with its time the id of the stream entry. -1 for what is no id. */
int64_t decision_id_chance(const char *id);

/*
 * The part of a key that names an entity, from outside: lower case, %XX outside a-z0-9.@_+- (a `}` would
 * move the key to another slot, a `:` would open a level in the tree that dashboards show), "" becomes
 * "unknown", and a long one is cut and ends with a hash of the whole.
 */
#define STORE_ENTITY_SIZE 192
void store_entity(char out[STORE_ENTITY_SIZE], const char *name);

/* leu:KIND:{ENTITY} */
void store_key(char out[STORE_KEY_SIZE], const char *kind, const char *name);

/* What stands between the braces of a key; "" when it has none. */
void store_key_entity(char out[STORE_ENTITY_SIZE], const char *key, size_t len);

#endif
