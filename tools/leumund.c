/*
 * leumund: the admin's command. Takes the command line apart, by the tables of commands.h.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"

#define MOST 64 /* commands, or options; there are fewer */

static void usage(FILE *out)
{
	fputs("usage: leumund [-c CONF.D] [-r RUN] COMMAND ...\n\n", out);
	for (size_t i = 0; commands[i].name; i++)
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
	const char *names[MOST + 1], *meant;
	size_t count = 0;

	for (size_t i = 0; commands[i].name; i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
		if (commands[i].summary && count < MOST)
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

int command_help(const struct call *call)
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

/* 0, or -1 after a complaint. getopt's values are indices into the table. */
static int option_take(struct request *request, int index)
{
	void *at = (char *)request + command_options[index].offset;

	request->takes |= command_options[index].takes;
	if (!command_options[index].takes_value) {
		*(bool *)at = true;
		return 0;
	}
	*(const char **)at = optarg;
	if (optarg[0] != '\0' || command_options[index].may_be_empty)
		return 0;
	complain("--%s: its value is empty", command_options[index].name);
	return -1;
}

static int options_take(struct request *request, int argc, char **argv)
{
	struct option longs[MOST + 1] = { { .name = NULL } };
	char letters[2 * MOST + 1] = "";
	int found;

	for (size_t i = 0; command_options[i].name && i < MOST; i++) {
		char letter[] = { (char)command_options[i].letter, command_options[i].takes_value ? ':' : '\0', '\0' };

		longs[i] =
			(struct option){ command_options[i].name, command_options[i].takes_value, NULL, (int)i + 256 };
		if (command_options[i].letter != 0)
			snprintf(letters + strlen(letters), sizeof(letters) - strlen(letters), "%s", letter);
	}
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		size_t i = 0;

		while (command_options[i].name && found != longs[i].val && found != command_options[i].letter)
			i++;
		if (!command_options[i].name) { /* getopt has said what is wrong */
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

	for (size_t i = 0; command_options[i].name; i++)
		if (extra & command_options[i].takes) {
			complain("'%s' takes no --%s", command->name, command_options[i].name);
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
