/*
 * leumund: the admin's command. The table below is at once dispatch and usage.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

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
	TAKES_DNS = 1 << 7,
	TAKES_EMPTY = 1 << 8, /* words that may be empty: the null sender is */
	TAKES_BATCH = 1 << 9,
	TAKES_EGRESS = 1 << 10,
	TAKES_CSV = 1 << 11,
	TAKES_SINCE = 1 << 12,
	TAKES_DRY = 1 << 13,
	TAKES_LIMIT = 1 << 14,
	TAKES_VICTIM = 1 << 15,
};

#define WORDS 10000 /* as many as a shell gives */

static int command_help(const struct call *call);

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
	{ "history", "ACCOUNT [--since 24h] [--max N] [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SINCE | TAKES_SPAN,
	  "an account's decisions, newest first", command_history },
	{ "refusals", "[ACCOUNT] [--json]", 0, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "who is refused most, and by which rule", command_refusals },
	{ "show", "ACCOUNT [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "where an account stands with its limits now", command_show },
	{ "limit", "ACCOUNT [NAME HOUR/DAY --until DATE --reason TEXT | NAME --drop] | --list [--json]", 0, 3,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_LIMIT,
	  "other limits for an account, for a time", command_limit },
	{ "reset", "ACCOUNT [NAME] | --victim ADDRESS [--json]", 0, 2, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_VICTIM,
	  "forgets what was counted", command_reset },
	{ "who", "ADDRESS|LOGIN|DOMAIN [--as ACCOUNT] [--from HEADER] [--json]", 1, 1,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SENDING,
	  "whose it is, and what would be decided now", command_who },
	{ "spf", "DOMAIN [--egress ADDRESS[,...]] | check IP HELO MAILFROM | check --batch [--dns ADDRESS[:PORT]] [--json]", 1, 4,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_DNS | TAKES_EMPTY | TAKES_BATCH | TAKES_EGRESS,
	  "what SPF says of a domain's mail from here, or of any sender", command_spf },
	{ "audit", "spf [--egress ADDRESS[,...]] [--dns ADDRESS[:PORT]] [--csv|--json]", 1, 1,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_DNS | TAKES_EGRESS | TAKES_CSV,
	  "the same for every domain of the directory", command_audit },
	{ "provider", "DOMAIN ... [--dns ADDRESS[:PORT]] [--json]", 1, WORDS, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_DNS,
	  "which provider takes the mail of a domain, and by what", command_provider },
	{ "notice", "test", 1, 1, TAKES_CONF | TAKES_RUN,
	  "sends a notice by hook, webhook and mail, and says what comes of it", command_notice },
	{ "learn-contacts", "[FILE ...|-] [--since 62d] [--dry-run] [--json]", 0, WORDS,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SINCE | TAKES_DRY,
	  "whom accounts have written to, from the MTA's logs", command_learn },
	{ "run", "[CONF.D RUN] [--detach]", 0, 2, TAKES_CONF | TAKES_RUN | TAKES_DETACH | TAKES_ROOT,
	  "starts the services and keeps them running", command_run },
	{ "stop", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "ends what `run` started, and waits for it", command_stop },
	{ "reload", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "lets the services read their configuration again", command_reload },
	{ "restart", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "replaces the services without losing a message", command_restart },
	{ "help", "[COMMAND]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "this list, or a command's arguments", command_help },
	/* for the makefile: they have no summary and are not listed */
	{ "manual", "SECTION", 1, 1, 0, NULL, command_manual },
	{ "sample", "SECTION", 1, 1, 0, NULL, command_sample },
};
/* clang-format on */

#define COMMANDS (sizeof(commands) / sizeof(*commands))

/* The command line taken apart. */
struct request {
	struct call call;
	bool help, version;
	unsigned takes; /* the options that were given */
};

#define AT(member) offsetof(struct request, member)

/* clang-format off */
static const struct {
	const char *name;
	int letter;        /* 0: none */
	bool takes_value;
	bool may_be_empty;
	unsigned takes;    /* of enum takes: which commands know it; 0: all */
	size_t offset;     /* of a const char * in the request, or of a bool */
} options[] = {
	{ "config",    'c', true,  false, TAKES_CONF,    AT(call.conf) },
	{ "run",       'r', true,  false, TAKES_RUN,     AT(call.run) },
	{ "json",      0,   false, false, TAKES_JSON,    AT(call.json) },
	{ "detach",    0,   false, false, TAKES_DETACH,  AT(call.detach) },
	{ "stay-root", 'S', false, false, TAKES_ROOT,    AT(call.stay_root) },
	{ "since",     0,   true,  false, TAKES_SINCE,   AT(call.since) },
	{ "max",       0,   true,  false, TAKES_SPAN,    AT(call.max) },
	{ "as",        0,   true,  false, TAKES_SENDING, AT(call.as) },
	{ "from",      0,   true,  true,  TAKES_SENDING, AT(call.from) },
	{ "dns",       0,   true,  false, TAKES_DNS,     AT(call.dns) },
	{ "batch",     0,   false, false, TAKES_BATCH,   AT(call.batch) },
	{ "egress",    0,   true,  false, TAKES_EGRESS,  AT(call.egress) },
	{ "csv",       0,   false, false, TAKES_CSV,     AT(call.csv) },
	{ "dry-run",   0,   false, false, TAKES_DRY,     AT(call.dry_run) },
	{ "until",     0,   true,  false, TAKES_LIMIT,   AT(call.until) },
	{ "reason",    0,   true,  false, TAKES_LIMIT,   AT(call.reason) },
	{ "drop",      0,   false, false, TAKES_LIMIT,   AT(call.drop) },
	{ "list",      0,   false, false, TAKES_LIMIT,   AT(call.list) },
	{ "victim",    0,   true,  false, TAKES_VICTIM,  AT(call.victim) },
	{ "help",      'h', false, false, 0,             AT(help) },
	{ "version",   'V', false, false, 0,             AT(version) },
};
/* clang-format on */

#define OPTIONS (sizeof(options) / sizeof(*options))

static void usage(FILE *out)
{
	fputs("usage: leumund [-c CONF.D] [-r RUN] COMMAND ...\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].summary)
			fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].summary);
	fputs("\n"
	      "  -c CONF.D  configuration directory (" LEUMUND_SYSCONFDIR "/leumund/conf.d)\n"
	      "  -r RUN     run directory instead of the configuration's\n"
	      "\n`leumund help COMMAND` shows a command's arguments; leumund(8) explains them.\n",
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
		fputs("' is no command; `leumund help` lists them\n", stderr);
	return NULL;
}

static int command_help(const struct call *call)
{
	const struct command *command = call->count > 0 ? command_find(call->words[0]) : NULL;

	if (call->count > 0 && !command)
		return EX_USAGE;
	if (command)
		usage_command(command, stdout);
	else
		usage(stdout);
	return EX_OK;
}

/* ---- the command line -------------------------------------------------------------------------- */

/* 0, or -1 after a complaint. getopt's values are indices into `options`. */
static int option_take(struct request *request, int index)
{
	void *at = (char *)request + options[index].offset;

	request->takes |= options[index].takes;
	if (!options[index].takes_value) {
		*(bool *)at = true;
		return 0;
	}
	*(const char **)at = optarg;
	if (optarg[0] != '\0' || options[index].may_be_empty)
		return 0;
	complain("--%s: its value is empty", options[index].name);
	return -1;
}

static int options_take(struct request *request, int argc, char **argv)
{
	struct option longs[OPTIONS + 1] = { { .name = NULL } };
	char letters[2 * OPTIONS + 1] = "";
	int found;

	for (size_t i = 0; i < OPTIONS; i++) {
		char letter[] = { (char)options[i].letter, options[i].takes_value ? ':' : '\0', '\0' };

		longs[i] = (struct option){ options[i].name, options[i].takes_value, NULL, (int)i + 256 };
		if (options[i].letter != 0)
			snprintf(letters + strlen(letters), sizeof(letters) - strlen(letters), "%s", letter);
	}
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		size_t i = 0;

		while (i < OPTIONS && found != longs[i].val && found != options[i].letter)
			i++;
		if (i >= OPTIONS) { /* getopt has said what is wrong */
			fputs("`leumund help` lists commands and options\n", stderr);
			return -1;
		}
		if (option_take(request, (int)i) < 0)
			return -1;
	}
	request->call.conf_given = request->takes & TAKES_CONF;
	return 0;
}

/* What is wrong with the words of a call, to stderr. True: nothing. */
static bool call_fits(const struct command *command, const struct request *request)
{
	const struct call *call = &request->call;
	unsigned extra = request->takes & ~command->takes;

	for (size_t i = 0; i < OPTIONS; i++)
		if (extra & options[i].takes) {
			complain("'%s' takes no --%s", command->name, options[i].name);
			return false;
		}
	if (call->count < command->least) {
		complain("'%s' needs %.*s", command->name, (int)strcspn(command->arguments, " "), command->arguments);
		return false;
	}
	for (int i = 0; i < call->count; i++) {
		if (call->words[i][0] == '\0' && !(command->takes & TAKES_EMPTY)) {
			complain("'%s': an empty word", command->name);
			return false;
		}
		if (i < command->most)
			continue;
		fprintf(stderr, "leumund: '%s' takes no '", command->name);
		print_safe(stderr, call->words[i]);
		fputs("'\n", stderr);
		return false;
	}
	return true;
}

static int request_run(struct request *request)
{
	const struct command *command = command_find(request->call.command);

	if (!command)
		return EX_USAGE;
	if (request->help) {
		usage_command(command, stdout);
		return EX_OK;
	}
	if (!call_fits(command, request)) {
		usage_command(command, stderr);
		return EX_USAGE;
	}
	return command->function(&request->call);
}

/* Where one is closed, a socket or pipe of ours would take its number, and get what is meant for a terminal. */
static void standard_descriptors_fill(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
		; /* writing there fails, as it should */
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct request request = { .call.conf = LEUMUND_SYSCONFDIR "/leumund/conf.d" };
	int status = EX_OK;

	standard_descriptors_fill();
	if (options_take(&request, argc, argv) < 0)
		return EX_USAGE;
	/* what the parts of the daemon in here have to say is said by the commands; `run` sets its own log */
	log_open("leumund", LOG_TO_STDERR, LEVEL_ERROR);
	if (request.version) {
		puts("leumund " LEUMUND_VERSION);
	} else if (optind < argc) {
		request.call.command = argv[optind];
		request.call.words = argv + optind + 1;
		request.call.count = argc - optind - 1;
		status = request_run(&request);
	} else {
		status = request.takes == 0 ? EX_OK : EX_USAGE;
		usage(status == EX_OK ? stdout : stderr);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		complain("the output could not be written");
		return EX_IOERR;
	}
	return status;
}
