/*
 * Tokens by which limit.lua knows what it has counted. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_TOKEN_H
#define LEUMUND_STORE_TOKEN_H

#include "store/store.h"

#define TOKEN_LENGTH 4

/* Of a message that may be tried again. "" when there is no text, or no secret. */
void token_write(struct store *store, struct span text, char out[TOKEN_LENGTH + 1]);

/* Of what is told once: no other is the same. */
void token_new(char out[TOKEN_LENGTH + 1]);

#endif
