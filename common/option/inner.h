/*
 * What the files option*.c share: a configuration from inside, and the steps from a
 * file's bytes to a typed value. Nobody else includes this.
 */
#ifndef LEUMUND_OPTION_INNER_H
#define LEUMUND_OPTION_INNER_H

#include "arena.h"
#include "option/option.h"
#include "text.h"

#define CONFIG_FILE_MAX (1 << 20) /* bytes of one file */
#define OPTION_NAME_MAX 63

struct option_origin {
	const char *file; /* NULL: the preset */
	unsigned line;
	unsigned empty_line; /* of the last `option = {}` that option_scan() saw */
};

struct config_part {
	const struct section *section;
	void *values;
	struct option_origin *origins; /* one for each row */
	unsigned place;
};

struct config {
	struct arena arena; /* everything below lives here */
	struct config_part *parts;
	size_t part_count;
	unsigned places; /* sections that a file mentions */
};

/* One file on its way in. */
struct option_file {
	const struct config *config;
	const char *name;
	struct text *problems;
	unsigned problem_count; /* of all files so far */
};

/* ---- option/config.c --------------------------------------------------------------------------- */

/* Values and origins are zero; NULL without memory. */
struct config *config_new(const struct section *const *sections);

struct config_part *config_part(const struct config *config, const char *name, size_t len);
const struct option *section_option(const struct section *section, const char *name, size_t len);
size_t section_size(const struct section *section);

/* Notes what is wrong; line 0: the file as a whole. */
void option_problem(struct option_file *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- option/unknown.c: notes a name that nobody declared ---------------------------------------- */

void section_unknown(struct option_file *file, unsigned line, struct span name);
void option_unknown(struct option_file *file, unsigned line, const struct section *section, struct span name);

/* ---- option/scan.c, option/parse.c ------------------------------------------------------------- */

/*
 * Judges a file's form before libconfuse sees it. Unknown names are reported and blanked out, as comments
 * are. `buffer` is NUL-terminated, `len` without the NUL. False when the form is wrong; the
 * first fault is reported, and nothing can be said about the rest.
 */
bool option_scan(struct option_file *file, char *buffer, size_t len);

/* Stores the values of a file that option_scan() has let pass. */
void option_parse(struct option_file *file, const char *buffer);

/* ---- option/value.c ---------------------------------------------------------------------------- */

/*
 * Turns one value's text into the row's type and stores it in the section's struct. A list
 * begins anew with `first`. NULL, or a sentence (thread-local) that says what is allowed.
 */
const char *option_store(struct arena *arena, const struct option *row, void *values, bool first, const char *value);
void option_store_empty(const struct option *row, void *values);

/* 3600 is "1h": the largest unit that divides it. */
void option_time_text(struct text *out, int64_t seconds);

/* "allowed: 1 to 5", "allowed: off observe reject"; nothing where everything is allowed. */
void option_allowed_text(struct text *out, const struct option *row);

#endif
