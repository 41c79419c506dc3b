/*
 * Answers, counted by reference: one block of memory each (dns/answer.h).
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "dns/answer.h"

#define MALLOC_COST 16 /* of glibc, beside what was asked for */

struct block {
	struct dns_answer answer; /* first: the public part is the block's address */
	atomic_uint references;
	size_t size; /* 0: not from the heap */
	struct dns_record records[];
};

/* clang-format off */
#define PLAIN(type, status) { { type, status, 0, NULL, 0 }, 0, 0 }
#define PLAINS(type) { PLAIN(type, DNS_FOUND), PLAIN(type, DNS_NO_DATA), PLAIN(type, DNS_NO_NAME), PLAIN(type, DNS_FAILED) }
static struct block plains[DNS_TYPES][DNS_FAILED + 1] = {
	PLAINS(DNS_A), PLAINS(DNS_AAAA), PLAINS(DNS_MX), PLAINS(DNS_TXT), PLAINS(DNS_PTR),
};
/* clang-format on */

static struct block *block_of(const struct dns_answer *answer)
{
	return (struct block *)(uintptr_t)answer;
}

struct dns_answer *dns_answer_new(enum dns_type type, size_t count, size_t bytes, struct dns_record **records,
				  char **room)
{
	const size_t size = sizeof(struct block) + count * sizeof(struct dns_record) + bytes;
	struct block *block = malloc(size);

	if (!block)
		return NULL;
	block->answer =
		(struct dns_answer){ .type = type, .status = DNS_FOUND, .count = count, .records = block->records };
	atomic_init(&block->references, 1);
	block->size = size;
	*records = block->records;
	*room = (char *)(block->records + count);
	return &block->answer;
}

const struct dns_answer *dns_answer_plain(enum dns_type type, enum dns_status status)
{
	return &plains[type][status].answer;
}

const struct dns_answer *dns_answer_no(enum dns_type type, enum dns_status status, uint32_t ttl)
{
	struct dns_record *records;
	char *room;
	struct dns_answer *answer = dns_answer_new(type, 0, 0, &records, &room);

	if (!answer)
		return dns_answer_plain(type, status);
	answer->status = status;
	answer->ttl = ttl;
	return answer;
}

size_t dns_answer_size(const struct dns_answer *answer)
{
	const size_t size = block_of(answer)->size;

	return size ? size + MALLOC_COST : 0;
}

const struct dns_answer *dns_ref(const struct dns_answer *answer)
{
	struct block *block = block_of(answer);

	if (block->size)
		atomic_fetch_add_explicit(&block->references, 1, memory_order_relaxed);
	return answer;
}

void dns_unref(const struct dns_answer **answer)
{
	struct block *block = *answer ? block_of(*answer) : NULL;

	*answer = NULL;
	if (block && block->size && atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) == 1)
		free(block);
}
