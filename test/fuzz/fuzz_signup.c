/*
 * libFuzzer: what `signup` reads of a message: subject, body, recipient.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "contact.h"
#include "milters/signup/evidence.h"
#include "fold.h"
#include "milters/signup/localpart.h"
#include "milters/signup/opening.h"
#include "milters/signup/sketch.h"
#include "utf8.h"

/* Folded words are UTF-8, single blanks between them, and folding them again changes nothing. */
static void words_check(struct span text)
{
	char once[600], twice[600];
	size_t len = fold_words(text, once, sizeof(once)), again;

	for (size_t at = 0, taken; at < len; at += taken) {
		uint32_t point;

		taken = utf8_read(once + at, len - at, &point);
		if (!taken || (point == ' ' && (at == 0 || at + 1 == len || once[at - 1] == ' ')))
			abort();
	}
	again = fold_words((struct span){ once, len }, twice, sizeof(twice));
	if (again != len || memcmp(once, twice, len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const stems[] = { "confirm", "bestätig", "log in", "登録", "подтверди" };
	static struct stems *table;
	char *copy = malloc(size ? size : 1), buffer[CONTACT_MAX];
	struct span whole = { copy, size }, head = { copy, size / 3 }, rest = { copy + size / 3, size - size / 3 };
	struct text text;

	if (!table)
		table = stems_new(stems, sizeof(stems) / sizeof(*stems));
	if (!copy || !table)
		return 0;
	if (size)
		memcpy(copy, data, size);
	words_check(whole);
	stems_find(table, whole);
	stems_begin(table, head);
	if (!sketch_is_alike(sketch_make(head, rest), sketch_make(head, rest)) && sketch_make(head, rest) != 0)
		abort();
	localpart_bits(whole);
	if (opening_read(head, (struct span){ "quoted-printable", size % 17 }, rest, buffer, sizeof(buffer)) >
	    sizeof(buffer))
		abort();
	opening_read((struct span){ "multipart/mixed; boundary=b", 27 }, (struct span){ "base64", size % 7 }, whole,
		     buffer, sizeof(buffer));
	evidence_of_header("X-Mailer", whole);
	text_init(&text, buffer, sizeof(buffer));
	contact_box(head, "gmail.com", &text);
	contact_fold(rest, "x.example", &text);
	free(copy);
	return 0;
}
