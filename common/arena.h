/*
 * Memory with one owner and one end: everything taken from an arena is given back
 * together, when the message or the connection that it belongs to is over.
 */
#ifndef LEUMUND_ARENA_H
#define LEUMUND_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;  /* bytes handed out since the last reset */
	size_t limit; /* bytes that may be handed out; beyond that NULL */
};

/* Allocates nothing yet. `limit` in bytes. */
void arena_init(struct arena *arena, size_t limit);

/* NULL when the limit or the machine's memory is reached; aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);

/* A NUL-terminated copy of `len` bytes. NULL as above. */
char *arena_copy(struct arena *arena, const char *from, size_t len);

/* Forgets everything handed out; keeps one block for the next message. */
void arena_reset(struct arena *arena);

/* Gives all memory back; the arena may be used again. */
void arena_free(struct arena *arena);

#endif
