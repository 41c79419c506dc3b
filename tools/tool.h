/*
 * What the commands of `leumund` share: the call taken apart, the ways to configuration and run
 * directory, and words for times and amounts.
 */
#ifndef LEUMUND_TOOL_H
#define LEUMUND_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>

struct setup; /* not included: getopt.h has a struct option of its own */

/* Exit status beside those of sysexits.h: done, but there is something to look at, or nothing was found. */
#define EXIT_FINDING 1

struct call {
	const char *command;
	const char *conf; /* -c, or the default */
	bool conf_given;
	const char *run; /* -r, or NULL */
	bool json, detach, stay_root;
	const char *since, *max, *as, *from; /* NULL when not given */
	int count; /* of words after the command */
	char **words;
};

typedef int command_fn(const struct call *call); /* the exit status */

command_fn command_run, command_stop, command_reload, command_restart;
command_fn command_status, command_check;
command_fn command_config, command_mta, command_manual, command_sample;
command_fn command_explain, command_history, command_refusals, command_who;

/* One sentence with its remedy to stderr, after "leumund: ". */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

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

/* ---- words ------------------------------------------------------------------------------------- */

/* "2026-11-25 10:43:02", local time. */
const char *time_words(int64_t ms, char *out, size_t size);

/* "12 s", "3 min", "5 h", "9 days". */
const char *span_words(int64_t ms, char *out, size_t size);

/* Seconds of "90s" "15m" "24h" "3d" "1w", or -1. */
int64_t time_read(const char *from);

/* Writes a text that may hold anything so that a terminal stays unharmed. */
void print_safe(FILE *out, const char *from);

/* The same in lines of at most 80 columns, each after `indent` blanks; `column` is where the first begins. */
void print_wrapped(FILE *out, const char *from, size_t indent, size_t column);

/* A JSON string with its quotes. */
void print_json(FILE *out, const char *from);

/* The word of `words` (ends with NULL) that was probably meant, or NULL. */
const char *word_meant(const char *word, const char *const *words);

#endif
