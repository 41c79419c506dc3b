/*
 * Which account owns which domain, as the panel's files say: cPanel's /etc/userdomains and
 * /etc/trueuserdomains, or any file of lines `domain: account`. A line `user@domain: account`
 * names the account of one login or mailbox. Several accounts may share a domain.
 *
 * A loaded directory never changes; a change of the files makes a new one (directory_reload()).
 * Readers on all threads may use one at the same time. Domains are compared in
 * the form of domain_canonical(), accounts and logins case-blind.
 */
#ifndef LEUMUND_DIRECTORY_H
#define LEUMUND_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "option/option.h"

struct directory;

/* Called for each thing worth saying: a broken line (file, number, why), an empty or vanished file. */
typedef void directory_report_fn(void *arg, bool is_warning, const char *sentence);

/*
 * Loads all files. `last` (or NULL) is the directory in force: unchanged files are taken over from it, and the
 * last good state of a file that is now empty, unreadable or gone stays in force, with a warning (said once
 * per change, not at every call). Broken lines are reported (at most 20 a file, then their number) and skipped.
 * Returns NULL when nothing changed since `last`, or on lack of memory. Never changes `last`.
 */
struct directory *directory_reload(const struct directory *last, const struct string_list *files,
				   directory_report_fn *report, void *arg);

/* References: one for the caller of directory_reload(). Any thread may take and give back. */
struct directory *directory_ref(struct directory *directory);
void directory_unref(struct directory **directory);

/* Domains and logins known; 0 = nothing is known, and ownership cannot be judged. NULL counts as empty everywhere. */
size_t directory_size(const struct directory *directory);

/* Wall time (ms) of the newest file's last change; 0 when there is none. */
int64_t directory_changed_ms(const struct directory *directory);

/*
 * The accounts that own `domain` (comparable form), or with `parents` the nearest parent that is listed.
 * Writes at most `max` names (they live as long as the directory), returns how many there are.
 * A listed subdomain's owners alone count for it: they may differ from the parent's.
 */
size_t directory_owners(const struct directory *directory, const char *domain, bool parents, const char **owners,
			size_t max);

/* Does this account own the domain? The fast form of the above. */
bool directory_owns(const struct directory *directory, const char *account, const char *domain, bool parents);

/* The account of a login by its own line `user@domain: account`, or NULL. */
const char *directory_login(const struct directory *directory, const char *login);

/* The account's name as the files write it, or NULL when no line names it. */
const char *directory_account(const struct directory *directory, const char *account);

/*
 * Calls fn for each domain of the account, NULL: of all (any order, each once); the names live as long
 * as the directory. For tools: looks at every line.
 */
void directory_domains(const struct directory *directory, const char *account,
		       void (*fn)(void *arg, const char *domain), void *arg);

/*
 * The account of a uid: the login name of the system's user database; "" when it has none.
 * Cached for a minute; the name lives until the process ends (names are few and interned).
 */
const char *user_name(uint32_t uid);

#endif
