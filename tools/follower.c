/*
 * The loop of leumund-learn (follower.h).
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/directory.h"
#include "follow/follow.h"
#include "follower.h"
#include "learn.h"
#include "learn_account.h"
#include "learn_file.h"
#include "log.h"
#include "outcome.h"
#include "system/clock.h"
#include "tool.h"

#define FILES 32
#define READ_MOST ((size_t)1024 * 1024) /* between two flushes: its outcomes fit into the outlet */
#define SAVE_MS 1000
#define SAVE_LATE_MS 5000 /* then what waits for its sender goes without */
#define DIRECTORY_MS 60000
#define PATIENCE_MS 60000

struct source {
	char position[NAME_MAX + 1];
	struct follow *follow;
};

struct follower {
	const struct setup *setup;
	const struct evidence_table *table;
	struct outlet *outlet;
	struct directory *directory;
	struct learn_accounts *accounts;
	struct maillog *log;
	uint64_t no_account;
	int64_t saved_ms, directory_ms;
	bool unsaved, save_failed;
	size_t count;
	struct source sources[FILES];
};

/* ---- one outcome ------------------------------------------------------------------------------- */

static void outcome_take(void *arg, const struct maillog_outcome *outcome)
{
	struct follower *follower = arg;
	const struct maillog_delivery delivery = {
		.at_ms = outcome->at_ms, .sender = outcome->sender, .name = outcome->name, .uid = outcome->uid
	};
	const char *account = "";
	struct evidence evidence;
	struct enhanced_code code;

	outcome_judge(follower->table, outcome, "", &evidence, &code);
	if (outcome->sender != MAILLOG_NOBODY)
		account = learn_account(follower->accounts, &delivery);
	if (account[0] == '\0')
		follower->no_account++;
	outlet_put(follower->outlet, outcome, &evidence, account);
}

/* ---- what is read ------------------------------------------------------------------------------ */

static void line_take(void *arg, const char *line, size_t len, bool context)
{
	struct follower *follower = arg;

	maillog_mute(follower->log, context);
	maillog_line(follower->log, line, len);
	maillog_mute(follower->log, false);
}

static void follow_said(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	log_printf(is_warning ? LEVEL_WARNING : LEVEL_NOTICE, "%s", sentence);
}

static void directory_said(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	if (is_warning)
		log_warning("%s", sentence);
}

/* Accounts change their domains; what was looked up before is looked up anew. */
static void directory_look(struct follower *follower)
{
	const int64_t now = clock_ticks_ms();
	struct directory *directory;

	if (follower->accounts && now - follower->directory_ms < DIRECTORY_MS)
		return;
	follower->directory_ms = now;
	directory = directory_reload(follower->directory, &follower->setup->domains, directory_said, NULL);
	if (!directory && follower->accounts)
		return;
	struct learn_accounts *accounts =
		learn_accounts_new(follower->setup->identity, directory ? directory : follower->directory);
	if (!accounts) {
		directory_unref(&directory);
		return;
	}
	learn_accounts_free(&follower->accounts);
	follower->accounts = accounts;
	if (directory) {
		directory_unref(&follower->directory);
		follower->directory = directory;
	}
}

struct follower *follower_new(const struct setup *setup, const struct evidence_table *table, struct outlet *outlet,
			      const char *here)
{
	struct follower *follower = calloc(1, sizeof(*follower));

	if (!follower)
		return NULL;
	follower->setup = setup;
	follower->outlet = outlet;
	follower->table = table;
	directory_look(follower);
	follower->log = maillog_new(MAILLOG_OPEN, clock_wall_ms(), NULL, NULL);
	if (follower->accounts && follower->log && maillog_outcomes(follower->log, here, outcome_take, follower) == 0)
		return follower;
	follower_free(&follower);
	return NULL;
}

void follower_free(struct follower **follower)
{
	if (!*follower)
		return;
	for (size_t i = 0; i < (*follower)->count; i++)
		follow_close(&(*follower)->sources[i].follow);
	maillog_free(&(*follower)->log);
	learn_accounts_free(&(*follower)->accounts);
	directory_unref(&(*follower)->directory);
	free(*follower);
	*follower = NULL;
}

/* "place._var_log_mail.log": one for each log. */
static bool position_name(const char *path, char *out, size_t size)
{
	if ((size_t)snprintf(out, size, "place.%s", path) >= size)
		return false;
	for (char *at = out; *at; at++)
		if (*at == '/')
			*at = '_';
	return true;
}

int follower_follow(struct follower *follower, bool keeps, bool from_begin)
{
	const struct learn_options *options = follower->setup->learn;

	for (size_t i = 0; i < options->files.count; i++) {
		struct source *source = &follower->sources[follower->count];

		if (follower->count == FILES ||
		    !position_name(options->files.at[i], source->position, sizeof(source->position))) {
			log_error("%s: more than %d files, or a name that is too long", options->files.at[i], FILES);
			return EX_CONFIG;
		}
		source->follow = follow_open(&(struct follow_options){ .path = options->files.at[i],
								       .position = keeps ? source->position : NULL,
								       .from_begin = from_begin,
								       .context = (size_t)options->context << 20,
								       .fn = line_take,
								       .say = follow_said,
								       .arg = follower });
		if (!source->follow)
			return EX_OSERR;
		follower->count++;
	}
	follower->unsaved = true;
	return 0;
}

/* True: what was read so far is where it belongs. */
static bool flush_patiently(struct follower *follower, int (*stop)(void))
{
	const int64_t until_ms = clock_ticks_ms() + PATIENCE_MS;

	while (!outlet_flush(follower->outlet)) {
		if (stop() != 0 || clock_ticks_ms() > until_ms || outlet_is_broken(follower->outlet))
			return false;
		(void)poll(NULL, 0, 50);
	}
	return true;
}

bool follower_read(struct follower *follower, const char *path, int (*stop)(void))
{
	struct learn_file *file = learn_file_open(path);
	bool good = file != NULL;
	const char *line;
	size_t len;

	for (unsigned n = 1; good && learn_file_line(file, &line, &len); n++) {
		maillog_line(follower->log, line, len);
		if (n % 1024 != 0)
			continue;
		maillog_tick(follower->log, clock_ticks_ms());
		good = flush_patiently(follower, stop) && stop() == 0;
	}
	good = good && flush_patiently(follower, stop);
	return file && learn_file_close(&file) && good;
}

/* ---- places ------------------------------------------------------------------------------------ */

/* Only when all that was read is where it belongs. */
static bool save(struct follower *follower)
{
	bool good = true;

	for (size_t i = 0; i < follower->count; i++)
		if (follow_save(follower->sources[i].follow) < 0) {
			if (!follower->save_failed)
				log_error("%s/%s: %s; after a restart more will be read again",
					  follower->setup->learn->state, follower->sources[i].position,
					  strerror(errno));
			good = false;
		}
	follower->save_failed = !good;
	follower->unsaved = !good;
	follower->saved_ms = clock_ticks_ms();
	return good;
}

bool follower_step(struct follower *follower)
{
	size_t got = 0;

	directory_look(follower);
	maillog_now(follower->log, clock_wall_ms());
	for (size_t i = 0; i < follower->count && !outlet_is_full(follower->outlet); i++)
		got += follow_read(follower->sources[i].follow, READ_MOST);
	follower->unsaved |= got > 0;
	const int64_t now = clock_ticks_ms();
	maillog_tick(follower->log, now);
	if (follower->unsaved && now - follower->saved_ms > SAVE_LATE_MS)
		maillog_tick(follower->log, now + MAILLOG_HOLD_MS);
	const bool settled = outlet_flush(follower->outlet);
	if (follower->unsaved && settled && maillog_held(follower->log) == 0 && now - follower->saved_ms >= SAVE_MS)
		(void)save(follower);
	return got > 0;
}

bool follower_settle(struct follower *follower)
{
	maillog_end(follower->log);
	return outlet_flush(follower->outlet) && save(follower);
}

void follower_figure(struct follower *follower, struct follower_figures *out)
{
	struct maillog_counts counts;

	maillog_count(follower->log, &counts);
	*out = (struct follower_figures){ .lines = counts.lines,
					  .outcomes = counts.outcomes,
					  .doubtful = counts.doubtful,
					  .foreign = counts.foreign,
					  .no_account = follower->no_account };
	for (size_t i = 0; i < follower->count; i++) {
		struct follow_counts each;

		follow_count(follower->sources[i].follow, &each);
		out->rotations += each.rotations;
		out->gaps += each.gaps;
		out->torn += each.torn;
		out->cut += each.cut;
		out->behind += each.behind;
	}
}
