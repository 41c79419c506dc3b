/*
 * libFuzzer: dns_answer_read(), on messages that answer the question; the input's first byte chooses its type.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dns/answer.h"
#include "dns/wire.h"

static size_t answer_walk(const struct dns_answer *answer)
{
	size_t sum = 0;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (answer->type == DNS_TXT)
			for (size_t k = 0; k < record->txt.len; k++)
				sum += (unsigned char)record->txt.at[k];
		else if (answer->type == DNS_MX || answer->type == DNS_PTR)
			sum += strlen(answer->type == DNS_MX ? record->mx.name : record->ptr);
	}
	return sum;
}

/* The names in an answer can be asked for again, but for the root's. */
static void names_check(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		const char *text = answer->type == DNS_MX ? answer->records[i].mx.name : answer->records[i].ptr;
		char again[DNS_TEXT_SIZE];
		struct dns_name name;

		if (!dns_name_parse(&name, text))
			continue; /* the root's, or beyond ASCII */
		if (dns_name_text(&name, again) != strlen(text) || strcasecmp(text, again) != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dns_answer *answer;
	uint8_t query[DNS_QUERY_SIZE], *message;
	struct dns_key key;
	size_t len;

	if (size < 1 || !dns_key_make(&key, data[0] % DNS_TYPES, "a.example"))
		return 0;
	len = dns_query_write(query, 0, &key) - 11;
	size--;
	message = malloc(len + size);
	if (!message)
		return 0;
	/* the first ten octets of the input are the header's but for its id and the count of questions */
	memcpy(message, query, len);
	memcpy(message + len, data + 1, size);
	if (size >= 10) {
		memcpy(message + 2, data + 1, 2);
		memcpy(message + 6, data + 3, 6);
		memmove(message + len, message + len + 10, size - 10);
		size -= 10;
	}
	answer = dns_answer_read(message, len + size, &key);
	free(message);
	if ((answer->status == DNS_FOUND) != (answer->count > 0) || answer_walk(answer) == SIZE_MAX)
		abort();
	if (answer->type == DNS_MX || answer->type == DNS_PTR)
		names_check(answer);
	dns_unref(&answer);
	return 0;
}
