/*
 * What the commands of `leumund` share (tool.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "milters/table.h"
#include "setup.h"
#include "tool.h"

void complain(const char *format, ...)
{
	va_list args;

	/* leumund or leumund-learn */
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

void complain_word(const char *word, const char *format, ...)
{
	va_list args;

	fputs("leumund: '", stderr);
	print_safe(stderr, word);
	fputs("': ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

bool tool_conf(const struct call *call, char *out, size_t size)
{
	char *path;

	if (!call->conf_given && call->run && ask_conf(call->run, out, size))
		return true;
	path = realpath(call->conf, NULL);
	if (!path && !call->conf_given && call->run) {
		complain("%s: no service there answers and says what its configuration is; name it with -c CONF.D",
			 call->run);
		return false;
	}
	if (!path) {
		complain("configuration directory %s: %s; name it with -c CONF.D", call->conf, strerror(errno));
		return false;
	}
	snprintf(out, size, "%s", path);
	free(path);
	return true;
}

int tool_setup(const struct call *call, struct setup *setup)
{
	char error[4096], directory[PATH_MAX];

	if (!tool_conf(call, directory, sizeof(directory)))
		return EX_CONFIG;
	if (setup_load(setup, directory, milters, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s\n", error);
		return EX_CONFIG;
	}
	return 0;
}

const char *tool_run(const struct call *call, const struct setup *setup)
{
	return call->run ? call->run : setup->leumund->run;
}

int tool_run_enter(const char *run)
{
	if (chdir(run) == 0)
		return 0;
	if (errno == EACCES)
		complain("%s: you may not look into it; run this as root or as a member of its group", run);
	else
		complain("%s: %s; nothing runs there: `leumund run` starts it, -r RUN names another directory", run,
			 strerror(errno));
	return EX_UNAVAILABLE;
}
