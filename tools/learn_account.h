/*
 * Whose mail it was: the accounts of logins and users in a log, as the daemon tells them (identity.h).
 */
#ifndef LEUMUND_TOOLS_LEARN_ACCOUNT_H
#define LEUMUND_TOOLS_LEARN_ACCOUNT_H

#include "identity.h"
#include "maillog/maillog.h"

struct directory;
struct learn_accounts;

struct learn_accounts *learn_accounts_new(const struct identity_options *options, const struct directory *directory);
void learn_accounts_free(struct learn_accounts **accounts);

/* "" = cannot be told. Lives until the next call. */
const char *learn_account(struct learn_accounts *accounts, const struct maillog_delivery *delivery);

/* How many there were; and of those whose account cannot be told the first, for an example ("" = none). */
size_t learn_accounts_known(const struct learn_accounts *accounts);
size_t learn_accounts_unknown(const struct learn_accounts *accounts);
const char *learn_accounts_example(const struct learn_accounts *accounts);

#endif
