/*
 * First contact (store/contact.h).
 */
#include <stdio.h>

#include "hash.h"
#include "store/contact.h"

#define WORD_MAX 320 /* of an address: RFC 5321 4.5.3.1 has 64 + 1 + 255 */

static void put_lower(struct text *out, struct span word)
{
	for (size_t i = 0; i < word.len && i < WORD_MAX; i++)
		text_char(out, ascii_lower(word.at[i]));
	text_char(out, '\0');
}

/* An account's fingerprints say nothing about those of another one. */
static uint64_t print_of(const struct store_secret *secret, const char *use, struct span account, struct span address)
{
	char TEXT_BUFFER buffer[2 * WORD_MAX + 16];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	put_lower(&text, (struct span){ use, strlen(use) });
	put_lower(&text, account);
	put_lower(&text, address);
	return hash_keyed(secret->key, text.at, text.len);
}

bool contact_put(struct contact_request *request, const struct store_secret *secret, struct span address)
{
	if (request->count >= CONTACTS)
		return false;
	const uint32_t print = (uint32_t)print_of(secret, "contact", request->account, address);
	memcpy(&request->prints[request->count++], &print, sizeof(print));
	return true;
}

void contact_victim(char out[CONTACT_VICTIM_SIZE], const struct store_secret *secret, struct span address)
{
	snprintf(out, CONTACT_VICTIM_SIZE, "%016llx",
		 (unsigned long long)print_of(secret, "victim", (struct span){ "", 0 }, address));
}

struct store_request contact_ask(struct contact_request *request)
{
	static const struct span modes[] = { { "look", 4 }, { "add", 3 } };
	struct contact_words *words = &request->words;
	struct text key;

	text_init(&key, words->key, sizeof(words->key));
	store_key_write(&key, "seen", request->account, (struct span){ "", 0 });
	words->keys[0] = (struct span){ key.at, key.len };
	words->arg[0] = modes[request->mode];
	words->at[0] = '\0';
	if (request->at_ms != 0)
		snprintf(words->at, sizeof(words->at), "%lld", (long long)request->at_ms);
	words->arg[1] = (struct span){ words->at, strlen(words->at) };
	words->arg[2] = request->kind;
	for (size_t i = 0; i < request->count; i++)
		words->arg[3 + i] =
			(struct span){ words->numbers[i], (size_t)snprintf(words->numbers[i], sizeof(words->numbers[i]),
									   "%d", (int)request->prints[i]) };
	return (struct store_request){ STORE_SCRIPT_CONTACT, words->keys, 1, words->arg, 3 + request->count };
}

bool contact_answer(struct contact_request *request, const struct store_answer *answer)
{
	request->new_count = 0;
	request->usual = 0;
	if (!answer || answer->result != STORE_OK || answer->count != 1 + request->count)
		return false;
	request->usual = (uint32_t)store_field_number(answer, 0);
	for (size_t i = 0; i < request->count; i++) {
		request->is_new[i] = store_field_number(answer, 1 + i) == 1;
		request->new_count += request->is_new[i];
	}
	return true;
}
