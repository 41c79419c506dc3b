/*
 * A program of the admin's (notice/sink.h): the notice in its environment, and as JSON on its standard input.
 */
#include <stdlib.h>
#include <string.h>

#include "notice/program.h"

#define HOOK_MAX 1000

/* The words, in `buffer`; 0: too many. */
static size_t words_split(const char *hook, char *buffer, size_t size, char *argv[PROGRAM_WORDS + 1])
{
	char *save = NULL;
	size_t count = 0, len = strlen(hook);

	if (len >= size)
		return 0;
	memcpy(buffer, hook, len + 1);
	for (char *word = strtok_r(buffer, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (count == PROGRAM_WORDS)
			return 0;
		argv[count++] = word;
	}
	argv[count] = NULL;
	return count;
}

const char *hook_check(const char *value)
{
	char buffer[HOOK_MAX], *argv[PROGRAM_WORDS + 1];

	if (value[0] == '\0')
		return NULL;
	if (value[strcspn(value, "\"'`$|&;<>(){}*?\\\n\r")] != '\0')
		return "no shell reads it: a path and words apart by blanks are allowed; put the rest into a script";
	if (words_split(value, buffer, sizeof(buffer), argv) == 0)
		return "is a path and at most 31 words, together less than 1000 bytes";
	return program_check(argv[0]);
}

static bool hook_wanted(const struct notice_options *options)
{
	return options->hook[0] != '\0';
}

static enum outcome hook_send(const struct attempt *attempt)
{
	char buffer[HOOK_MAX], *argv[PROGRAM_WORDS + 1], **environment;
	struct program program = { .argv = argv };
	enum outcome outcome = FAILED;
	char *json;

	if (words_split(attempt->options->hook, buffer, sizeof(buffer), argv) == 0)
		return HOPELESS;
	json = item_json(attempt->item, &program.input_len);
	environment = item_environment(attempt->item);
	program.input = json;
	program.environment = environment;
	if (json && environment)
		outcome = program_run(&program, attempt->stop_fd, attempt->said);
	else
		text_str(attempt->said, "no memory");
	free(environment);
	free(json);
	return outcome;
}

const struct sink sink_hook = {
	.name = "hook",
	.remedy = "run the program by hand as the service's user; `leumund notice test` does",
	.wanted = hook_wanted,
	.send = hook_send,
};
