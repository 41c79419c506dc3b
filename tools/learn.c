/*
 * `leumund learn-contacts`: whom each account has written to lately, from the MTA's logs into the store, so that a new
 * installation does not take all the world for strangers.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "contact.h"
#include "directory/directory.h"
#include "learn_account.h"
#include "learn_file.h"
#include "learn_store.h"
#include "question.h"
#include "system/clock.h"

#define SINCE_DEFAULT "62d"
#define DAY_MS (24 * 3600 * 1000LL)
#define SHOW_MS 500

struct lesson {
	struct question question; /* its setup, and unless it is only a rehearsal its store */
	const struct call *call;
	struct directory *directory;
	struct learn_accounts *accounts;
	struct learn_store *store;
	struct maillog *log;
	int64_t now_ms, from_ms, shown_ms;
	uint64_t learnt, too_old, no_account;
	bool failed; /* the store has had enough */
};

static void report_directory(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	if (is_warning)
		complain("%s", sentence);
}

/* ---- one delivery ------------------------------------------------------------------------------ */

static void delivery_take(void *arg, const struct maillog_delivery *delivery)
{
	struct lesson *lesson = arg;
	char TEXT_BUFFER buffer[CONTACT_MAX];
	const int64_t at_ms = delivery->at_ms < lesson->now_ms ? delivery->at_ms : lesson->now_ms;
	struct text address;

	if (lesson->failed)
		return;
	if (at_ms < lesson->from_ms) {
		lesson->too_old++;
		return;
	}
	const char *account = learn_account(lesson->accounts, delivery);
	if (account[0] == '\0') {
		lesson->no_account++;
		return;
	}
	text_init(&address, buffer, sizeof(buffer));
	contact_fold(delivery->local, delivery->domain, &address);
	lesson->learnt++;
	lesson->failed = !learn_contact(lesson->store, account, (struct span){ address.at, address.len }, at_ms);
}

/* ---- files ------------------------------------------------------------------------------------- */

static void progress_show(struct lesson *lesson, const struct learn_file *file, const char *name)
{
	const int64_t now = clock_ticks_ms();
	const int percent = learn_file_percent(file);
	struct maillog_counts counts;

	if (now - lesson->shown_ms < SHOW_MS)
		return;
	lesson->shown_ms = now;
	maillog_count(lesson->log, &counts);
	fputs("\r\033[K", stderr);
	print_safe(stderr, name);
	if (percent >= 0)
		fprintf(stderr, " %d %%", percent);
	fprintf(stderr, ", %llu lines, %llu deliveries", (unsigned long long)counts.lines,
		(unsigned long long)lesson->learnt);
}

/* False: it could not be read, or not to its end. */
static bool file_read(struct lesson *lesson, const char *name)
{
	struct learn_file *file = learn_file_open(name);
	const bool shows = isatty(STDERR_FILENO);
	const char *line;
	size_t len;

	if (!file)
		return false;
	for (unsigned n = 0; !lesson->failed && learn_file_line(file, &line, &len); n++) {
		maillog_line(lesson->log, line, len);
		if (shows && n % 1024 == 0)
			progress_show(lesson, file, name);
	}
	if (shows)
		fputs("\r\033[K", stderr);
	return learn_file_close(&file);
}

/* The working directory may become another one: where the private Redis is. NULL after a complaint. */
static char *path_whole(const char *name)
{
	char *path = strcmp(name, "-") == 0 ? strdup(name) : realpath(name, NULL);

	if (!path)
		complain("%s: no such file, or it may not be looked for", name);
	else if (strcmp(name, "-") != 0 && access(path, R_OK) < 0) {
		complain("%s: may not be read; run this as root or as a member of the file's group", name);
		free(path);
		path = NULL;
	}
	return path;
}

/* ---- the summary ------------------------------------------------------------------------------- */

struct row {
	const char *name, *words;
	uint64_t count;
};

static void summary_json(const struct row *rows, size_t count, const char *example, bool dry)
{
	putchar('{');
	for (size_t i = 0; i < count; i++)
		printf("\"%s\":%llu,", rows[i].name, (unsigned long long)rows[i].count);
	fputs("\"unknown_example\":", stdout);
	print_json(stdout, example);
	printf(",\"dry_run\":%s}\n", dry ? "true" : "false");
}

static void summary_show(const struct row *rows, size_t count, const char *example, bool dry)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].count > 0 || i < 4)
			printf("%12llu  %s\n", (unsigned long long)rows[i].count, rows[i].words);
	if (example[0] != '\0') {
		fputs("The first of the logins and users without an account: ", stdout);
		print_safe(stdout, example);
		puts("; `leumund who` tells why");
	}
	if (dry)
		puts("Nothing was written (--dry-run).");
}

static void summary(const struct lesson *lesson)
{
	const char *example = learn_accounts_example(lesson->accounts);
	struct maillog_counts counts;
	struct learn_found found;

	maillog_count(lesson->log, &counts);
	learn_store_found(lesson->store, &found);
	const struct row rows[] = {
		{ "lines", "lines", counts.lines },
		{ "deliveries", "deliveries to other servers, of accounts, in the time that counts", lesson->learnt },
		{ "accounts", "accounts", learn_accounts_known(lesson->accounts) },
		{ "recipients", "recipients, counted for each account", found.recipients },
		{ "added", "of these new to the store", found.added },
		{ "unknown_accounts", "logins and users whose account cannot be told",
		  learn_accounts_unknown(lesson->accounts) },
		{ "skipped_unknown_account", "skipped: deliveries of those", lesson->no_account },
		{ "skipped_too_old", "skipped: deliveries before the time that counts", lesson->too_old },
		{ "skipped_unclaimed",
		  "skipped: deliveries of mail from elsewhere, forwarded or bounced, or begun before the log",
		  counts.unclaimed },
		{ "skipped_local", "skipped: deliveries on this server", counts.local },
		{ "skipped_failed", "skipped: deferred or bounced", counts.failed },
		{ "skipped_doubtful",
		  "skipped: deliveries whose line or address can be read in several ways or in none", counts.doubtful },
		{ "skipped_foreign", "skipped: lines of no MTA, or without a time", counts.foreign },
	};
	(lesson->call->json ? summary_json : summary_show)(rows, sizeof(rows) / sizeof(*rows), example,
							   lesson->call->dry_run);
}

/* ---- the command ------------------------------------------------------------------------------- */

/* The begin of last month, UTC: what is older is looked for by nobody (redis/contact.lua). */
static int64_t last_month_ms(int64_t now_ms)
{
	const time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return timegm(&(struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon - 1, .tm_mday = 1 }) * 1000LL;
}

static bool since_read(struct lesson *lesson)
{
	const char *since = lesson->call->since ? lesson->call->since : SINCE_DEFAULT;
	const int64_t seconds = time_read(since);

	if (seconds < 0) {
		complain("--since %s: write a number and one of s m h d w, such as " SINCE_DEFAULT, since);
		return false;
	}
	const int64_t oldest_ms = last_month_ms(lesson->now_ms);
	lesson->from_ms = lesson->now_ms - seconds * 1000;
	if (lesson->from_ms < oldest_ms)
		lesson->from_ms = oldest_ms;
	return true;
}

static int lesson_open(struct lesson *lesson)
{
	const int status = lesson->call->dry_run ? tool_setup(lesson->call, &lesson->question.setup)
						 : question_open(&lesson->question, lesson->call);

	if (status != 0)
		return status;
	const struct setup *setup = &lesson->question.setup;
	lesson->directory = directory_reload(NULL, &setup->domains, report_directory, NULL);
	lesson->accounts = learn_accounts_new(setup->identity, lesson->directory);
	lesson->store = learn_store_new(lesson->question.store);
	lesson->log = maillog_new(MAILLOG_OPEN, lesson->now_ms, delivery_take, lesson);
	if (lesson->accounts && lesson->store && lesson->log)
		return 0;
	complain("out of memory");
	return EX_OSERR;
}

static void lesson_close(struct lesson *lesson)
{
	maillog_free(&lesson->log);
	learn_store_free(&lesson->store);
	learn_accounts_free(&lesson->accounts);
	directory_unref(&lesson->directory);
	store_close(&lesson->question.store, 0);
	setup_free(&lesson->question.setup);
}

/* Reads all files; the exit status. */
static int lesson_hold(struct lesson *lesson, char *const *paths, int count)
{
	bool whole = true;

	for (int i = 0; i < count && !lesson->failed; i++)
		whole &= file_read(lesson, paths[i]);
	maillog_end(lesson->log);
	if (!lesson->failed)
		lesson->failed = !learn_store_flush(lesson->store);
	summary(lesson);
	if (lesson->failed) {
		fflush(stdout);
		complain("the store takes nothing, so the rest was left out; `leumund check` says what to do. Then do "
			 "it again: what was learnt stays, and twice is the same as once");
		return EX_UNAVAILABLE;
	}
	return whole && lesson->learnt > 0 ? EX_OK : EXIT_FINDING;
}

int command_learn(const struct call *call)
{
	struct lesson lesson = { .call = call, .now_ms = clock_wall_ms() };
	const int count = call->count > 0 ? call->count : 1;
	char **paths = calloc((size_t)count, sizeof(*paths));
	int status = paths ? 0 : EX_OSERR;

	if (!since_read(&lesson) || (call->count == 0 && isatty(STDIN_FILENO))) {
		if (lesson.from_ms > 0)
			complain("name the MTA's logs, oldest first, such as /var/log/mail.log.1 /var/log/mail.log, or "
				 "- "
				 "for standard input");
		status = EX_USAGE;
	}
	for (int i = 0; i < count && status == 0; i++)
		if (!(paths[i] = path_whole(call->count > 0 ? call->words[i] : "-")))
			status = EX_NOINPUT;
	if (status == 0) {
		status = lesson_open(&lesson);
		if (status == 0)
			status = lesson_hold(&lesson, paths, count);
		lesson_close(&lesson);
	}
	for (int i = 0; paths && i < count; i++)
		free(paths[i]);
	free(paths);
	return status;
}
