/*
 * What is thought of a message, and how it is said (verdict.h).
 */
#include <string.h>

#include "verdict.h"

/* Bytes of an address that a reply repeats: a reply line holds 512 in all, RFC 5321 4.5.3.1.5. */
#define ABOUT_MAX 100
#define DETAIL_MAX 160

const char *const action_names[] = { "off", "observe", "hold", "defer", "reject", NULL };
const char *const language_names[] = { "en", "de", NULL };

struct verdict verdict_stronger(struct verdict a, struct verdict b)
{
	return b.action > a.action ? b : a;
}

void rule_text(const struct rule *rule, enum language language, const char *template, const struct rule_words *filling,
	       struct text *out)
{
	const struct {
		const char *name;
		struct span value;
		size_t max;
	} words[] = {
		{ "{about}", filling->about, ABOUT_MAX },
		{ "{detail}", filling->detail, DETAIL_MAX },
		{ "{account}", { filling->account, strlen(filling->account) }, ABOUT_MAX },
		{ "{client}", { filling->client, strlen(filling->client) }, ABOUT_MAX },
	};
	const char *at = template ? template : rule->text[language];

	while (*at) {
		size_t run = strcspn(at, "{"), i = 0;

		text_escaped(out, at, run, run);
		at += run;
		if (!*at)
			break;
		while (i < sizeof(words) / sizeof(*words) && strncmp(at, words[i].name, strlen(words[i].name)) != 0)
			i++;
		if (i < sizeof(words) / sizeof(*words)) {
			text_escaped(out, words[i].value.at, words[i].value.len, words[i].max);
			at += strlen(words[i].name);
		} else {
			text_char(out, *at++);
		}
	}
}
