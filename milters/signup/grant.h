/*
 * Limits of some accounts only, as an admin writes them: "package gold account_recipients 100/400", "account bob
 * script_recipients 50/200", "mailbox news@bob.example account_recipients 200/1000".
 */
#ifndef LEUMUND_SIGNUP_GRANT_H
#define LEUMUND_SIGNUP_GRANT_H

#include <stdbool.h>

#include "milters/signup/policy.h"
#include "option/option.h"

/* The most that a limit may be; 0 is none. */
#define GRANT_MOST 1000000

/* "20/40": so many in any hour, so many in any day. False: it is no such thing. */
bool grant_numbers(const char *from, uint32_t limit[SIGNUP_WINDOWS]);

/* For option rows. */
option_check_fn grant_check_numbers, grant_check;

/* Two that say something of the same: the later one, NULL when there is none. */
const char *grant_twice(const struct string_list *list);

/* Does one of them name a package? */
bool grant_needs_packages(const struct string_list *list);

struct grants;

/* From a list that passed its check; the list outlives it. NULL when memory is short. */
struct grants *grants_new(const struct string_list *list);
void grants_free(struct grants **grants);

/*
 * What is granted to the package, then to the account, then to the mailbox (all case-blind, "" = none), each in the
 * place of what was before. True when the mailbox has an account_recipients of its own.
 */
bool grants_apply(const struct grants *grants, const char *package, const char *account, const char *mailbox,
		  struct signup_limits *limits);

#endif
