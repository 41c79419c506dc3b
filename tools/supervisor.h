/*
 * Keeps the services of an instance and its private Redis running: the loop of `leumund run`.
 */
#ifndef LEUMUND_TOOLS_SUPERVISOR_H
#define LEUMUND_TOOLS_SUPERVISOR_H

#include <limits.h>
#include <stdbool.h>

#include "log.h"
#include "privileges.h"
#include "setup.h"

struct instance {
	struct setup setup;
	char conf[PATH_MAX], run[PATH_MAX]; /* absolute; the working directory is `run` */
	char daemon[PATH_MAX];              /* leumundd */
	bool stay_root;
	char user_name[64];
	const char *user; /* whom Redis becomes: user_name, or NULL: nobody else */
	struct account_ids ids;
	int output; /* descriptor for the output of children, or -1 */
	void (*ready)(struct instance *instance); /* called once, when all services serve */
};

/* To be called before anything that a signal should end. 0 or -1. */
int supervisor_signals(void);

/* Returns the exit status once everything has ended. */
int supervise(struct instance *instance);

/* To the log, and with log = syslog to stderr too. */
void say(const struct instance *instance, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
