/*
 * Options are declared once, as rows; from the rows come the parser of conf.d, the printed
 * configuration and the manual pages.
 *
 * A configuration directory's *.conf files are read in the order of their names; in each
 * stand sections such as `sender { enable = true }`. A later file wins per option.
 * An unknown section, option or value is an error that names file, line and what is allowed.
 */
#ifndef LEUMUND_OPTION_H
#define LEUMUND_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_type {
	OPTION_BOOL,   /* bool: true, false */
	OPTION_NUMBER, /* int64_t, between min and max */
	OPTION_TIME,   /* int64_t seconds: 90s 15m 12h 3d 1w; between min and max seconds */
	OPTION_STRING, /* const char *, never NULL */
	OPTION_LIST,   /* struct string_list: {"a", "b"} */
	OPTION_CHOICE, /* int: index into choices */
};

struct string_list {
	const char *const *at;
	size_t count;
};

/*
 * Judges one value (a list: one element) while its line is known. NULL when it is good, else a
 * sentence (static or thread-local) that says what is wrong and what is allowed.
 */
typedef const char *option_check_fn(const char *value);

struct option {
	enum option_type type;
	const char *name;
	const char *preset;	    /* the default, as an admin would write it: "true" "1h" "reject" "{\"a\"}" "\"\"" */
	int64_t min, max;	    /* NUMBER, TIME */
	const char *const *choices; /* CHOICE: NULL-terminated names */
	option_check_fn *check;	    /* STRING, LIST: may be NULL */
	size_t offset;		    /* of the value in the section's struct */
	const char *text;	    /* one sentence for the manual */
};

/*
 * Judges a section's values against each other. False: `error` holds a sentence on what is wrong, and *option names the
 * option whose line is at fault.
 */
typedef bool section_check_fn(const void *values, const char **option, char *error, size_t size);

struct section {
	const char *name;
	const char *summary;	      /* one sentence */
	const struct option *options; /* ends with a row whose name is NULL */
	size_t size;		      /* of the struct that the offsets point into */
	section_check_fn *check;      /* may be NULL */
};

struct config;

/*
 * Reads DIRECTORY's *.conf files. `sections` ends with NULL. On failure NULL, and `error` holds
 * one or more lines `file:line: what, and what is allowed` (the last may be cut).
 * The result is immutable and belongs to the caller; strings live as long as it does.
 */
struct config *config_load(const char *directory, const struct section *const *sections, char *error, size_t size);
void config_free(struct config **config);

/* The section's struct with all its values (defaults where no file says otherwise). Never NULL for a known name. */
const void *config_section(const struct config *config, const char *name);

/* 0: no file mentions this section; else 1, 2, ...: its place in the order of first mention. */
unsigned config_place(const struct config *config, const char *name);

/*
 * Prints `section.option = value` with where it comes from (default, or file:line), or, with
 * `json`, one object. `only` names one section, NULL all.
 */
void config_print(const struct config *config, const char *only, bool json, FILE *out);

/* The option list of a section for its manual page (mdoc), and as a commented sample file. */
void section_manual(const struct section *section, FILE *out);
void section_sample(const struct section *section, FILE *out);

#endif
