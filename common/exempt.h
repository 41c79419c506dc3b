/*
 * Exemptions as an admin writes them: "WHO: reason" or "WHO until 2027-01-31: reason".
 * The reason is required, so that whoever reads the file a year later knows why.
 */
#ifndef LEUMUND_EXEMPT_H
#define LEUMUND_EXEMPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cidr.h"
#include "option/option.h"
#include "text.h"

enum exempt_kind { EXEMPT_ACCOUNT, EXEMPT_UID, EXEMPT_NETWORK, EXEMPT_ADDRESS, EXEMPT_DOMAIN };

struct exemptions;
struct identity;
struct message;

/* For option rows: judge one element while its line is known. */
option_check_fn exempt_check_account;
option_check_fn exempt_check_uid; /* a user's name, a number, a range 0-999 */
option_check_fn exempt_check_network;
option_check_fn exempt_check_address; /* a pattern, see address/pattern.h */
option_check_fn exempt_check_domain;

/* From a list that passed its check. NULL when memory is short. Users that this system does not have are skipped. */
struct exemptions *exemptions_new(enum exempt_kind kind, const struct string_list *list);
void exemptions_free(struct exemptions **exemptions);

/* An exemption ends at the end (UTC) of the day it names. */
bool exempt_account(const struct exemptions *exemptions, const char *account, int64_t now_ms);
bool exempt_uid(const struct exemptions *exemptions, uint32_t uid, int64_t now_ms);
bool exempt_network(const struct exemptions *exemptions, const struct sockaddr *client, int64_t now_ms);

/* `domain` in comparable form. */
bool exempt_address(const struct exemptions *exemptions, struct span local, const char *domain, int64_t now_ms);

/*
 * Whose mail it is: an exempt account's, or an exempt user's own. A uid behind a script header is the web server's, and
 * what that header says may be written by any script of it, so the uid exempts nobody there.
 */
bool exempt_identity(const struct exemptions *accounts, const struct exemptions *uids, const struct identity *who,
		     int64_t now_ms);

/* By MAIL FROM, of EXEMPT_ADDRESS; the null sender and what is no path are not exempt. */
bool exempt_mail_from(const struct exemptions *senders, const struct message *message, int64_t now_ms);

/* Of EXEMPT_DOMAIN: the next domain in force (comparable form) from *at on, which starts with 0; NULL: no more. */
const char *exempt_next_domain(const struct exemptions *exemptions, size_t *at, int64_t now_ms);

#endif
