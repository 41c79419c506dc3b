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
	struct contact_words *words = &request->contacts.words;
	struct store_request asked = contact_ask(&request->contacts);
	struct text key;

	text_init(&key, words->key, sizeof(words->key));
	store_key_write(&key, "complaint", request->contacts.account, (struct span){ "", 0 });
	words->keys[0] = (struct span){ key.at, key.len };
	words->arg[0] = span_of(modes[request->mode]);
	snprintf(request->keep, sizeof(request->keep), "%lld", (long long)request->keep_ms);
	words->arg[1] = span_of(request->keep);
	asked.script = STORE_SCRIPT_COMPLAINT;
	return asked;
}

bool complaint_answer(struct complaint_request *request, const struct store_answer *answer)
{
	const bool known = answer && answer->result == STORE_OK && answer->count == request->contacts.count;

	for (size_t i = 0; i < request->contacts.count; i++)
		request->had[i] = known && store_field_number(answer, i) == 1;
	return known;
}
