/*
 * A notice on its way (notice/item.h). Account names and facts are a stranger's choice: each form escapes them by its
 * own rules.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "notice/item.h"

#define VALUE_MAX 400 /* bytes of one string that are kept */
#define KEY_MAX 32
#define LOGGED_MAX 200 /* bytes of a value in the log */
#define MAILED_MAX 240 /* the same in mail: each may become four, and a line has 998 (RFC 5322 2.1.1) */
#define HOST_MAX ((size_t)256)
#define ESCAPED 6 /* bytes that one byte may become: \u001f */
#define FRAME ((size_t)1024)

static const char key_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789_";

/* What every notice has; the names are taken, so a fact has another. */
static const struct {
	const char *name;
	size_t offset;
} members[] = {
	{ "kind", offsetof(struct item, kind) }, { "account", offsetof(struct item, account) },
	{ "rule", offsetof(struct item, rule) }, { "id", offsetof(struct item, id) },
	{ "text", offsetof(struct item, text) }, { "service", offsetof(struct item, service) },
};

#define MEMBERS (sizeof(members) / sizeof(*members))

static const char *member(const struct item *item, size_t i)
{
	return *(const char *const *)(const void *)((const char *)item + members[i].offset);
}

static bool key_is_good(const char *key)
{
	if (!key || key[0] < 'a' || key[0] > 'z' || strlen(key) > KEY_MAX || key[strspn(key, key_bytes)] != '\0')
		return false;
	for (size_t i = 0; i < MEMBERS; i++)
		if (!strcmp(members[i].name, key))
			return false;
	return strcmp(key, "time") != 0 && strcmp(key, "host") != 0;
}

static size_t kept(const char *value)
{
	return value ? strnlen(value, VALUE_MAX) : 0;
}

static const char *keep(char **at, const char *value)
{
	const char *copy = *at;
	size_t len = kept(value);

	if (len > 0)
		memcpy(*at, value, len);
	(*at)[len] = '\0';
	*at += len + 1;
	return copy;
}

struct item *item_new(const struct notice *notice, const char *service, int64_t now_ms)
{
	const char *const own[] = { notice->kind, notice->account, notice->rule, notice->text, notice->id };
	size_t size = sizeof(struct item) + sizeof(own) / sizeof(*own);
	struct item *item;
	char *at;

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		size += kept(own[i]);
	for (size_t i = 0; i < notice->fact_count; i++)
		size += key_is_good(notice->facts[i].key)
				? strlen(notice->facts[i].key) + kept(notice->facts[i].value) + 2
				: 0;
	item = calloc(1, size);
	if (!item)
		return NULL;
	atomic_init(&item->references, 1);
	item->when_ms = now_ms;
	item->service = service;
	at = item->bytes;
	item->kind = keep(&at, notice->kind);
	item->account = keep(&at, notice->account);
	item->rule = keep(&at, notice->rule);
	item->text = keep(&at, notice->text);
	item->id = keep(&at, notice->id);
	for (size_t i = 0; i < notice->fact_count && item->fact_count < NOTICE_FACTS; i++) {
		if (!key_is_good(notice->facts[i].key))
			continue;
		item->facts[item->fact_count].key = keep(&at, notice->facts[i].key);
		item->facts[item->fact_count++].value = keep(&at, notice->facts[i].value);
	}
	return item;
}

struct item *item_ref(struct item *item)
{
	atomic_fetch_add(&item->references, 1);
	return item;
}

void item_unref(struct item *item)
{
	if (item && atomic_fetch_sub(&item->references, 1) == 1)
		free(item);
}

/* ---- forms ------------------------------------------------------------------------------------- */

static size_t bytes_of(const struct item *item)
{
	size_t bytes = 0;

	for (size_t i = 0; i < MEMBERS; i++)
		bytes += strlen(member(item, i));
	for (size_t i = 0; i < item->fact_count; i++)
		bytes += strlen(item->facts[i].key) + strlen(item->facts[i].value);
	return bytes;
}

static void host_name(char *host, size_t size)
{
	if (gethostname(host, size) < 0)
		host[0] = '\0';
	host[size - 1] = '\0';
}

static const struct tm *time_of(const struct item *item, struct tm *tm)
{
	time_t seconds = (time_t)(item->when_ms / 1000);

	return gmtime_r(&seconds, tm);
}

/* RFC 3339. */
static const char *stamp_of(const struct item *item, char stamp[32])
{
	struct tm tm;

	strftime(stamp, 32, "%Y-%m-%dT%H:%M:%SZ", time_of(item, &tm));
	return stamp;
}

void item_log(const struct item *item, struct text *line)
{
	text_str(line, "notice");
	for (size_t i = 0; i < MEMBERS; i++) {
		const char *value = member(item, i);

		if (value[0] == '\0' || value == item->text || value == item->service)
			continue;
		text_char(line, ' ');
		text_str(line, members[i].name);
		text_char(line, '=');
		text_word(line, value, strlen(value), LOGGED_MAX);
	}
	for (size_t i = 0; i < item->fact_count; i++) {
		text_char(line, ' ');
		text_str(line, item->facts[i].key);
		text_char(line, '=');
		text_word(line, item->facts[i].value, strlen(item->facts[i].value), LOGGED_MAX);
	}
	text_str(line, ": ");
	text_escaped(line, item->text, strlen(item->text), VALUE_MAX);
}

char *item_json(const struct item *item, size_t *len)
{
	size_t size = bytes_of(item) * ESCAPED + HOST_MAX * ESCAPED + FRAME;
	char *buffer = malloc(size), host[HOST_MAX], stamp[32];
	struct text json;

	if (!buffer)
		return NULL;
	host_name(host, sizeof(host));
	text_init(&json, buffer, size);
	json_open(&json, NULL, '{');
	for (size_t i = 0; i < MEMBERS; i++)
		json_member(&json, members[i].name, member(item, i));
	json_member(&json, "host", host);
	json_member(&json, "time", stamp_of(item, stamp));
	json_open(&json, "facts", '{');
	for (size_t i = 0; i < item->fact_count; i++)
		json_member(&json, item->facts[i].key, item->facts[i].value);
	json_close(&json, '}');
	json_close(&json, '}');
	*len = json.len;
	return buffer;
}

/* Scripts split at line ends, and some at worse: no control byte gets into an environment. */
static void variable(struct text *block, char **environment, size_t *count, const char *name, const char *value)
{
	environment[(*count)++] = block->at + block->len;
	text_str(block, "LEUMUND_");
	for (; *name; name++)
		text_char(block, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
	text_char(block, '=');
	for (; *value; value++)
		text_char(block, (unsigned char)*value < 0x20 || *value == 0x7f ? '?' : *value);
	text_char(block, '\0');
}

char **item_environment(const struct item *item)
{
	static const char *const always[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					      "LC_ALL=C" };
	const size_t most = 2 + MEMBERS + 2 + NOTICE_FACTS + 1, table = most * sizeof(char *);
	size_t size = table + bytes_of(item) + HOST_MAX + FRAME, count = 0;
	char **environment = malloc(size), host[HOST_MAX], stamp[32];
	struct text block;

	if (!environment)
		return NULL;
	host_name(host, sizeof(host));
	text_init(&block, (char *)environment + table, size - table);
	for (; count < sizeof(always) / sizeof(*always); count++)
		environment[count] = (char *)(uintptr_t)always[count];
	for (size_t i = 0; i < MEMBERS; i++)
		variable(&block, environment, &count, members[i].name, member(item, i));
	variable(&block, environment, &count, "host", host);
	variable(&block, environment, &count, "time", stamp_of(item, stamp));
	for (size_t i = 0; i < item->fact_count; i++)
		variable(&block, environment, &count, item->facts[i].key, item->facts[i].value);
	environment[count] = NULL;
	return environment;
}

/* ---- mail -------------------------------------------------------------------------------------- */

static void mail_header(const struct item *item, const char *host, const char *address, const char *end,
			struct text *mail)
{
	char stamp[64];
	struct tm tm;

	/* of this server, as which it may send; behind a short name the MTA puts its own domain (Exim only from
	 * sendmail(1)) */
	text_str(mail, "From: leumund");
	if (strchr(host, '.')) {
		text_char(mail, '@');
		text_word(mail, host, strlen(host), HOST_MAX);
	}
	text_str(mail, end);
	text_str(mail, "To: ");
	text_str(mail, address);
	text_str(mail, end);
	text_str(mail, "Subject: leumund on ");
	text_word(mail, host, strlen(host), 100);
	text_str(mail, ": ");
	text_word(mail, item->kind, strlen(item->kind), 60);
	text_char(mail, ' ');
	text_word(mail, item->account, strlen(item->account), 100);
	text_str(mail, end);
	text_str(mail, "Date: ");
	strftime(stamp, sizeof(stamp), "%a, %d %b %Y %H:%M:%S +0000", time_of(item, &tm));
	text_str(mail, stamp);
	text_str(mail, end);
	/* RFC 3834 5: nobody answers, and no filter of ours takes it for somebody's mail */
	text_str(mail, "Auto-Submitted: auto-generated");
	text_str(mail, end);
	text_str(mail, "MIME-Version: 1.0");
	text_str(mail, end);
	text_str(mail, "Content-Type: text/plain; charset=us-ascii");
	text_str(mail, end);
	text_str(mail, end);
}

static void mail_line(struct text *mail, const char *name, const char *value, const char *end)
{
	if (value[0] == '\0')
		return;
	text_str(mail, "  ");
	text_str(mail, name);
	text_str(mail, ": ");
	text_escaped(mail, value, strlen(value), MAILED_MAX);
	text_str(mail, end);
}

char *item_mail(const struct item *item, const char *address, const char *line_end, size_t *len)
{
	size_t size = bytes_of(item) * 4 + 5 * HOST_MAX + 2 * FRAME;
	char *buffer = malloc(size), host[HOST_MAX], stamp[32];
	struct text mail;

	if (!buffer)
		return NULL;
	host_name(host, sizeof(host));
	text_init(&mail, buffer, size);
	mail_header(item, host, address, line_end, &mail);
	text_escaped(&mail, item->text, strlen(item->text), MAILED_MAX);
	text_str(&mail, line_end);
	text_str(&mail, line_end);
	for (size_t i = 0; i < MEMBERS; i++)
		if (member(item, i) != item->text)
			mail_line(&mail, members[i].name, member(item, i), line_end);
	mail_line(&mail, "host", host, line_end);
	mail_line(&mail, "time", stamp_of(item, stamp), line_end);
	for (size_t i = 0; i < item->fact_count; i++)
		mail_line(&mail, item->facts[i].key, item->facts[i].value, line_end);
	*len = mail.len;
	return buffer;
}
