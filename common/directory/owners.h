/*
 * Who owns which name: the lines of one file as tables that never change once they are made. Shared by all directories
 * that were made while the file stayed the same.
 */
#ifndef LEUMUND_DIRECTORY_OWNERS_H
#define LEUMUND_DIRECTORY_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address/address.h"

#define OWNER_NAME_MAX (64 + 1 + DOMAIN_MAX)

struct owners;

/* A name to look for; made once, good for all files. */
struct owner_key {
	const char *at;
	size_t len;
	uint32_t hash;
};

struct owner_counts {
	size_t domains, logins, accounts;
};

/* ---- making ---- */

/* Of a file of so many bytes and about so many lines. NULL without memory; one reference. */
struct owners *owners_new(size_t bytes, size_t lines, int64_t changed_ms);

enum owners_added { OWNERS_ADDED, OWNERS_ADDED_OTHER_ACCOUNT, OWNERS_ADDED_NO_MEMORY };

/* `name` in the form of owner_key(), OWNER_NAME_MAX bytes at most. */
enum owners_added owners_add(struct owners *owners, const char *name, size_t len, const char *account);

/* Nothing more will be added. How many names there are. */
size_t owners_done(struct owners *owners);

/* For what is as large as a whole file; free() gives it back. */
void *owners_alloc(size_t size);

/* ---- asking ---- */

/* References, as for directories. NULL stays NULL. */
struct owners *owners_ref(struct owners *owners);
void owners_unref(struct owners **owners);

/* Keys: domains in comparable form, logins folded, accounts as written (found case-blind). */
struct owner_key owner_key(const char *name, size_t len);
struct owner_key owner_account_key(const char *account);

/* Below, `owners` may be NULL: it knows nothing. */
struct owner_counts owners_counts(const struct owners *owners);
int64_t owners_changed_ms(const struct owners *owners);

/* A domain's or a login's line, or NULL; and its accounts: NULL at the end. */
struct owner_line;
const struct owner_line *owners_find(const struct owners *owners, struct owner_key key);
const char *owner_first(const struct owners *owners, const struct owner_line *line, uint32_t *next);
const char *owner_next(const struct owners *owners, uint32_t *next);

/* The account as the file writes it, or NULL. */
const char *owners_account(const struct owners *owners, struct owner_key account);

/* All lines, logins among them (their name has an @), in any order: begin with *place = 0; NULL is the end. */
const struct owner_line *owners_line(const struct owners *owners, size_t *place);
const char *owner_line_name(const struct owners *owners, const struct owner_line *line);

/* Case-blind, ASCII. */
bool owner_same_account(const char *a, const char *b);

#endif
