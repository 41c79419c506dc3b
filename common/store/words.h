/*
 * Memory for the words of one request: a part of what callers hand to the functions of store/dead.h and the like. What
 * stands in it is theirs.
 */
#ifndef LEUMUND_STORE_WORDS_H
#define LEUMUND_STORE_WORDS_H

#include "store/store.h"

#define STORE_WORDS 18

struct store_words {
	char bytes[2 * STORE_KEY_SIZE];
	struct span key[1], arg[STORE_WORDS];
};

#endif
