/*
 * Fuzzes the reader of mails about mail. Whatever the bytes are, recipients are few and their texts are whole.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bounce/bounce.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evidence_table *table;
	char error[1024];
	const char *why = NULL;

	if (!table && !(table = evidence_load(NULL, error, sizeof(error))))
		abort();
	struct bounce *bounce = bounce_read(table, (const char *)data, size, &why);
	if (!bounce) {
		if (!why)
			abort();
		return 0;
	}
	if (bounce_count(bounce) > BOUNCE_RECIPIENTS)
		abort();
	for (size_t i = 0; i < bounce_count(bounce); i++) {
		const struct bounce_recipient *recipient = bounce_recipient(bounce, i);
		if (strlen(recipient->address) > 320 || strlen(recipient->status) > 20 || !recipient->evidence.rule)
			abort();
	}
	bounce_original(bounce, "Message-ID");
	bounce_free(&bounce);
	return 0;
}
