/*
 * Memory with one owner and one end (arena.h): a chain of blocks, newest first.
 * A message fits into the first block as a rule, so a session allocates once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define BLOCK_SIZE 4096
#define ALIGNMENT _Alignof(max_align_t)

struct arena_block {
	struct arena_block *next;
	size_t size, used; /* of `bytes` */
	_Alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena, size_t limit)
{
	arena->blocks = NULL;
	arena->used = 0;
	arena->limit = limit;
}

static struct arena_block *block_new(struct arena *arena, size_t size)
{
	struct arena_block *block;

	if (size < BLOCK_SIZE - sizeof(*block))
		size = BLOCK_SIZE - sizeof(*block);
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->size = size;
	block->used = 0;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	void *at;

	if (size > arena->limit || arena->used > arena->limit - size)
		return NULL;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!block || block->size - block->used < size)
		block = block_new(arena, size);
	if (!block)
		return NULL;
	at = block->bytes + block->used;
	block->used += size;
	arena->used += size;
	return at;
}

char *arena_copy(struct arena *arena, const char *from, size_t len)
{
	char *copy = len < SIZE_MAX ? arena_alloc(arena, len + 1) : NULL;

	if (copy) {
		memcpy(copy, from, len);
		copy[len] = '\0';
	}
	return copy;
}

static void blocks_free(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;

		free(block);
		block = next;
	}
}

void arena_reset(struct arena *arena)
{
	struct arena_block *kept = arena->blocks;

	arena->used = 0;
	if (!kept)
		return;
	blocks_free(kept->next);
	kept->next = NULL;
	kept->used = 0;
	/* one big message must not keep its memory for the rest of the connection */
	if (kept->size > BLOCK_SIZE) {
		free(kept);
		arena->blocks = NULL;
	}
}

void arena_free(struct arena *arena)
{
	blocks_free(arena->blocks);
	arena->blocks = NULL;
	arena->used = 0;
}
