/*
 * Section `learn` of conf.d (learn.h).
 */
#include <string.h>

#include "learn.h"

static const char *check_file(const char *value)
{
	if (value[0] == '/')
		return NULL;
	if (strcmp(value, LEARN_JOURNAL) != 0 && strncmp(value, LEARN_JOURNAL ":/", strlen(LEARN_JOURNAL) + 2) != 0)
		return "write the whole name, such as \"/var/log/mail.log\", or \"journal\"";
#if defined(LEUMUND_WITH_SYSTEMD)
	return NULL;
#else
	return "this build cannot read the journal (it lacks libsystemd); name a file";
#endif
}

static const char *check_state(const char *value)
{
	return value[0] == '/' ? NULL : "write the whole name, such as \"/var/lib/leumund/learn\"";
}

static bool check_together(const void *values, const char **option, char *error, size_t size)
{
	const struct learn_options *options = values;

	if (!options->enable || options->files.count > 0)
		return true;
	*option = "enable";
	snprintf(error, size, "there is nothing to read; name the MTA's log in files, such as {\"/var/log/mail.log\"}");
	return false;
}

/* clang-format off */
#define ROW(type, field, value, least, most, check, help) \
	{ OPTION_##type, #field, value, least, most, NULL, check, offsetof(struct learn_options, field), help }

static const struct option rows[] = {
	ROW(BOOL, enable, "false", 0, 0, NULL,
	    "Whether `leumund run` starts leumund-learn."),
	ROW(LIST, files, "{}", 0, 0, check_file,
	    "The logs of the MTA, which the option leumund.user must be able to read: \"/var/log/mail.log\", \"/var/log/exim4/mainlog\", "
	    "\"/var/log/exim_mainlog\", or \"journal\"; each line in one of them only."),
	ROW(STRING, state, "\"/var/lib/leumund/learn\"", 0, 0, check_state,
	    "Directory where the place in each log is kept, and outcomes while the store is away."),
	ROW(NUMBER, context, "32", 0, 1024, NULL,
	    "How much of the logs is read again after a start to know whose the messages are that wait in the queue, in MB."),
	ROW(NUMBER, spool, "100000", 1000, 10000000, NULL,
	    "How many outcomes are kept while the store is away; then the oldest are dropped, and counted."),
	{ .name = NULL }
};
/* clang-format on */

const struct section learn_section = {
	.name = "learn",
	.summary = "What other servers answer, read from the MTA's log.",
	.options = rows,
	.size = sizeof(struct learn_options),
	.check = check_together,
};
