/*
 * leumund: the admin's command. The table below is at once dispatch and usage.
 */
#include <getopt.h>
#include <string.h>

#include "log.h"
#include "tool.h"

enum takes {
	TAKES_CONF = 1 << 0,
	TAKES_RUN = 1 << 1,
	TAKES_JSON = 1 << 2,
	TAKES_DETACH = 1 << 3,
	TAKES_SPAN = 1 << 4,
	TAKES_SENDING = 1 << 5,
	TAKES_ROOT = 1 << 6,
};

/* clang-format off */
static const struct command {
	const char *name, *arguments;
	int least, most; /* words */
	unsigned takes;  /* of enum takes */
	const char *summary;
	command_fn *function;
} commands[] = {
	{ "status", "[--json]", 0, 0, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "what the services do, and how they are", command_status },
	{ "check", "", 0, 0, TAKES_CONF | TAKES_RUN,
	  "looks for what is wrong, and says what to do", command_check },
	{ "config", "[SECTION] [--json]", 0, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "each option's value, and where it comes from", command_config },
	{ "mta", "postfix|sendmail|exim", 1, 1, TAKES_CONF | TAKES_RUN,
	  "the lines that the MTA's configuration needs", command_mta },
	{ "explain", "ID [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "one decision, by the id in the reply or the log", command_explain },
	{ "history", "ACCOUNT [--since 24h] [--max N] [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SPAN,
	  "an account's decisions, newest first", command_history },
	{ "refusals", "[ACCOUNT] [--json]", 0, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "who is refused most, and by which rule", command_refusals },
	{ "who", "ADDRESS|LOGIN|DOMAIN [--as ACCOUNT] [--from HEADER] [--json]", 1, 1,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SENDING,
	  "whose it is, and what would be decided now", command_who },
	{ "run", "[CONF.D RUN] [--detach]", 0, 2, TAKES_CONF | TAKES_RUN | TAKES_DETACH | TAKES_ROOT,
	  "starts the services and keeps them running", command_run },
	{ "stop", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "ends what `run` started, and waits for it", command_stop },
	{ "reload", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "lets the services read their configuration again", command_reload },
	{ "restart", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "replaces the services without losing a message", command_restart },
	/* for the makefile: they have no summary and are not listed */
	{ "manual", "SECTION", 1, 1, 0, NULL, command_manual },
	{ "sample", "SECTION", 1, 1, 0, NULL, command_sample },
};
/* clang-format on */

#define COMMANDS (sizeof(commands) / sizeof(*commands))

enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_SINCE, OPTION_MAX, OPTION_AS, OPTION_FROM };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "run", required_argument, NULL, 'r' },
	{ "json", no_argument, NULL, 'j' },
	{ "detach", no_argument, NULL, 'd' },
	{ "stay-root", no_argument, NULL, 'S' },
	{ "since", required_argument, NULL, OPTION_SINCE },
	{ "max", required_argument, NULL, OPTION_MAX },
	{ "as", required_argument, NULL, OPTION_AS },
	{ "from", required_argument, NULL, OPTION_FROM },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *out)
{
	fputs("usage: leumund [-c CONF.D] [-r RUN] COMMAND ...\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].summary)
			fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "  -c CONF.D  configuration directory (" LEUMUND_SYSCONFDIR "/leumund/conf.d)\n"
	      "  -r RUN     run directory instead of the configuration's\n"
	      "\n`leumund COMMAND --help` shows a command's arguments; leumund(8) explains them.\n",
	      out);
}

static void usage_command(const struct command *command, FILE *out)
{
	char line[256];

	snprintf(line, sizeof(line), " leumund%s%s %s %s", command->takes & TAKES_CONF ? " [-c CONF.D]" : "",
		 command->takes & TAKES_RUN ? " [-r RUN]" : "", command->name, command->arguments);
	fputs("usage:", out);
	print_wrapped(out, line, 7, 6);
	if (command->summary)
		fprintf(out, "  %s\n", command->summary);
}

static const struct command *command_find(const char *name)
{
	const char *names[COMMANDS + 1], *meant;
	size_t count = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
		if (commands[i].summary)
			names[count++] = commands[i].name;
	}
	names[count] = NULL;
	meant = word_meant(name, names);
	fputs("leumund: '", stderr);
	print_safe(stderr, name);
	if (meant)
		fprintf(stderr, "' is no command; did you mean '%s'?\n", meant);
	else
		fputs("' is no command; `leumund` alone lists them\n", stderr);
	return NULL;
}

/* What is asked for beside the command. */
struct wish {
	bool help, version;
	unsigned takes; /* the options that were given */
};

static int option_take(int option, struct call *call, struct wish *wish)
{
	switch (option) {
	case 'c':
		call->conf = optarg;
		call->conf_given = true;
		wish->takes |= TAKES_CONF;
		break;
	case 'r':
		call->run = optarg;
		wish->takes |= TAKES_RUN;
		break;
	case 'j':
		call->json = true;
		wish->takes |= TAKES_JSON;
		break;
	case 'd':
		call->detach = true;
		wish->takes |= TAKES_DETACH;
		break;
	case 'S':
		call->stay_root = true;
		wish->takes |= TAKES_ROOT;
		break;
	case OPTION_SINCE:
		call->since = optarg;
		wish->takes |= TAKES_SPAN;
		break;
	case OPTION_MAX:
		call->max = optarg;
		wish->takes |= TAKES_SPAN;
		break;
	case OPTION_AS:
		call->as = optarg;
		wish->takes |= TAKES_SENDING;
		break;
	case OPTION_FROM:
		call->from = optarg;
		wish->takes |= TAKES_SENDING;
		break;
	case OPTION_HELP:
		wish->help = true;
		break;
	case OPTION_VERSION:
		wish->version = true;
		break;
	default:
		return -1;
	}
	return 0;
}

static int call_run(struct call *call, const struct wish *wish)
{
	const struct command *command = command_find(call->command);

	if (!command)
		return EX_USAGE;
	if (wish->help) {
		usage_command(command, stdout);
		return EX_OK;
	}
	if (call->count < command->least || call->count > command->most || (wish->takes & ~command->takes)) {
		usage_command(command, stderr);
		return EX_USAGE;
	}
	return command->function(call);
}

int main(int argc, char **argv)
{
	struct call call = { .conf = LEUMUND_SYSCONFDIR "/leumund/conf.d" };
	struct wish wish = { .help = false };
	int option, status;

	while ((option = getopt_long(argc, argv, "c:r:S", long_options, NULL)) != -1)
		if (option_take(option, &call, &wish) < 0)
			return EX_USAGE;
	if (wish.version) {
		puts("leumund " LEUMUND_VERSION);
		return EX_OK;
	}
	if (optind == argc) {
		usage(wish.takes == 0 ? stdout : stderr);
		return wish.takes == 0 ? EX_OK : EX_USAGE;
	}
	/* what the parts of the daemon in here have to say is said by the commands; `run` sets its own log */
	log_open("leumund", LOG_TO_STDERR, LEVEL_ERROR);
	call.command = argv[optind];
	call.words = argv + optind + 1;
	call.count = argc - optind - 1;
	status = call_run(&call, &wish);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("the output could not be written");
		return EX_IOERR;
	}
	return status;
}
