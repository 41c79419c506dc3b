/*
 * Reads tables of evidence: lines of eight columns, the built-in ones last (evidence.h).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evidence/inner.h"
#include "evidence_table.h" /* made from evidence.table */

#define TABLE_MAX (1 << 20) /* bytes of one file */
#define TABLE_MEMORY (64u << 20)
#define PROBLEMS 20
#define COLUMNS 8

static const char built_in[] = "(built-in rules)";

struct table_file {
	struct evidence_table *table;
	const char *name;
	unsigned line;
	struct text *problems;
	unsigned problem_count; /* of all files */
};

/* ---- problems ---------------------------------------------------------------------------------- */

static void problem(struct table_file *file, const char *sentence, struct span about)
{
	struct text *out = file->problems;

	if (file->problem_count++ >= PROBLEMS)
		return;
	if (out->len > 0)
		text_char(out, '\n');
	text_str(out, file->name);
	if (file->line > 0) {
		text_char(out, ':');
		text_u64(out, file->line);
	}
	text_str(out, ": ");
	if (about.len > 0) {
		text_char(out, '\'');
		text_escaped(out, about.at, about.len, 60);
		text_str(out, "': ");
	}
	text_str(out, sentence);
}

static const struct span nothing = { "", 0 };

/* ---- columns ----------------------------------------------------------------------------------- */

/* Columns stand apart by tabs or by two blanks and more: editors make blanks of tabs. */
static size_t split(struct span line, struct span columns[COLUMNS + 1])
{
	const char *at = line.at, *end = line.at + line.len;
	size_t count = 0;

	while (at < end && count <= COLUMNS) {
		const char *begin = at;
		while (at < end && *at != '\t' && !(*at == ' ' && at + 1 < end && (at[1] == ' ' || at[1] == '\t')))
			at++;
		columns[count++] = (struct span){ begin, (size_t)(at - begin) };
		while (at < end && (*at == '\t' || *at == ' '))
			at++;
	}
	return count;
}

static bool is_any(struct span column)
{
	return column.len == 1 && column.at[0] == '-';
}

/* "connect helo", or before-rcpt for all that come before a recipient does. */
static bool read_phases(struct table_file *file, struct span column, unsigned *phases)
{
	const char *at = column.at, *end = column.at + column.len;

	*phases = 0;
	while (!is_any(column) && at < end) {
		const char *stop = memchr(at, ' ', (size_t)(end - at));
		const struct span word = { at, (size_t)((stop ? stop : end) - at) };
		const int phase = phase_of(word);

		if (span_is(word, "before-rcpt"))
			*phases |= (1u << PHASE_RCPT) - (1u << PHASE_CONNECT);
		else if (phase > PHASE_UNKNOWN)
			*phases |= 1u << phase;
		else {
			problem(file, "no phase; allowed: - connect helo tls auth mail rcpt data end before-rcpt",
				word);
			return false;
		}
		at = stop ? stop + 1 : end;
	}
	return true;
}

/* "90s", "30m", "2h", "1d" */
static bool read_time(struct span word, uint32_t *seconds)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint32_t number = 0;

	if (word.len < 2 || word.len > 5)
		return false;
	for (size_t i = 0; i + 1 < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(word.at[i] - '0');
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].unit == word.at[word.len - 1]) {
			*seconds = number * units[i].seconds;
			return number > 0;
		}
	return false;
}

/* "stop", "stop 2h", "back-off 1h said" */
static bool read_reaction(struct table_file *file, struct span column, struct rule *rule)
{
	const char *at = column.at, *end = column.at + column.len;
	bool good = true;

	for (int i = 0; good && (at < end || i == 0); i++) {
		const char *stop = memchr(at, ' ', (size_t)(end - at));
		const struct span word = { at, (size_t)((stop ? stop : end) - at) };
		const int reaction = reaction_of(word);

		if (i == 0) {
			good = reaction >= 0;
			rule->reaction = good ? (enum evidence_reaction)reaction : REACTION_NONE;
		} else if (span_is(word, "said")) {
			rule->wait_said = true;
		} else {
			good = rule->wait_s == 0 && read_time(word, &rule->wait_s);
		}
		at = stop ? stop + 1 : end;
	}
	if (!good)
		problem(file,
			"no reaction; allowed: none count back-off stop slow split authenticate account retry, then "
			"perhaps a time such as 30m or 2h, then perhaps said: a time in the text wins",
			column);
	return good;
}

/* ---- rules ------------------------------------------------------------------------------------- */

static bool is_taken(const struct evidence_table *table, struct span name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strlen(table->rules[i].name) == name.len && memcmp(table->rules[i].name, name.at, name.len) == 0)
			return true;
	return false;
}

static struct rule *rule_new(struct evidence_table *table)
{
	if (table->count == table->room) {
		const size_t room = table->room > 0 ? 2 * table->room : 64;
		struct rule *rules = arena_alloc(&table->arena, room * sizeof(*rules));
		if (!rules)
			return NULL;
		if (table->count > 0)
			memcpy(rules, table->rules, table->count * sizeof(*rules));
		table->rules = rules;
		table->room = room;
	}
	return &table->rules[table->count++];
}

static bool read_words(struct table_file *file, const struct span columns[COLUMNS], struct rule *rule)
{
	const int class = class_of(columns[4]), about = about_of(columns[5]);

	if (class < 0) {
		problem(file,
			"no class; allowed: nonexistent-mailbox mailbox-disabled mailbox-full policy-block "
			"rate-limited "
			"spam-content auth-failure domain-not-found temporary-other permanent-other local-defer "
			"delivered "
			"complaint not-bounce",
			columns[4]);
		return false;
	}
	if (about < 0) {
		problem(file,
			"whom it concerns is not known; allowed: nothing recipient ip network sender-domain message",
			columns[5]);
		return false;
	}
	rule->class = (enum evidence_class) class;
	rule->about = (enum evidence_about)about;
	return read_phases(file, columns[3], &rule->phases) && read_reaction(file, columns[6], rule);
}

static void add_rule(struct table_file *file, const struct span columns[COLUMNS])
{
	struct evidence_table *table = file->table;
	struct arena *arena = &table->arena;
	struct rule rule = { .file = file->name, .line = file->line };

	if (!read_words(file, columns, &rule))
		return;
	/* "-": the rule of this name is switched off */
	const bool is_off = is_any(columns[1]);
	const char *fault = is_off ? NULL : phrase_add(table->phrases, columns[1].at, columns[1].len, &rule.phrase);
	if (fault) {
		problem(file, fault, columns[1]);
		return;
	}
	rule.name = arena_copy(arena, columns[0].at, columns[0].len);
	rule.source = arena_copy(arena, columns[7].at, columns[7].len);
	rule.provider = is_any(columns[2]) ? NULL : arena_copy(arena, columns[2].at, columns[2].len);
	struct rule *place = rule_new(table);
	if (!place || !rule.name || !rule.source || (!rule.provider && !is_any(columns[2]))) {
		problem(file, "out of memory", nothing);
		return;
	}
	if (is_off)
		rule.phrase.count = 0;
	*place = rule;
}

static void read_line(struct table_file *file, struct span line)
{
	struct span columns[COLUMNS + 1];

	while (line.len > 0 && strchr(" \t\r", line.at[line.len - 1]) && line.at[line.len - 1] != '\0')
		line.len--;
	if (line.len == 0 || line.at[0] == '#')
		return;
	if (memchr(line.at, '\0', line.len)) {
		problem(file, "a NUL byte; a table is text", nothing);
		return;
	}
	if (split(line, columns) != COLUMNS) {
		problem(file,
			"8 columns are needed, apart by tabs or by two blanks and more: name, pattern, provider, "
			"phase, class, about, reaction, source; - is any",
			nothing);
		return;
	}
	/* the built-in rules are ours to keep apart; in his own file an admin is told of a slip */
	if (is_taken(file->table, columns[0])) {
		if (file->table->rules[file->table->count - 1].file == file->name && file->name != built_in)
			problem(file, "a rule of this name stands before; the first one counts", columns[0]);
		return;
	}
	add_rule(file, columns);
}

static void read_table(struct table_file *file, const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *end = memchr(bytes + at, '\n', len - at);
		const size_t length = end ? (size_t)(end - bytes) - at : len - at;

		file->line++;
		read_line(file, (struct span){ bytes + at, length });
		at += length + 1;
	}
}

/* ---- files ------------------------------------------------------------------------------------- */

static int is_table_name(const struct dirent *entry)
{
	const size_t len = strlen(entry->d_name);

	return entry->d_name[0] != '.' && len > 6 && strcmp(entry->d_name + len - 6, ".table") == 0;
}

/* By bytes: alphasort() would follow the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_open_file(struct table_file *file, int fd, const struct stat *st)
{
	char *bytes = malloc(TABLE_MAX + 1);
	size_t len = 0;
	ssize_t got = 1;

	if (st->st_mode & S_IWOTH) {
		problem(file, "anybody may write to it; take that away with chmod o-w", nothing);
		free(bytes);
		return;
	}
	while (bytes && got > 0 && len <= TABLE_MAX) {
		got = read(fd, bytes + len, TABLE_MAX + 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	if (!bytes)
		problem(file, "out of memory", nothing);
	else if (got < 0)
		problem(file, strerror(errno), nothing);
	else if (len > TABLE_MAX)
		problem(file, "a table has at most 1 MiB", nothing);
	else
		read_table(file, bytes, len);
	free(bytes);
}

static void read_file(struct table_file *file, int directory_fd, const char *directory, const char *name)
{
	char path[4096];
	struct stat st;
	/* O_NONBLOCK: a FIFO of this name must not stop the start */
	const int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file->line = 0;
	file->name = arena_copy(&file->table->arena, path, strlen(path));
	if (!file->name)
		file->name = "a table";
	if (fd < 0 || fstat(fd, &st) != 0)
		problem(file, strerror(errno), nothing);
	else if (S_ISREG(st.st_mode))
		read_open_file(file, fd, &st);
	if (fd >= 0)
		close(fd);
}

static void read_directory(struct table_file *file, const char *directory)
{
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **entries = NULL;
	const int count = fd >= 0 ? scandirat(fd, ".", &entries, is_table_name, by_name) : -1;

	file->name = directory;
	/* whether there must be a configuration is for config_load() to say */
	if (count < 0 && errno != ENOENT)
		problem(file, strerror(errno), nothing);
	for (int i = 0; i < count; i++) {
		read_file(file, fd, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (fd >= 0)
		close(fd);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static struct evidence_table *table_new(void)
{
	struct evidence_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	arena_init(&table->arena, TABLE_MEMORY);
	table->phrases = phrase_set_new(&table->arena);
	if (!table->phrases)
		evidence_free(&table);
	return table;
}

struct evidence_table *evidence_load(const char *directory, char *error, size_t size)
{
	struct text problems;
	struct table_file file = { .table = table_new(), .name = built_in, .problems = &problems };

	text_init(&problems, error, size);
	if (!file.table) {
		problem(&file, "out of memory", nothing);
		return NULL;
	}
	if (directory)
		read_directory(&file, directory);
	file.name = built_in;
	file.line = 0;
	read_table(&file, evidence_table_bytes, sizeof(evidence_table_bytes) - 1);
	if (file.problem_count > 0)
		evidence_free(&file.table);
	return file.table;
}

struct evidence_table *evidence_load_text(const char *name, const char *bytes, size_t len, char *error, size_t size)
{
	struct text problems;
	struct table_file file = { .table = table_new(), .name = name, .problems = &problems };

	text_init(&problems, error, size);
	if (!file.table) {
		problem(&file, "out of memory", nothing);
		return NULL;
	}
	read_table(&file, bytes, len);
	if (file.problem_count > 0)
		evidence_free(&file.table);
	return file.table;
}

void evidence_free(struct evidence_table **table)
{
	if (*table)
		arena_free(&(*table)->arena);
	free(*table);
	*table = NULL;
}

size_t evidence_rules(const struct evidence_table *table)
{
	return table->count;
}
