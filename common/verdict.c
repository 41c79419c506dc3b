/*
 * What is thought of a message, and how it is said (verdict.h).
 */
#include <string.h>

#include "verdict.h"

/* Bytes of an address that a reply repeats: a reply line holds 512 in all, RFC 5321 4.5.3.1.5. */
#define ABOUT_MAX 100

const char *const action_names[] = { "off", "observe", "hold", "defer", "reject", NULL };
const char *const language_names[] = { "en", "de", NULL };

struct verdict verdict_stronger(struct verdict a, struct verdict b)
{
	return b.action > a.action ? b : a;
}

void rule_text(const struct rule *rule, enum language language, const char *template, struct span about,
	       const char *account, struct text *out)
{
	static const struct {
		const char *name;
		size_t len;
	} words[] = { { "{about}", 7 }, { "{account}", 9 } };
	const char *at = template ? template : rule->text[language];

	while (*at) {
		size_t run = strcspn(at, "{");

		text_escaped(out, at, run, run);
		at += run;
		if (!*at)
			break;
		if (!strncmp(at, words[0].name, words[0].len)) {
			text_escaped(out, about.at, about.len, ABOUT_MAX);
			at += words[0].len;
		} else if (!strncmp(at, words[1].name, words[1].len)) {
			text_escaped(out, account, strlen(account), ABOUT_MAX);
			at += words[1].len;
		} else {
			text_char(out, *at++);
		}
	}
}
