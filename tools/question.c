/*
 * One question to the store, and its answer as a list (question.h).
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "question.h"
#include "redis_server.h"

int question_open(struct question *question, const struct call *call)
{
	const struct store_options *options;
	char error[256];
	int status;

	memset(question, 0, sizeof(*question));
	question->call = call;
	status = tool_setup(call, &question->setup);
	if (status != 0)
		return status;
	options = question->setup.store;
	if (options->address[0] == '\0')
		status = tool_run_enter(tool_run(call, &question->setup));
	if (status == 0) {
		question->store = store_open(options, REDIS_ADDRESS, error, sizeof(error));
		if (!question->store) {
			complain("%s", error);
			status = EX_CONFIG;
		}
	}
	if (status != 0)
		setup_free(&question->setup);
	return status;
}

static void away_say(const struct question *question)
{
	const char *address = question->setup.store->address;
	char here[PATH_MAX] = "";
	struct store_status now;

	if (address[0] == '\0' && !getcwd(here, sizeof(here)))
		snprintf(here, sizeof(here), "RUN");
	store_status(question->store, &now);
	complain("the store at %s%s does not answer%s%s; `leumund check` says what to do", here,
		 address[0] ? address : "/" REDIS_SOCKET, now.trouble[0] ? ": " : "", now.trouble);
}

int question_close(struct question *question, enum store_result result, const char *none)
{
	int status = question->finding ? EXIT_FINDING : EX_OK;

	if (question->call->json)
		puts("]}");
	switch (result) {
	case STORE_OK:
		break;
	case STORE_NONE:
		if (!question->call->json)
			print_wrapped(stdout, none, 0, 0);
		status = EXIT_FINDING;
		break;
	default:
		fflush(stdout);
		away_say(question);
		status = EX_UNAVAILABLE;
		break;
	}
	store_close(&question->store, 0);
	setup_free(&question->setup);
	return status;
}

void list_begin(const struct question *question, const char *name)
{
	if (question->call->json)
		printf("{\"%s\":[", name);
}

void list_separate(struct question *question)
{
	if (question->shown++ > 0 && question->call->json)
		putchar(',');
}
