/*
 * The groups as conf.d names them (table.h): sorted tables, one of domains and one of the hosts that receive mail.
 */
#include "provider/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "arena.h"
#include "text.h"

#define TABLE_MEMORY (16u << 20) /* bytes: some 100,000 names */

struct members {
	struct provider_member *at;
	size_t count;
};

struct provider_table {
	struct arena memory;
	struct members domains, hosts;
};

/* ---- what an admin writes ---------------------------------------------------------------------- */

#define FORM                                                                                                     \
	"write GROUP: DOMAIN ... mx:HOST ..., such as \"acme: acme.example acme.test mx:mx.acme.test\"; a name " \
	"is 1 to 32 of a-z 0-9 - _"

/* The group's name in front of ": "; its words are at *rest. */
static bool group_read(const char *value, struct span *group, const char **rest)
{
	*group = (struct span){ value, strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-_") };
	if (group->len == 0 || group->len > PROVIDER_GROUP_MAX || value[group->len] != ':')
		return false;
	*rest = value + group->len + 1;
	*rest += strspn(*rest, " \t");
	return **rest != '\0';
}

/* The next word in comparable form; *rest goes behind it. NULL, or what is wrong. */
static const char *word_read(const char **rest, bool *is_host, domain_name out)
{
	const char *word = *rest;
	size_t len = strcspn(word, " \t");

	*rest = word + len;
	*rest += strspn(*rest, " \t");
	*is_host = strncmp(word, "mx:", 3) == 0;
	if (*is_host) {
		word += 3;
		len -= 3;
	}
	if (domain_canonical(word, len, out) < 0)
		return "one of its words is no name of a domain; " FORM;
	/* a whole top-level domain would be one provider */
	return strchr(out, '.') ? NULL : "one of its names has no dot; " FORM;
}

const char *provider_row_check(const char *value)
{
	const char *rest, *wrong = NULL;
	struct span group;
	domain_name name;
	bool is_host;

	if (!group_read(value, &group, &rest))
		return FORM;
	while (!wrong && *rest != '\0')
		wrong = word_read(&rest, &is_host, name);
	return wrong;
}

/* ---- the tables -------------------------------------------------------------------------------- */

/* No more than there are blanks, and one. */
static size_t words_most(const struct string_list *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->count; i++) {
		count++;
		for (const char *at = rows->at[i]; *at != '\0'; at++)
			count += *at == ' ' || *at == '\t';
	}
	return count;
}

static bool rooms_make(struct provider_table *table, const struct provider_options *options)
{
	const size_t most = words_most(&options->groups) + words_most(&options->own_groups);

	table->domains.at = arena_alloc(&table->memory, (most + 1) * sizeof(*table->domains.at));
	table->hosts.at = arena_alloc(&table->memory, (most + 1) * sizeof(*table->hosts.at));
	return table->domains.at && table->hosts.at;
}

static bool row_add(struct provider_table *table, const char *value, bool is_own)
{
	struct provider_member member = { .is_own = is_own };
	struct members *members;
	const char *rest;
	struct span group;
	domain_name name;
	bool is_host;

	if (!group_read(value, &group, &rest))
		return false;
	member.group = arena_copy(&table->memory, group.at, group.len);
	while (member.group && *rest != '\0') {
		if (word_read(&rest, &is_host, name))
			return false;
		member.name = arena_copy(&table->memory, name, strlen(name));
		if (!member.name)
			return false;
		members = is_host ? &table->hosts : &table->domains;
		members->at[members->count++] = member;
	}
	return member.group != NULL;
}

static bool rows_add(struct provider_table *table, const struct string_list *rows, bool is_own)
{
	for (size_t i = 0; i < rows->count; i++)
		if (!row_add(table, rows->at[i], is_own))
			return false;
	return true;
}

/* By name; the admin's own in front. */
static int member_compare(const void *a, const void *b)
{
	const struct provider_member *left = a, *right = b;
	const int order = strcmp(left->name, right->name);

	return order ? order : right->is_own - left->is_own;
}

/* Each name once. False: one stands in two groups of the same list. */
static bool members_settle(struct members *members, const char **option, char *error, size_t size)
{
	size_t kept = 0;

	if (members->count > 0)
		qsort(members->at, members->count, sizeof(*members->at), member_compare);
	for (size_t i = 0; i < members->count; i++) {
		const struct provider_member *member = &members->at[i],
					     *last = kept > 0 ? &members->at[kept - 1] : NULL;

		if (!last || strcmp(last->name, member->name) != 0) {
			members->at[kept++] = *member;
		} else if (last->is_own == member->is_own && strcmp(last->group, member->group) != 0) {
			*option = member->is_own ? "own_groups" : "groups";
			snprintf(error, size, "'%s' stands in two groups, %s and %s: take it out of one", member->name,
				 last->group, member->group);
			return false;
		}
	}
	members->count = kept;
	return true;
}

struct provider_table *provider_table_new(const struct provider_options *options, const char **option, char *error,
					  size_t size)
{
	struct provider_table *table = calloc(1, sizeof(*table));

	*option = "groups";
	snprintf(error, size, "out of memory, or too many names");
	if (!table)
		return NULL;
	arena_init(&table->memory, TABLE_MEMORY);
	if (rooms_make(table, options) && rows_add(table, &options->groups, false) &&
	    rows_add(table, &options->own_groups, true) && members_settle(&table->domains, option, error, size) &&
	    members_settle(&table->hosts, option, error, size))
		return table;
	provider_table_free(&table);
	return NULL;
}

void provider_table_free(struct provider_table **table)
{
	if (!*table)
		return;
	arena_free(&(*table)->memory);
	free(*table);
	*table = NULL;
}

/* ---- look-ups ---------------------------------------------------------------------------------- */

static int name_compare(const void *name, const void *member)
{
	return strcmp(name, ((const struct provider_member *)member)->name);
}

static const struct provider_member *member_find(const struct members *members, const char *name)
{
	return members->count ? bsearch(name, members->at, members->count, sizeof(*members->at), name_compare) : NULL;
}

const struct provider_member *provider_table_domain(const struct provider_table *table, const char *domain)
{
	return member_find(&table->domains, domain);
}

/* The most particular one counts: tenants and consumers share what is above their hosts' names. */
const struct provider_member *provider_table_host(const struct provider_table *table, const char *host)
{
	const struct provider_member *member = NULL;

	while (!member && host) {
		member = member_find(&table->hosts, host);
		host = strchr(host, '.');
		host += host != NULL;
	}
	return member;
}
