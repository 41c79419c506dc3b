/*
 * Rules of their own for some domains (override.h).
 */
#include <stdlib.h>
#include <string.h>

#include "address/pattern.h"
#include "milters/spf/override.h"
#include "spf/spf.h"

#define UNSAID (-1)
#define LINE_MAX_BYTES 512

struct override {
	struct pattern *pattern;
	int action[SPF_POLICY_RESULTS]; /* enum action, or UNSAID */
};

struct overrides {
	size_t count;
	struct override at[];
};

static int word_find(const char *const *words, const char *word)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

/* "softfail=reject" */
static const char *assignment_read(struct override *override, char *word)
{
	char *action = strchr(word, '=');
	int result, index;

	if (!action)
		return "write \"DOMAIN RESULT=ACTION ...\", such as \"bank.example softfail=reject\"";
	*action++ = '\0';
	result = word_find(spf_result_names, word);
	index = word_find(spf_action_names, action);
	if (result < 0)
		return "results are: none neutral pass fail softfail temperror permerror";
	if (index < 0)
		return "actions are: off mark defer reject";
	if (result == SPF_RESULT_PASS && spf_actions[index] > ACTION_OBSERVE)
		return "a pass can only be marked or off";
	override->action[result] = (int)spf_actions[index];
	return NULL;
}

static const char *override_read(struct override *override, const char *value)
{
	char line[LINE_MAX_BYTES], *rest = line, *word;
	const char *why = NULL;

	override->pattern = NULL;
	for (int i = 0; i < SPF_POLICY_RESULTS; i++)
		override->action[i] = UNSAID;
	if (strlen(value) >= sizeof(line))
		return "the line is too long";
	memcpy(line, value, strlen(value) + 1);
	word = strsep(&rest, " ");
	if (strchr(word, '@'))
		return "name a domain, no address";
	if (!rest || rest[strspn(rest, " ")] == '\0')
		return "write \"DOMAIN RESULT=ACTION ...\", such as \"bank.example softfail=reject\"";
	override->pattern = pattern_new(word, &why);
	while (override->pattern && !why && (word = strsep(&rest, " ")))
		if (*word != '\0')
			why = assignment_read(override, word);
	return why;
}

const char *override_check(const char *value)
{
	struct override override;
	const char *why = override_read(&override, value);

	pattern_free(&override.pattern);
	return why;
}

struct overrides *overrides_new(const struct string_list *list)
{
	struct overrides *overrides = calloc(1, sizeof(*overrides) + list->count * sizeof(overrides->at[0]));

	for (size_t i = 0; overrides && i < list->count; i++) {
		overrides->count++;
		if (override_read(&overrides->at[i], list->at[i]) || !overrides->at[i].pattern)
			overrides_free(&overrides);
	}
	return overrides;
}

void overrides_free(struct overrides **overrides)
{
	if (!*overrides)
		return;
	for (size_t i = 0; i < (*overrides)->count; i++)
		pattern_free(&(*overrides)->at[i].pattern);
	free(*overrides);
	*overrides = NULL;
}

enum action override_action(const struct overrides *overrides, const char *domain, unsigned result,
			    enum action otherwise)
{
	for (size_t i = 0; domain[0] != '\0' && i < overrides->count; i++) {
		const struct override *one = &overrides->at[i];

		if (one->action[result] != UNSAID && pattern_match(one->pattern, "", 0, domain))
			return (enum action)one->action[result];
	}
	return otherwise;
}

bool overrides_reach(const struct overrides *overrides, enum action least)
{
	for (size_t i = 0; i < overrides->count; i++)
		for (int result = 0; result < SPF_POLICY_RESULTS; result++)
			if (overrides->at[i].action[result] >= (int)least)
				return true;
	return false;
}
