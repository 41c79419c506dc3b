/*
 * `leumund notice test`: one notice through every way that section notice of conf.d names.
 */
#include <string.h>
#include <unistd.h>

#include "notice/notice.h"
#include "setup.h"
#include "system/privileges.h"
#include "tool.h"

static void way_show(void *arg, const char *way, bool delivered, const char *sentence)
{
	unsigned *tried = arg;

	++*tried;
	printf("%-4s %-7s  ", delivered ? "ok" : "fail", way);
	print_safe(stdout, sentence[0] ? sentence : delivered ? "delivered" : "not delivered");
	putchar('\n');
	(void)fflush(stdout);
}

/* What only root may read or run, a service cannot. Without that user root it stays, as with `run`. */
static int user_become(const struct leumund_options *options)
{
	struct account_ids ids;
	char error[256];

	if (geteuid() != 0 || privileges_find(options->user, options->socket_group, &ids, error, sizeof(error)) < 0)
		return 0;
	if (privileges_drop(options->user, &ids, error, sizeof(error)) == 0)
		return 0;
	complain("%s", error);
	return EX_OSERR;
}

static int test(const struct setup *setup)
{
	static const struct notice_fact facts[] = { { "limit", "100" }, { "used", "80" } };
	static const struct notice notice = {
		.kind = "test",
		.account = "leumund",
		.rule = "test",
		.text = "This is a test of leumund's notices; nobody is near a limit.",
		.facts = facts,
		.fact_count = sizeof(facts) / sizeof(*facts),
	};
	unsigned tried = 0;
	const char *service = setup->service_count > 0 ? setup->services[0] : "none";
	bool all = notice_try(setup->notice, service, &notice, way_show, &tried);

	if (tried > 0)
		return all ? EX_OK : EXIT_FINDING;
	puts("notices stand in the log only: set hook, webhook or mail in section notice, see leumund.conf(5)");
	return EXIT_FINDING;
}

int command_notice(const struct call *call)
{
	struct setup setup;
	int status;

	if (strcmp(call->words[0], "test") != 0) {
		complain("'notice' knows one word, test");
		return EX_USAGE;
	}
	status = tool_setup(call, &setup);
	if (status != 0)
		return status;
	status = user_become(setup.leumund);
	if (status == 0)
		status = test(&setup);
	setup_free(&setup);
	return status;
}
