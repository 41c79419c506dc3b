/*
 * A decision as the history keeps it (decision_line.h).
 */
#include <stdio.h>
#include <string.h>

#include "decision_line.h"

bool fact_next(const char **line, struct span *key, struct span *value)
{
	for (;;) {
		const char *word = *line + strspn(*line, " "), *equals;
		size_t len = strcspn(word, " ");

		if (len == 0)
			return false;
		*line = word + len;
		equals = memchr(word, '=', len);
		if (!equals || equals == word)
			continue;
		*key = (struct span){ word, (size_t)(equals - word) };
		*value = (struct span){ equals + 1, len - key->len - 1 };
		return true;
	}
}

const char *fact_of(const char *line, const char *key, char *out, size_t size)
{
	struct span name, value;

	while (fact_next(&line, &name, &value))
		if (name.len == strlen(key) && !memcmp(name.at, key, name.len)) {
			snprintf(out, size, "%.*s", (int)value.len, value.at);
			return out;
		}
	out[0] = '\0';
	return out;
}
