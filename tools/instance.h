/*
 * An instance: the services of a configuration in a run directory, and what `leumund run` knows of it as a whole.
 */
#ifndef LEUMUND_TOOLS_INSTANCE_H
#define LEUMUND_TOOLS_INSTANCE_H

#include <limits.h>
#include <stdbool.h>

#include "log.h"
#include "setup.h"
#include "system/privileges.h"

#define INSTANCE_PID_FILE "leumund.pid" /* of `leumund run` */

struct instance {
	struct setup setup;
	char conf[PATH_MAX], run[PATH_MAX]; /* absolute; the working directory is `run` */
	char daemon[PATH_MAX];		    /* leumundd */
	char learner[PATH_MAX];		    /* leumund-learn */
	bool stay_root;
	char user_name[64];
	const char *user; /* whom Redis becomes: user_name, or NULL: nobody else */
	struct account_ids ids;
	int output;				  /* descriptor for the output of children, or -1 */
	void (*ready)(struct instance *instance); /* called once, when all services serve */
	bool is_ready, ending;			  /* it has been; it is to end, with this exit status: */
	int status;
};

/* To the log, and with log = syslog to stderr too. */
void say(const struct instance *instance, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
