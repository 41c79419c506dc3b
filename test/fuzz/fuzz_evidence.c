/*
 * Fuzzes what strangers write into answers, and what an admin may write into a table: up to the first NUL byte it is a
 * table, behind it an answer. Nothing that was said before RCPT TO is about a recipient.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct evidence_table *table, const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1); /* its own, so that each byte too far is seen */
	struct evidence_answer answer;
	struct evidence evidence;

	if (!copy)
		return;
	memcpy(copy, text, len);
	evidence_answer_parse(copy, len, &answer);
	if (answer.text.at < copy || answer.text.at + answer.text.len > copy + len)
		abort();
	evidence_classify(table, &answer, &evidence);
	answer.phase = PHASE_MAIL;
	evidence_classify(table, &answer, &evidence);
	if (evidence.about == ABOUT_RECIPIENT || evidence.class == EVIDENCE_DEAD || evidence.class == EVIDENCE_DISABLED)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct evidence_table *built_in;
	char error[1024];
	const uint8_t *nul = memchr(data, '\0', size);
	const size_t table_len = nul ? (size_t)(nul - data) : 0;
	const size_t begin = nul ? table_len + 1 : 0;

	if (!built_in && !(built_in = evidence_load(NULL, error, sizeof(error))))
		abort();
	judge(built_in, (const char *)data + begin, size - begin);
	if (table_len > 0) {
		struct evidence_table *table =
			evidence_load_text("own", (const char *)data, table_len, error, sizeof(error));
		if (table)
			judge(table, (const char *)data + begin, size - begin);
		else if (error[0] == '\0')
			abort();
		evidence_free(&table);
	}
	return 0;
}
