/*
 * What a message's log line says of its SPF results (note.h).
 */
#include <stdio.h>
#include <string.h>

#include "milters/spf/note.h"

static const struct {
	const char *result, *domain, *problem; /* of HELO the domain is in the line already */
} keys[SPF_IDENTITIES] = {
	{ "spf", "spf_domain", "spf_problem" },
	{ "spf_helo", NULL, "spf_helo_problem" },
};

static void word_put(struct text *line, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	text_char(line, ' ');
	text_str(line, key);
	text_char(line, '=');
	text_word(line, value, strlen(value), DOMAIN_MAX);
}

/* A sentence of ours: a blank would end the value. */
static void problem_put(struct text *line, const char *key, const char *problem)
{
	char words[sizeof(((struct spf_outcome *)0)->problem)];

	snprintf(words, sizeof(words), "%s", problem);
	for (char *at = words; *at != '\0'; at++)
		if (*at == ' ')
			*at = '_';
	word_put(line, key, words);
}

void note_results(struct inquiry *inquiry, struct text *line)
{
	for (int i = 0; i < SPF_IDENTITIES; i++) {
		const struct spf_outcome *outcome = inquiry_outcome(inquiry, (enum spf_identity)i);

		if (!outcome)
			continue;
		word_put(line, keys[i].result, spf_result_names[outcome->result]);
		if (keys[i].domain)
			word_put(line, keys[i].domain, outcome->domain);
		problem_put(line, keys[i].problem, outcome->problem);
	}
}
