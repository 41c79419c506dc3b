/*
 * Whose mail it was (learn_account.h).
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/directory.h"
#include "hash.h"
#include "learn_account.h"
#include "session.h"

#define BUCKETS 4096
#define MOST 100000 /* names; what is more is looked up each time, and not counted */
#define NAME 256

struct name {
	struct name *next;
	const char *account; /* behind the name; NULL: it is an account itself */
	char at[];
};

struct learn_accounts {
	const struct identity_options *options;
	const struct directory *directory;
	size_t count, known, unknown;
	char example[NAME], last[NAME];
	struct name *buckets[BUCKETS];
};

struct learn_accounts *learn_accounts_new(const struct identity_options *options, const struct directory *directory)
{
	struct learn_accounts *accounts = calloc(1, sizeof(*accounts));

	if (accounts) {
		accounts->options = options;
		accounts->directory = directory;
	}
	return accounts;
}

void learn_accounts_free(struct learn_accounts **accounts)
{
	for (size_t i = 0; *accounts && i < BUCKETS; i++)
		for (struct name *name = (*accounts)->buckets[i], *next; name; name = next) {
			next = name->next;
			free(name);
		}
	free(*accounts);
	*accounts = NULL;
}

size_t learn_accounts_known(const struct learn_accounts *accounts)
{
	return accounts->known;
}

size_t learn_accounts_unknown(const struct learn_accounts *accounts)
{
	return accounts->unknown;
}

const char *learn_accounts_example(const struct learn_accounts *accounts)
{
	return accounts->example;
}

/* ---- names ------------------------------------------------------------------------------------- */

static struct name *find(const struct learn_accounts *accounts, const char *at)
{
	struct name *name = accounts->buckets[hash_bytes(at, strlen(at)) % BUCKETS];

	while (name && strcmp(name->at, at) != 0)
		name = name->next;
	return name;
}

/* True: it was not there, and is now. */
static bool put(struct learn_accounts *accounts, const char *at, const char *account)
{
	struct name **bucket = &accounts->buckets[hash_bytes(at, strlen(at)) % BUCKETS];
	const size_t len = strlen(at) + 1, more = account ? strlen(account) + 1 : 0;

	if (find(accounts, at) || accounts->count >= MOST)
		return false;
	struct name *name = malloc(sizeof(*name) + len + more);
	if (!name)
		return false;
	memcpy(name->at, at, len);
	if (account)
		memcpy(name->at + len, account, more);
	name->account = account ? name->at + len : NULL;
	name->next = *bucket;
	*bucket = name;
	accounts->count++;
	return true;
}

/* ---- identity ---------------------------------------------------------------------------------- */

static bool user_uid(const char *name, uint32_t *uid)
{
	char buffer[4096];
	struct passwd entry, *found = NULL;

	if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
		return false;
	*uid = found->pw_uid;
	return true;
}

/* As if the message came in now, by SMTP AUTH or from a command of that user. */
static void look_up(struct learn_accounts *accounts, const struct maillog_delivery *delivery)
{
	struct session session;
	const char *account = "";
	uint32_t uid = delivery->uid;

	session_init(&session);
	if (delivery->sender == MAILLOG_LOGIN) {
		session.message.auth_user = delivery->name;
		session.message.auth_type = "PLAIN";
	} else if (delivery->sender == MAILLOG_UID || user_uid(delivery->name, &uid)) {
		session.connection.local_command = true;
		session.message.has_originator_uid = true;
		session.message.originator_uid = uid;
	} else {
		/* another server's, or removed since: the name is all there is */
		account = delivery->name;
	}
	if (account[0] == '\0') {
		identity_at_mail(&session, accounts->options, accounts->directory);
		account = session.who.account;
	}
	snprintf(accounts->last, sizeof(accounts->last), "%s", account);
	session_free(&session);
}

const char *learn_account(struct learn_accounts *accounts, const struct maillog_delivery *delivery)
{
	static const char kinds[] = {
		[MAILLOG_NOBODY] = '?', [MAILLOG_LOGIN] = 'l', [MAILLOG_USER] = 'u', [MAILLOG_UID] = '#'
	};
	char key[NAME], account_key[NAME + 1];

	if (delivery->sender == MAILLOG_UID)
		snprintf(key, sizeof(key), "#%u", delivery->uid);
	else
		snprintf(key, sizeof(key), "%c%s", kinds[delivery->sender], delivery->name);
	const struct name *name = find(accounts, key);
	if (name)
		return name->account;
	look_up(accounts, delivery);
	const bool is_known = accounts->last[0] != '\0';
	snprintf(account_key, sizeof(account_key), "=%.*s", NAME - 1, accounts->last);
	for (char *at = account_key; *at; at++)
		*at = ascii_lower(*at);
	if (put(accounts, key, accounts->last) && !is_known) {
		if (accounts->unknown++ == 0)
			snprintf(accounts->example, sizeof(accounts->example), "%s", key[0] == '#' ? key : key + 1);
	}
	if (is_known && put(accounts, account_key, NULL))
		accounts->known++;
	return accounts->last;
}
