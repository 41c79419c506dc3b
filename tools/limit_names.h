/*
 * Names of an account's limits as an admin writes and reads them: "account:confirm", "script:reg.php:confirm".
 */
#ifndef LEUMUND_TOOLS_LIMIT_NAMES_H
#define LEUMUND_TOOLS_LIMIT_NAMES_H

#include "store/limit.h"

#define LIMIT_NAMES_MEANT 8 /* by one word: one for each kind of mail */
#define LIMIT_SHOWN_SIZE (3 * LIMIT_NAME_SIZE)

struct limit_names {
	size_t count;
	char at[LIMIT_NAMES_MEANT][LIMIT_NAME_SIZE]; /* as the store has them */
	char problem[320];			     /* a sentence with its remedy */
};

/*
 * The limits that a word means. Without a kind of mail it means those of all kinds: "account", "script:reg.php", or the
 * name of a rule that counts by account. False: none, see problem.
 */
bool limit_names_read(const char *word, struct limit_names *out);

/* The store's name as it is written above; a very long one stays as the store has it. */
const char *limit_name_shown(const char *name, char out[LIMIT_SHOWN_SIZE]);

/* What it is a limit of: of "script:reg.php:confirm" SCOPE script, DETAIL reg.php. False: of something else. */
enum limit_scope { LIMIT_OF_ACCOUNT, LIMIT_OF_MAILBOX, LIMIT_OF_SCRIPT, LIMIT_OF_PROVIDER, LIMIT_SCOPES };
bool limit_name_split(const char *name, enum limit_scope *scope, char detail[LIMIT_SHOWN_SIZE]);

#endif
