/*
 * The systemd journal in place of a file (journal.h). The only place that knows libsystemd.
 */
#include "follow/journal.h"

#if defined(LEUMUND_WITH_SYSTEMD)

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-journal.h>
#include <time.h>
#include <unistd.h>

#include "follow/position.h"
#include "text.h"

#define LINE 8192
#define LINE_USUAL 150 /* bytes: how many entries the context is */
#define FIRST "leumund-journal 1\n"
#define USERS 16

struct journal {
	const struct follow_options *options;
	struct follow_counts *counts;
	sd_journal *journal;
	char *cursor; /* of the last entry that was given; NULL: none */
	bool at_begin, trouble;
	size_t user_count;
	uid_t users[USERS];
};

/* As whom MTAs log. sendmail's command runs as its caller, who may write what he likes. */
static void users_find(struct journal *journal)
{
	static const char *const names[] = { "root",	    "postfix", "smmsp",	   "smmta", "sendmail",
					     "Debian-exim", "exim",    "mailnull", "mail" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct passwd *entry = getpwnam(names[i]);
		if (entry && journal->user_count < USERS)
			journal->users[journal->user_count++] = entry->pw_uid;
	}
}

static void say(const struct journal *journal, bool is_warning, const char *what, int error)
{
	char sentence[512];

	snprintf(sentence, sizeof(sentence), "%s: %s%s%s%s", journal->options->path, what, error != 0 ? ": " : "",
		 error != 0 ? strerror(error) : "",
		 error == EACCES ? "; the user that this runs as must be a member of the group systemd-journal" : "");
	if (journal->options->say)
		journal->options->say(journal->options->arg, is_warning, sentence);
}

/* ---- entries ----------------------------------------------------------------------------------- */

static struct span field(struct journal *journal, const char *name)
{
	const void *data;
	size_t len;

	/* what comes back is "NAME=VALUE" */
	if (sd_journal_get_data(journal->journal, name, &data, &len) < 0 || len < strlen(name) + 1)
		return (struct span){ "", 0 };
	return (struct span){ (const char *)data + strlen(name) + 1, len - strlen(name) - 1 };
}

static bool is_an_mta(struct journal *journal)
{
	const struct span uid = field(journal, "_UID");
	char number[16];

	if (uid.len == 0 || uid.len >= sizeof(number))
		return false;
	snprintf(number, sizeof(number), "%.*s", (int)uid.len, uid.at);
	for (size_t i = 0; i < journal->user_count; i++)
		if (strtoul(number, NULL, 10) == journal->users[i])
			return true;
	return false;
}

/* A part of a line's head: nothing in it may end it. */
static bool put_part(struct text *line, struct span part, const char *more)
{
	if (part.len == 0 || part.len > 100)
		return false;
	for (size_t i = 0; i < part.len; i++) {
		const char c = part.at[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c != '\0' && strchr(more, c))))
			return false;
	}
	text_mem(line, part.at, part.len);
	return true;
}

/* "2026-11-21T20:05:10.123456+00:00 HOST TAG[PID]: ", which is where syslog would have begun. */
static bool put_head(struct journal *journal, struct text *line)
{
	char stamp[64], fraction[24];
	uint64_t us;
	struct tm tm;

	if (sd_journal_get_realtime_usec(journal->journal, &us) < 0)
		return false;
	const time_t seconds = (time_t)(us / 1000000);
	if (!gmtime_r(&seconds, &tm) || strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return false;
	snprintf(fraction, sizeof(fraction), ".%06u+00:00 ", (unsigned)(us % 1000000));
	text_str(line, stamp);
	text_str(line, fraction);
	if (!put_part(line, field(journal, "_HOSTNAME"), "-._"))
		return false;
	text_char(line, ' ');
	if (!put_part(line, field(journal, "SYSLOG_IDENTIFIER"), "-._/"))
		return false;
	text_char(line, '[');
	if (!put_part(line, field(journal, "_PID"), ""))
		return false;
	text_str(line, "]: ");
	return true;
}

static void give(struct journal *journal, bool context)
{
	char TEXT_BUFFER buffer[LINE];
	struct text line;

	text_init(&line, buffer, sizeof(buffer));
	if (!is_an_mta(journal) || !put_head(journal, &line))
		return;
	const size_t head = line.len;
	const struct span message = field(journal, "MESSAGE");
	text_mem(&line, message.at, message.len);
	for (size_t i = head; i < line.len; i++)
		if (line.at[i] == '\n' || line.at[i] == '\0')
			line.at[i] = '?';
	journal->counts->lines += context ? 0 : 1;
	journal->counts->bytes += context ? 0 : line.len;
	journal->options->fn(journal->options->arg, line.at, line.len, context);
}

static void remember(struct journal *journal)
{
	char *cursor;

	if (sd_journal_get_cursor(journal->journal, &cursor) < 0)
		return;
	free(journal->cursor);
	journal->cursor = cursor;
}

/* ---- the place --------------------------------------------------------------------------------- */

/* NULL with errno: there is none. */
static char *cursor_read(const char *path)
{
	char text[1024];
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return NULL;
	const ssize_t len = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	char *end = strchr(text + strlen(FIRST) * (strncmp(text, FIRST, strlen(FIRST)) == 0), '\n');
	if (strncmp(text, FIRST, strlen(FIRST)) != 0 || !end) {
		errno = EBADMSG;
		return NULL;
	}
	*end = '\0';
	return strdup(text + strlen(FIRST));
}

/* To the entry of the cursor, with the context before it; false: it has gone, and what is left comes next. */
static bool seek_cursor(struct journal *journal)
{
	const uint64_t before = journal->options->context / LINE_USUAL;

	if (sd_journal_seek_cursor(journal->journal, journal->cursor) < 0 || sd_journal_next(journal->journal) <= 0 ||
	    sd_journal_test_cursor(journal->journal, journal->cursor) <= 0) {
		(void)sd_journal_seek_cursor(journal->journal, journal->cursor);
		return false;
	}
	if (before > 0 && sd_journal_previous_skip(journal->journal, before) > 0)
		do
			give(journal, true);
		while (sd_journal_test_cursor(journal->journal, journal->cursor) <= 0 &&
		       sd_journal_next(journal->journal) > 0);
	return true;
}

static void begin(struct journal *journal)
{
	if (journal->options->position)
		journal->cursor = cursor_read(journal->options->position);
	if (!journal->cursor && journal->options->position && errno == EBADMSG)
		say(journal, true, "its place is damaged, so it is read from its begin", 0);
	if (journal->cursor) {
		if (!seek_cursor(journal)) {
			journal->counts->gaps++;
			say(journal, true, "what followed the last line that was read is gone", 0);
		}
	} else if (journal->options->from_begin || (journal->options->position && errno == EBADMSG)) {
		(void)sd_journal_seek_head(journal->journal);
	} else {
		(void)sd_journal_seek_tail(journal->journal);
		if (sd_journal_previous(journal->journal) > 0)
			remember(journal);
	}
}

struct journal *journal_open(const struct follow_options *options, struct follow_counts *counts)
{
	const char *directory = strchr(options->path, ':');
	struct journal *journal = calloc(1, sizeof(*journal));

	if (!journal)
		return NULL;
	journal->options = options;
	journal->counts = counts;
	users_find(journal);
	const int error = directory ? sd_journal_open_directory(&journal->journal, directory + 1, 0)
				    : sd_journal_open(&journal->journal, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM);
	if (error < 0) {
		say(journal, true, "cannot be opened", -error);
		journal->counts->is_missing = true;
		journal->journal = NULL;
		return journal;
	}
	(void)sd_journal_set_data_threshold(journal->journal, LINE);
	if (sd_journal_add_match(journal->journal, "SYSLOG_FACILITY=2", 0) < 0) {
		journal_close(&journal);
		return NULL;
	}
	begin(journal);
	return journal;
}

size_t journal_read(struct journal *journal, size_t most)
{
	const uint64_t before = journal->counts->bytes;
	size_t looked = 0;

	if (!journal->journal)
		return 0;
	/* new files are only seen by this */
	(void)sd_journal_wait(journal->journal, 0);
	while (looked < most / LINE_USUAL + 1) {
		const int more = sd_journal_next(journal->journal);
		if (more < 0 && !journal->trouble)
			say(journal, true, "cannot be read", -more);
		journal->trouble = more < 0;
		if (more <= 0)
			break;
		give(journal, false);
		remember(journal);
		looked++;
	}
	return looked > 0 ? (size_t)(journal->counts->bytes - before) + 1 : 0;
}

int journal_save(struct journal *journal)
{
	char text[1024];

	if (!journal->options->position || !journal->cursor)
		return 0;
	const int len = snprintf(text, sizeof(text), FIRST "%s\n", journal->cursor);
	if ((size_t)len >= sizeof(text)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return position_write_text(journal->options->position, text, (size_t)len);
}

void journal_close(struct journal **journal)
{
	if (*journal) {
		sd_journal_close((*journal)->journal);
		free((*journal)->cursor);
	}
	free(*journal);
	*journal = NULL;
}

#else

struct journal *journal_open(const struct follow_options *options, struct follow_counts *counts)
{
	(void)options;
	(void)counts;
	return NULL;
}

size_t journal_read(struct journal *journal, size_t most)
{
	(void)journal;
	(void)most;
	return 0;
}

int journal_save(struct journal *journal)
{
	(void)journal;
	return 0;
}

void journal_close(struct journal **journal)
{
	*journal = NULL;
}

#endif
