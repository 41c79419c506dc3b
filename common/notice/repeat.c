/*
 * What was said already (notice/repeat.h).
 */
#include <string.h>

#include "hash.h"
#include "notice/repeat.h"

static uint64_t key_of(const struct notice *notice)
{
	const char *const words[] = { notice->kind, notice->account, notice->rule };
	uint64_t parts[sizeof(words) / sizeof(*words)];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		parts[i] = words[i] ? hash_bytes(words[i], strlen(words[i])) : 0;
	return hash_bytes(parts, sizeof(parts));
}

bool repeat_may(struct repeat *repeat, const struct notice *notice, int64_t now_ms, int64_t every_ms)
{
	const uint64_t key = key_of(notice);
	const size_t set = key % REPEAT_SETS;
	size_t oldest = 0;

	for (size_t i = 0; i < REPEAT_WAYS; i++) {
		if (repeat->slots[set][i].said_ms != 0 && repeat->slots[set][i].key == key) {
			if (now_ms - repeat->slots[set][i].said_ms < every_ms)
				return false;
			oldest = i;
			break;
		}
		if (repeat->slots[set][i].said_ms < repeat->slots[set][oldest].said_ms)
			oldest = i;
	}
	repeat->slots[set][oldest].key = key;
	repeat->slots[set][oldest].said_ms = now_ms;
	return true;
}
