/*
 * A DNS out of a table (spf_table.h).
 */
#include "test/unit/spf_table.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <strings.h>

#include "test/unit/test.h"

#define HOPS 10 /* of a chain of CNAMEs */

struct row {
	char *name, *type, *data;
	size_t len;
	struct row *next;
};

struct reply {
	struct dns_answer answer;
	char *name;
	bool wanted;
	struct reply *next;
};

struct spf_table {
	struct row *rows, **rows_end;
	struct reply *replies;
	bool late;
	unsigned queries, runs;
};

static const char *const type_names[DNS_TYPES] = { "A", "AAAA", "MX", "TXT", "PTR" };

static void *must(void *memory)
{
	assert_non_null(memory);
	return memory;
}

struct spf_table *spf_table_new(void)
{
	struct spf_table *table = must(calloc(1, sizeof(*table)));

	table->rows_end = &table->rows;
	return table;
}

static void forget_replies(struct spf_table *table)
{
	while (table->replies) {
		struct reply *reply = table->replies;

		table->replies = reply->next;
		free((void *)reply->answer.records);
		free(reply->name);
		free(reply);
	}
}

void spf_table_free(struct spf_table **table)
{
	forget_replies(*table);
	while ((*table)->rows) {
		struct row *row = (*table)->rows;

		(*table)->rows = row->next;
		free(row->name);
		free(row->type);
		free(row->data);
		free(row);
	}
	free(*table);
	*table = NULL;
}

void spf_table_add(struct spf_table *table, const char *name, const char *type, const char *data, size_t len)
{
	struct row *row = must(calloc(1, sizeof(*row)));

	row->name = must(strdup(name));
	row->type = must(strdup(type));
	row->data = must(calloc(1, len + 1));
	memcpy(row->data, data, len);
	if (!strcmp(type, "CNAME") && len && data[len - 1] == '.')
		row->data[--len] = '\0';
	row->len = len;
	*table->rows_end = row;
	table->rows_end = &row->next;
	forget_replies(table);
}

void spf_table_add_all(struct spf_table *table, const char *const (*rows)[3])
{
	for (; (*rows)[0]; rows++)
		spf_table_add(table, (*rows)[0], (*rows)[1], (*rows)[2], strlen((*rows)[2]));
}

void spf_table_set_late(struct spf_table *table, bool late)
{
	table->late = late;
	forget_replies(table);
}

unsigned spf_table_queries(struct spf_table *table)
{
	unsigned queries = table->queries;

	table->queries = 0;
	return queries;
}

unsigned spf_table_runs(const struct spf_table *table)
{
	return table->runs;
}

/* ---- answers ----------------------------------------------------------------------------------- */

static void fill(struct dns_record *record, enum dns_type type, const struct row *row)
{
	char *host;

	switch (type) {
	case DNS_A:
		assert_int_equal(inet_pton(AF_INET, row->data, &record->a), 1);
		break;
	case DNS_AAAA:
		assert_int_equal(inet_pton(AF_INET6, row->data, &record->aaaa), 1);
		break;
	case DNS_MX:
		record->mx.preference = (unsigned)strtoul(row->data, &host, 10);
		record->mx.name = host + 1;
		break;
	case DNS_TXT:
		record->txt = (struct span){ row->data, row->len };
		break;
	default:
		record->ptr = row->data;
	}
}

static const struct row *find(const struct spf_table *table, const char *name, const char *type)
{
	for (const struct row *row = table->rows; row; row = row->next)
		if (!strcasecmp(row->name, name) && !strcmp(row->type, type))
			return row;
	return NULL;
}

/* A name exists when it, or one below it, has a row. */
static bool exists(const struct spf_table *table, const char *name)
{
	size_t len = strlen(name), row_len;

	for (const struct row *row = table->rows; row; row = row->next) {
		row_len = strlen(row->name);
		if (row_len < len || strcasecmp(row->name + row_len - len, name) != 0)
			continue;
		if (row_len == len || row->name[row_len - len - 1] == '.')
			return true;
	}
	return false;
}

static void fill_all(const struct spf_table *table, struct dns_answer *answer, const char *name)
{
	struct dns_record *records;
	size_t count = 0;

	for (const struct row *row = table->rows; row; row = row->next)
		count += !strcasecmp(row->name, name) && !strcmp(row->type, type_names[answer->type]);
	records = must(calloc(count, sizeof(*records)));
	for (const struct row *row = table->rows; row; row = row->next)
		if (!strcasecmp(row->name, name) && !strcmp(row->type, type_names[answer->type]))
			fill(&records[answer->count++], answer->type, row);
	answer->records = records;
	answer->status = DNS_FOUND;
}

static void answer_fill(const struct spf_table *table, struct dns_answer *answer, const char *name)
{
	const struct row *alias;

	for (unsigned hop = 0; hop < HOPS; hop++) {
		if (find(table, name, type_names[answer->type])) {
			fill_all(table, answer, name);
			return;
		}
		alias = find(table, name, "CNAME");
		if (find(table, name, "TIMEOUT"))
			break;
		if (!alias) {
			answer->status = exists(table, name) ? DNS_NO_DATA : DNS_NO_NAME;
			return;
		}
		name = alias->data;
	}
	answer->status = DNS_FAILED;
}

static struct reply *reply_of(struct spf_table *table, enum dns_type type, const char *name)
{
	struct reply *reply;

	for (reply = table->replies; reply; reply = reply->next)
		if (reply->answer.type == type && !strcasecmp(reply->name, name))
			return reply;
	reply = must(calloc(1, sizeof(*reply)));
	reply->name = must(strdup(name));
	reply->answer.type = type;
	reply->answer.ttl = SPF_TABLE_TTL + (type == DNS_TXT);
	reply->next = table->replies;
	table->replies = reply;
	answer_fill(table, &reply->answer, name);
	return reply;
}

const struct dns_answer *spf_table_lookup(void *arg, enum dns_type type, const char *name)
{
	struct spf_table *table = arg;
	struct reply *reply = reply_of(table, type, name);

	if (!table->late && !reply->wanted) {
		reply->wanted = true;
		table->queries++;
	}
	return reply->wanted ? &reply->answer : NULL;
}

/* ---- evaluations ------------------------------------------------------------------------------- */

static void give_wanted(struct spf_table *table, const struct spf_outcome *outcome)
{
	assert_true(outcome->wanted_count > 0);
	for (size_t i = 0; i < outcome->wanted_count; i++) {
		struct reply *reply = reply_of(table, outcome->wanted[i].type, outcome->wanted[i].name);

		assert_false(reply->wanted);
		reply->wanted = true;
		table->queries++;
	}
}

static const struct sockaddr *address_of(const char *ip, struct sockaddr_storage *storage)
{
	struct sockaddr_in *in = (void *)storage;
	struct sockaddr_in6 *in6 = (void *)storage;

	memset(storage, 0, sizeof(*storage));
	storage->ss_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	if (storage->ss_family == AF_INET)
		assert_int_equal(inet_pton(AF_INET, ip, &in->sin_addr), 1);
	else
		assert_int_equal(inet_pton(AF_INET6, ip, &in6->sin6_addr), 1);
	return (const void *)storage;
}

enum spf_result spf_table_run(struct spf_table *table, const char *ip, const char *helo, const char *mail_from,
			      struct spf_outcome *outcome)
{
	struct sockaddr_storage storage;
	struct spf_query query = {
		.client = address_of(ip, &storage),
		.helo = helo,
		.mail_from = mail_from,
		.receiver = "",
		.now_s = 1700000000,
		.want_explanation = true,
		.limits = SPF_LIMITS,
	};

	for (table->runs = 1;; table->runs++) {
		spf_evaluate(&query, spf_table_lookup, table, outcome);
		if (outcome->result != SPF_RESULT_PENDING)
			return outcome->result;
		assert_true(table->late);
		give_wanted(table, outcome);
	}
}
