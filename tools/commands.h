/*
 * The commands of `leumund` and their options: dispatch, usage and completion are made of these two tables.
 */
#ifndef LEUMUND_TOOLS_COMMANDS_H
#define LEUMUND_TOOLS_COMMANDS_H

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
	TAKES_EVIDENCE = 1 << 16,
	TAKES_ACCOUNT = 1 << 17,
};

struct command {
	const char *name;
	/*
	 * Words in capitals are for what a user writes there; a FILE, a RUN or CONF.D directory and a COMMAND can be
	 * completed.
	 */
	const char *arguments;
	int least, most;     /* words */
	unsigned takes;	     /* of enum takes */
	const char *summary; /* NULL: it is not listed */
	command_fn *function;
};

extern const struct command commands[]; /* ends with a row whose name is NULL */

/* The command line taken apart. */
struct request {
	struct call call;
	bool help, version;
	unsigned takes; /* the options that were given */
};

struct command_option {
	const char *name;
	int letter; /* 0: none */
	bool takes_value;
	bool may_be_empty;
	unsigned takes; /* of enum takes: which commands know it; 0: all */
	size_t offset;	/* of a const char * in the request, or of a bool */
};

extern const struct command_option command_options[]; /* ends with a row whose name is NULL */

#endif
