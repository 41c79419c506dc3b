/*
 * What an admin does to an account is noted in its history: what, by whom.
 */
#ifndef LEUMUND_TOOLS_ADMIN_H
#define LEUMUND_TOOLS_ADMIN_H

#include "question.h"

/* Who calls: his login, not root's, where sudo or su tell; one word of printable ASCII. */
#define ADMIN_NAME_SIZE 65
const char *admin_name(char out[ADMIN_NAME_SIZE]);

/*
 * Writes a decision with action=admin, what=WHAT, who=WHO and the `facts` (" key=value ..." in the form of the log, ""
 * = none) into the history of `account`. False after a complaint.
 */
bool admin_note(const struct question *question, const char *account, const char *what, const char *facts);

/* " key=value" for the facts. */
void admin_fact(struct text *facts, const char *key, const char *value);

/* Says on stderr when no line of the directory names the account: it may be mistyped. */
void admin_doubt(const struct question *question, const char *account);

#endif
