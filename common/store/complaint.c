/*
 * Complaints (store/complaint.h). Fingerprints are those of contacts: an account's own, so they tell nothing more.
 */
#include <stdio.h>

#include "store/complaint.h"

bool complaint_put(struct complaint_request *request, const struct store_secret *secret, struct span address)
{
	return contact_put(&request->contacts, secret, address);
}

struct store_request complaint_ask(struct complaint_request *request)
{
	static const char *const modes[] = { "look", "add", "drop" };
	const struct contact_request *contacts = &request->contacts;
	struct complaint_words *words = &request->words;
	struct text text;

	text_init(&text, words->key, sizeof(words->key));
	store_key_write(&text, "complaint", contacts->account, (struct span){ "", 0 });
	words->keys[0] = (struct span){ text.at, text.len };
	words->arg[0] = span_of(modes[request->mode]);
	snprintf(words->keep, sizeof(words->keep), "%lld", (long long)request->keep_ms);
	words->arg[1] = span_of(words->keep);
	for (size_t i = 0; i < contacts->count; i++) {
		snprintf(words->numbers[i], sizeof(words->numbers[i]), "%d", (int)contacts->prints[i]);
		words->arg[2 + i] = span_of(words->numbers[i]);
	}
	return (struct store_request){ STORE_SCRIPT_COMPLAINT, words->keys, 1, words->arg, 2 + contacts->count };
}

bool complaint_answer(struct complaint_request *request, const struct store_answer *answer)
{
	const bool known = answer && answer->result == STORE_OK && answer->count == request->contacts.count;

	for (size_t i = 0; i < request->contacts.count; i++)
		request->had[i] = known && store_field_number(answer, i) == 1;
	return known;
}
