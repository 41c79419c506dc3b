/*
 * Classes of failure (store/trouble.h).
 */
#include <string.h>

#include "store/trouble.h"

/* Only the first word of an error is the same in all servers and versions. */
/* clang-format off */
static const struct {
	const char *word;
	enum trouble trouble;
} trouble_words[] = {
	{ "NOSCRIPT", TROUBLE_SCRIPT },
	{ "LOADING", TROUBLE_PASSING },
	{ "BUSY", TROUBLE_PASSING },
	{ "OOM", TROUBLE_PASSING },
	{ "MISCONF", TROUBLE_PASSING },
	{ "NOREPLICAS", TROUBLE_PASSING },
	{ "READONLY", TROUBLE_PASSING },
	{ "MASTERDOWN", TROUBLE_PASSING },
	{ "CLUSTERDOWN", TROUBLE_PASSING },
	{ "TRYAGAIN", TROUBLE_PASSING },
	{ "UNKILLABLE", TROUBLE_PASSING },
	{ "NOAUTH", TROUBLE_DENIED },
	{ "WRONGPASS", TROUBLE_DENIED },
	{ "NOPERM", TROUBLE_DENIED },
};
/* clang-format on */

static bool starts_with_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == '\0');
}

enum trouble store_trouble(const char *error)
{
	/* Redis 6 quotes the error of a command in a script: "ERR Error running script ...: -OOM command not ..." */
	const char *quoted = strncmp(error, "ERR ", 4) == 0 ? strstr(error, ": -") : NULL;

	for (size_t i = 0; i < sizeof(trouble_words) / sizeof(*trouble_words); i++)
		if (starts_with_word(error, trouble_words[i].word) ||
		    (quoted && starts_with_word(quoted + 3, trouble_words[i].word)))
			return trouble_words[i].trouble;
	/* What an ACL forbids inside a script has no word of its own: Redis 7, Valkey 8. */
	if (strstr(error, "user executing the script") || strstr(error, "ACL failure in script"))
		return TROUBLE_DENIED;
	return TROUBLE_OTHER;
}

enum trouble reply_trouble(const struct redisReply *reply)
{
	return reply_is_error(reply) ? store_trouble(reply_text(reply).at) : TROUBLE_NONE;
}

bool reply_is_replica(const struct redisReply *reply)
{
	return reply_is_error(reply) && starts_with_word(reply_text(reply).at, "READONLY");
}
