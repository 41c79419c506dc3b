/*
 * What the commands of `leumund` share: the call taken apart, and the ways to configuration and run directory.
 */
#ifndef LEUMUND_TOOL_H
#define LEUMUND_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

#include "words.h"

struct setup; /* not included: getopt.h has a struct option of its own */

/* Exit status beside those of sysexits.h: done, but there is something to look at, or nothing was found. */
#define EXIT_FINDING 1

struct call {
	const char *command;
	const char *conf; /* -c, or the default */
	bool conf_given;
	const char *run; /* -r, or NULL */
	bool json, detach, stay_root;
	const char *since, *max, *as, *from, *dns, *egress; /* NULL when not given */
	bool batch, csv, dry_run;
	const char *until, *reason, *victim; /* NULL when not given */
	bool drop, list;
	const char *kind, *provider; /* NULL when not given */
	bool explain;
	const char *account; /* NULL when not given */
	int count; /* of words after the command */
	char **words;
};

typedef int command_fn(const struct call *call); /* the exit status */

command_fn command_run, command_stop, command_reload, command_restart;
command_fn command_status, command_check;
command_fn command_config, command_mta, command_manual, command_sample;
command_fn command_help, command_completion;
command_fn command_explain, command_history, command_refusals, command_who;
command_fn command_notice, command_provider;
command_fn command_spf, command_spf_domain, command_audit;
command_fn command_learn, command_classify;
command_fn command_limit, command_show, command_reset;
command_fn command_dead, command_release;

/* One sentence with its remedy to stderr, after "leumund: ". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same about a word from outside, which may hold anything: "leumund: 'WORD': ...". */
void complain_word(const char *word, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The configuration directory, absolute: -c; else, with -r, what the services that run there say; else the
 * default. False after a complaint.
 */
bool tool_conf(const struct call *call, char *out, size_t size);

/* The configuration; 0, or the exit status after a complaint. */
int tool_setup(const struct call *call, struct setup *setup);

/* The run directory: -r, else the configuration's. */
const char *tool_run(const struct call *call, const struct setup *setup);

/* Goes there, so that socket names stay short. 0, or the exit status after a complaint. */
int tool_run_enter(const char *run);

#endif
