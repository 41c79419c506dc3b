/*
 * One file of the directory: its lines `domain: account` as tables that never change once they
 * are read. Shared by all directories that were made while the file stayed the same.
 */
#ifndef LEUMUND_DIRECTORY_FILE_H
#define LEUMUND_DIRECTORY_FILE_H

#include <sys/stat.h>

#include "address/address.h"
#include "directory/directory.h"

struct owner_file;

/* A name to look for; made once, good for all files. */
struct owner_key {
	const char *at;
	size_t len;
	uint32_t hash;
};

enum owner_read {
	OWNER_READ_GOOD,
	OWNER_READ_EMPTY,  /* no usable line */
	OWNER_READ_MOVING, /* somebody is writing it: try later */
	OWNER_READ_FAILED, /* errno; 0: no regular file, or far too big */
	OWNER_READ_NO_MEMORY,
};

struct owner_counts {
	size_t domains, logins, accounts;
};

/* True when both describe the same state of the same file. */
bool owner_same(const struct stat *a, const struct stat *b);

/* Reads and indexes a file. `seen` is the state that was read (or tried). Broken lines are reported when it is good or
 * empty. */
enum owner_read owner_file_read(const char *path, struct owner_file **out, struct stat *seen,
				directory_report_fn *report, void *arg);

/* References, as for directories. NULL stays NULL. */
struct owner_file *owner_file_ref(struct owner_file *file);
void owner_file_unref(struct owner_file **file);

/* Keys: domains in comparable form, logins folded, accounts as written (found case-blind). */
struct owner_key owner_key(const char *name, size_t len);
struct owner_key owner_account_key(const char *account);

/* Below, `file` may be NULL: it knows nothing. */
struct owner_counts owner_file_counts(const struct owner_file *file);
int64_t owner_file_changed_ms(const struct owner_file *file);

/* A domain's or a login's line, or NULL; and its accounts: NULL at the end. */
struct owner_line;
const struct owner_line *owner_file_find(const struct owner_file *file, struct owner_key key);
const char *owner_first(const struct owner_file *file, const struct owner_line *line, uint32_t *next);
const char *owner_next(const struct owner_file *file, uint32_t *next);

/* The account as the file writes it, or NULL. */
const char *owner_file_account(const struct owner_file *file, struct owner_key account);

/* All lines, logins among them (their name has an @), in any order: begin with *place = 0; NULL is the end. */
const struct owner_line *owner_file_line(const struct owner_file *file, size_t *place);
const char *owner_line_name(const struct owner_file *file, const struct owner_line *line);

/* Case-blind, ASCII. */
bool owner_same_account(const char *a, const char *b);

#endif
