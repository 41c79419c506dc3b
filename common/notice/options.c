/*
 * Section `notice` of conf.d: its rows.
 */
#include <stdio.h>

#include "notice/sink.h"

/* clang-format off */
#define ROW(type, field, value, least, most, check, help) \
	{ OPTION_##type, #field, value, least, most, NULL, check, offsetof(struct notice_options, field), help }

static const struct option rows[] = {
	ROW(TIME, repeat, "1h", 0, 604800, NULL,
	    "A service says the same of the same account and rule only once in this time."),
	ROW(STRING, hook, "\"\"", 0, 0, hook_check,
	    "Program to run for each notice, with its words apart by blanks and without a shell: \"/usr/local/sbin/tell --urgent\"; "
	    "it finds the notice in LEUMUND_KIND, LEUMUND_ACCOUNT and so on, and as JSON on its standard input."),
	ROW(STRING, webhook, "\"\"", 0, 0, webhook_check,
	    "URL (https or http) that gets the same JSON by POST; needs a build with libcurl."),
	ROW(STRING, webhook_token_file, "\"\"", 0, 0, webhook_token_check,
	    "File whose first line is a bearer token for the webhook; it must not be readable by others (chmod o=)."),
	ROW(STRING, mail, "\"\"", 0, 0, mail_check,
	    "Address that gets a mail for each notice, with the null sender."),
	ROW(STRING, mail_by, "\"\"", 0, 0, mail_by_check,
	    "How that mail leaves: \"smtp://host:port\", or the path of a sendmail(1), which cannot work below systemd's NoNewPrivileges; "
	    "empty means smtp://127.0.0.1, or /usr/sbin/sendmail in a build without libcurl."),
	{ .name = NULL },
};
/* clang-format on */

/* A token in clear text is anybody's. */
static bool check_together(const void *values, const char **option, char *error, size_t size)
{
	const struct notice_options *options = values;

	if (options->webhook_token_file[0] == '\0' || options->webhook[0] == '\0' ||
	    webhook_is_private(options->webhook))
		return true;
	*option = "webhook";
	snprintf(error, size,
		 "with webhook_token_file it has to begin with https://, or the token could be read on its way");
	return false;
}

const struct section notice_section = {
	.name = "notice",
	.summary = "Who is told, beside the log, when a limit is nearly reached and the like.",
	.options = rows,
	.size = sizeof(struct notice_options),
	.check = check_together,
};
