/*
 * Exemptions with a reason and an optional end (exempt.h).
 */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "address/address.h"
#include "address/pattern.h"
#include "exempt.h"
#include "session.h"

#define WHO_MAX 256
#define DAY_MS ((int64_t)86400 * 1000)

struct exemption {
	char *account; /* or a domain */
	uint32_t uid_from, uid_to;
	struct cidr net;
	struct pattern *address;
	int64_t until_ms; /* exclusive; INT64_MAX: no end */
};

struct exemptions {
	enum exempt_kind kind;
	size_t count;
	struct exemption at[];
};

static const char form[] = "write \"WHO: reason\" or \"WHO until YYYY-MM-DD: reason\"";

/* "2027-01-31" is the whole day, UTC. */
static bool read_day(const char *from, int64_t *until_ms)
{
	struct tm tm = { 0 };
	const char *rest = strptime(from, "%Y-%m-%d", &tm);

	if (!rest || *rest != '\0' || strlen(from) != 10)
		return false;
	*until_ms = (int64_t)timegm(&tm) * 1000 + DAY_MS;
	return true;
}

/* Takes "WHO [until DAY]: reason" apart. An IPv6 network has colons too: the one before a blank ends WHO. */
static const char *split(const char *value, char who[WHO_MAX], int64_t *until_ms)
{
	const char *colon = strstr(value, ": ");
	char *until;
	size_t len;

	*until_ms = INT64_MAX;
	if (!colon || colon == value || colon[2 + strspn(colon + 2, " ")] == '\0')
		return form;
	len = (size_t)(colon - value);
	if (len >= WHO_MAX)
		return "the name is too long";
	memcpy(who, value, len);
	who[len] = '\0';
	until = strstr(who, " until ");
	if (until) {
		if (!read_day(until + strlen(" until "), until_ms))
			return "the day after 'until' must look like 2027-01-31";
		*until = '\0';
	}
	if (who[strcspn(who, " \t")] != '\0')
		return form;
	return NULL;
}

/* NULL and *known = false for a user that this system does not have. */
static const char *read_uids(const char *who, uint32_t *from, uint32_t *to, bool *known)
{
	char *end;
	unsigned long first = strtoul(who, &end, 10), last = first;

	*known = true;
	if (end == who || (*end != '\0' && *end != '-')) {
		struct passwd entry, *found = NULL;
		char buffer[4096];

		*known = getpwnam_r(who, &entry, buffer, sizeof(buffer), &found) == 0 && found;
		first = last = *known ? found->pw_uid : 0;
	} else if (*end == '-') {
		const char *second = end + 1;

		last = strtoul(second, &end, 10);
		if (end == second || *end != '\0')
			return "write a user's name, a number, or a range such as 0-999";
	}
	if (last < first || last >= UINT32_MAX)
		return "the range of uids is empty or too large";
	*from = (uint32_t)first;
	*to = (uint32_t)last;
	return NULL;
}

const char *exempt_check_account(const char *value)
{
	char who[WHO_MAX];
	int64_t until_ms;

	return split(value, who, &until_ms);
}

const char *exempt_check_uid(const char *value)
{
	char who[WHO_MAX];
	int64_t until_ms;
	uint32_t from, to;
	bool known;
	const char *why = split(value, who, &until_ms);

	return why ? why : read_uids(who, &from, &to, &known);
}

const char *exempt_check_network(const char *value)
{
	char who[WHO_MAX];
	int64_t until_ms;
	struct cidr net;
	const char *why = split(value, who, &until_ms);

	if (!why)
		(void)cidr_parse(who, &net, &why);
	return why;
}

const char *exempt_check_address(const char *value)
{
	char who[WHO_MAX];
	int64_t until_ms;
	const char *why = split(value, who, &until_ms);
	struct pattern *pattern = why ? NULL : pattern_new(who, &why);

	pattern_free(&pattern);
	return why;
}

const char *exempt_check_domain(const char *value)
{
	char who[WHO_MAX];
	domain_name domain;
	int64_t until_ms;
	const char *why = split(value, who, &until_ms);

	if (!why && domain_canonical(who, strlen(who), domain) < 0)
		why = "it must be a domain, such as spf.example.com";
	return why;
}

static bool exemption_read(struct exemption *one, enum exempt_kind kind, const char *value)
{
	char who[WHO_MAX];
	const char *why = NULL;
	bool known = true;
	domain_name domain;

	if (split(value, who, &one->until_ms))
		return false;
	switch (kind) {
	case EXEMPT_ACCOUNT:
		one->account = strdup(who);
		return one->account != NULL;
	case EXEMPT_UID:
		return !read_uids(who, &one->uid_from, &one->uid_to, &known) && known;
	case EXEMPT_NETWORK:
		return cidr_parse(who, &one->net, &why) == 0;
	case EXEMPT_ADDRESS:
		one->address = pattern_new(who, &why);
		return one->address != NULL;
	case EXEMPT_DOMAIN:
		if (domain_canonical(who, strlen(who), domain) == 0)
			one->account = strdup(domain);
		return one->account != NULL;
	}
	return false;
}

struct exemptions *exemptions_new(enum exempt_kind kind, const struct string_list *list)
{
	struct exemptions *all = calloc(1, sizeof(*all) + list->count * sizeof(all->at[0]));

	if (!all)
		return NULL;
	all->kind = kind;
	for (size_t i = 0; i < list->count; i++)
		if (exemption_read(&all->at[all->count], kind, list->at[i]))
			all->count++;
	return all;
}

void exemptions_free(struct exemptions **exemptions)
{
	if (!*exemptions)
		return;
	for (size_t i = 0; i < (*exemptions)->count; i++) {
		free((*exemptions)->at[i].account);
		pattern_free(&(*exemptions)->at[i].address);
	}
	free(*exemptions);
	*exemptions = NULL;
}

bool exempt_account(const struct exemptions *exemptions, const char *account, int64_t now_ms)
{
	for (size_t i = 0; i < exemptions->count; i++) {
		const struct exemption *one = &exemptions->at[i];

		if (now_ms < one->until_ms && !strcasecmp(one->account, account))
			return true;
	}
	return false;
}

bool exempt_uid(const struct exemptions *exemptions, uint32_t uid, int64_t now_ms)
{
	for (size_t i = 0; i < exemptions->count; i++) {
		const struct exemption *one = &exemptions->at[i];

		if (now_ms < one->until_ms && uid >= one->uid_from && uid <= one->uid_to)
			return true;
	}
	return false;
}

bool exempt_network(const struct exemptions *exemptions, const struct sockaddr *client, int64_t now_ms)
{
	for (size_t i = 0; i < exemptions->count; i++)
		if (now_ms < exemptions->at[i].until_ms && cidr_has(&exemptions->at[i].net, client))
			return true;
	return false;
}

bool exempt_address(const struct exemptions *exemptions, struct span local, const char *domain, int64_t now_ms)
{
	for (size_t i = 0; i < exemptions->count; i++)
		if (now_ms < exemptions->at[i].until_ms &&
		    pattern_match(exemptions->at[i].address, local.at, local.len, domain))
			return true;
	return false;
}

bool exempt_identity(const struct exemptions *accounts, const struct exemptions *uids, const struct identity *who,
		     int64_t now_ms)
{
	if (who->account[0] == '\0')
		return false;
	return exempt_account(accounts, who->account, now_ms) ||
	       (who->has_uid && who->known_by != KNOWN_BY_SCRIPT && exempt_uid(uids, who->uid, now_ms));
}

bool exempt_mail_from(const struct exemptions *senders, const struct message *message, int64_t now_ms)
{
	const struct mail_path *sender = &message->sender;

	return !message->sender_broken && sender->domain[0] != '\0' &&
	       exempt_address(senders, sender->local, sender->domain, now_ms);
}

const char *exempt_next_domain(const struct exemptions *exemptions, size_t *at, int64_t now_ms)
{
	while (*at < exemptions->count) {
		const struct exemption *one = &exemptions->at[(*at)++];

		if (now_ms < one->until_ms)
			return one->account;
	}
	return NULL;
}
