/*
 * The options in force (notice/settings.h).
 */
#include <stdlib.h>
#include <string.h>

#include "notice/settings.h"

static const size_t strings[] = {
	offsetof(struct notice_options, hook),
	offsetof(struct notice_options, webhook),
	offsetof(struct notice_options, webhook_token_file),
	offsetof(struct notice_options, mail),
	offsetof(struct notice_options, mail_by),
};

static const char **string_at(struct notice_options *options, size_t i)
{
	return (const char **)(void *)((char *)options + strings[i]);
}

struct settings *settings_new(const struct notice_options *options)
{
	struct notice_options from = *options;
	size_t size = sizeof(struct settings);
	struct settings *settings;
	char *at;

	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
		size += strlen(*string_at(&from, i)) + 1;
	settings = malloc(size);
	if (!settings)
		return NULL;
	atomic_init(&settings->references, 1);
	settings->options = from;
	at = settings->bytes;
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		size_t len = strlen(*string_at(&from, i)) + 1;

		memcpy(at, *string_at(&from, i), len);
		*string_at(&settings->options, i) = at;
		at += len;
	}
	return settings;
}

struct settings *settings_ref(struct settings *settings)
{
	atomic_fetch_add(&settings->references, 1);
	return settings;
}

void settings_unref(struct settings *settings)
{
	if (settings && atomic_fetch_sub(&settings->references, 1) == 1)
		free(settings);
}
