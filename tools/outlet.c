/*
 * Where outcomes go (outlet.h). In order: as long as one waits in the spool, the next ones go behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "outlet.h"
#include "outlet_history.h"
#include "system/clock.h"

#define PENDING ((size_t)8 * 1024 * 1024)
#define REPLAY_MS 200 /* of one flush: the log goes on */

struct outlet {
	struct store *store; /* NULL: printed */
	struct spool *spool;
	const struct store_options *options;
	struct outlet_counts counts;
	size_t len, taken; /* of pending: written, and stored already */
	bool failed;	   /* standard output takes no more */
	char pending[PENDING];
};

struct outlet *outlet_print(void)
{
	return calloc(1, sizeof(struct outlet));
}

struct outlet *outlet_store(struct store *store, struct spool *spool, const struct store_options *options)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));

	if (outlet) {
		outlet->store = store;
		outlet->spool = spool;
		outlet->options = options;
	}
	return outlet;
}

void outlet_close(struct outlet **outlet)
{
	if (*outlet)
		spool_close(&(*outlet)->spool);
	free(*outlet);
	*outlet = NULL;
}

bool outlet_is_full(const struct outlet *outlet)
{
	return outlet->failed || outlet->len > PENDING - 64 * EVENT_LINE;
}

bool outlet_is_settled(const struct outlet *outlet)
{
	return outlet->len == 0 && !outlet->failed;
}

bool outlet_is_broken(const struct outlet *outlet)
{
	return outlet->failed;
}

void outlet_put(struct outlet *outlet, const struct maillog_outcome *outcome, const struct evidence *evidence,
		const char *account)
{
	struct text line;

	outlet->counts.by_status[outcome->status]++;
	outlet->counts.by_speaker[outcome->speaker]++;
	if (outlet->store && !history_wants(outcome, account))
		return;
	if (outlet->len > PENDING - EVENT_LINE && !outlet_flush(outlet) && outlet->len > PENDING - EVENT_LINE) {
		outlet->counts.dropped++; /* whoever calls asks outlet_is_full() first */
		return;
	}
	text_init(&line, outlet->pending + outlet->len, EVENT_LINE);
	event_write(outcome, evidence, account, &line);
	outlet->pending[outlet->len + line.len] = '\n';
	outlet->len += line.len + 1;
}

/* The first lines of these that one batch has room for are stored; how many bytes. 0: the store is away. */
static size_t store_some(struct outlet *outlet, struct span lines)
{
	struct history_result result;

	history_store(outlet->store, outlet->options, lines, &result);
	outlet->counts.stored += result.stored;
	outlet->counts.refused += result.refused;
	outlet->counts.away = result.len == 0;
	return result.len;
}

/* What waits on disk. True: nothing does any more. */
static bool replay(struct outlet *outlet)
{
	const int64_t until_ms = clock_ticks_ms() + REPLAY_MS;
	struct span lines;

	while ((lines = spool_first(outlet->spool)).len > 0) {
		const size_t len = clock_ticks_ms() < until_ms ? store_some(outlet, lines) : 0;

		if (len == 0)
			return false;
		spool_done(outlet->spool, len);
	}
	return true;
}

static bool spool_rest(struct outlet *outlet)
{
	struct spool_counts before, now;

	spool_count(outlet->spool, &before);
	if (spool_append(outlet->spool, outlet->pending + outlet->taken, outlet->len - outlet->taken) < 0)
		return false;
	spool_count(outlet->spool, &now);
	outlet->counts.spooled += now.waiting + now.dropped - before.waiting - before.dropped;
	outlet->len = outlet->taken = 0;
	return true;
}

static bool print_all(struct outlet *outlet)
{
	if (fwrite(outlet->pending, 1, outlet->len, stdout) != outlet->len || fflush(stdout) != 0)
		outlet->failed = true;
	outlet->len = 0;
	return !outlet->failed;
}

bool outlet_flush(struct outlet *outlet)
{
	if (!outlet->store)
		return print_all(outlet);
	bool direct = !outlet->spool || replay(outlet);
	while (direct && outlet->taken < outlet->len) {
		const size_t len = store_some(
			outlet, (struct span){ outlet->pending + outlet->taken, outlet->len - outlet->taken });
		outlet->taken += len;
		direct = len > 0;
	}
	if (outlet->taken < outlet->len)
		return outlet->spool && spool_rest(outlet);
	outlet->len = outlet->taken = 0;
	return true;
}

void outlet_count(const struct outlet *outlet, struct outlet_counts *out)
{
	struct spool_counts spool = { .waiting = 0 };

	if (outlet->spool)
		spool_count(outlet->spool, &spool);
	*out = outlet->counts;
	out->waiting = spool.waiting;
	out->dropped += spool.dropped;
}
