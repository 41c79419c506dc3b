/*
 * One way of delivery at work (notice/lane.h).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "notice/lane.h"
#include "system/clock.h"

#define BREAK_OFF_MS 1500 /* for a try to end once it is told to */
#define SAID_BYTES 1200

struct lane {
	const struct sink *sink;
	int64_t pauses_ms[LANE_TRIES - 1], say_ms;
	int stop_fd;
	pthread_t thread;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t change, ended_cond;
	struct settings *settings;
	struct item *waiting[LANE_ROOM];
	size_t first, count;
	bool has_thread, ending, has_ended;
	struct lane_figures figures, said;
	int64_t said_ms; /* 0: never */
};

static struct timespec until(int64_t ticks_ms)
{
	return (struct timespec){ .tv_sec = ticks_ms / 1000, .tv_nsec = ticks_ms % 1000 * 1000000 };
}

/* clock_ticks_ms() is CLOCK_MONOTONIC: a clock that is set makes nobody wait. */
static bool cond_init_steady(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	bool good = pthread_condattr_init(&attributes) == 0;

	good = good && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(cond, &attributes) == 0;
	(void)pthread_condattr_destroy(&attributes);
	return good;
}

struct lane *lane_open(const struct sink *sink, const int64_t pauses_ms[LANE_TRIES - 1], int64_t say_ms)
{
	struct lane *lane = calloc(1, sizeof(*lane));

	if (!lane)
		return NULL;
	lane->sink = sink;
	memcpy(lane->pauses_ms, pauses_ms, sizeof(lane->pauses_ms));
	lane->say_ms = say_ms;
	lane->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (lane->stop_fd < 0 || !cond_init_steady(&lane->change) || !cond_init_steady(&lane->ended_cond) ||
	    pthread_mutex_init(&lane->lock, NULL) != 0) {
		if (lane->stop_fd >= 0)
			close(lane->stop_fd);
		free(lane);
		return NULL;
	}
	return lane;
}

/* ---- what is said of failures: the first at once, then sums ------------------------------------ */

/* With the lock, which is let go of for the log. */
static void say(struct lane *lane, const char *why)
{
	uint64_t failed = lane->figures.failed - lane->said.failed, lost = lane->figures.lost - lane->said.lost;
	const int64_t now_ms = clock_ticks_ms();
	const struct sink *sink = lane->sink;

	if ((failed == 0 && lost == 0) || (lane->said_ms != 0 && now_ms - lane->said_ms < lane->say_ms))
		return;
	lane->said = lane->figures;
	lane->said_ms = now_ms;
	pthread_mutex_unlock(&lane->lock);
	if (failed > 0)
		log_warning("notice: %s: %llu not delivered%s%s; %s", sink->name, (unsigned long long)failed,
			    why[0] ? ": " : "", why, sink->remedy);
	if (lost > 0)
		log_warning("notice: %s: %llu lost, %d were waiting; they stand in the log only; %s", sink->name,
			    (unsigned long long)lost, LANE_ROOM, sink->remedy);
	pthread_mutex_lock(&lane->lock);
}

/* ---- the thread -------------------------------------------------------------------------------- */

static enum outcome try(const struct lane *lane, const struct settings *settings, const struct item *item, char *said,
			size_t size)
{
	struct text text;
	struct attempt attempt = { &settings->options, item, lane->stop_fd, &text };
	enum outcome outcome;

	text_init(&text, said, size);
	outcome = lane->sink->send(&attempt);
	if (outcome == DELIVERED)
		log_info("notice: %s: delivered%s%s", lane->sink->name, text.len ? ", " : "", said);
	return outcome;
}

/* With the lock. Ends early when the lane does. */
static void pause_for(struct lane *lane, int64_t ms)
{
	struct timespec end = until(clock_ticks_ms() + ms);

	while (!lane->ending && pthread_cond_timedwait(&lane->change, &lane->lock, &end) != ETIMEDOUT)
		;
}

/* With the lock, which is let go of for each try. */
static void deliver(struct lane *lane, struct item *item)
{
	char said[SAID_BYTES] = "";
	enum outcome outcome = FAILED;

	for (unsigned i = 0; i < LANE_TRIES && outcome == FAILED; i++) {
		struct settings *settings;

		if (i > 0)
			pause_for(lane, lane->pauses_ms[i - 1]);
		if (i > 0 && lane->ending)
			break;
		settings = settings_ref(lane->settings);
		pthread_mutex_unlock(&lane->lock);
		/* the admin may have switched it off since */
		outcome = lane->sink->wanted(&settings->options) ? try(lane, settings, item, said, sizeof(said))
								 : DELIVERED;
		settings_unref(settings);
		pthread_mutex_lock(&lane->lock);
	}
	if (outcome == DELIVERED) {
		lane->figures.delivered++;
		return;
	}
	lane->figures.failed++;
	say(lane, said);
}

/* With the lock: the next one, or NULL when there is none and there will be none. */
static struct item *next(struct lane *lane)
{
	struct item *item;

	while (lane->count == 0 && !lane->ending) {
		struct timespec end = until(clock_ticks_ms() + lane->say_ms);

		(void)pthread_cond_timedwait(&lane->change, &lane->lock, &end);
		say(lane, "");
	}
	if (lane->count == 0)
		return NULL;
	item = lane->waiting[lane->first];
	lane->first = (lane->first + 1) % LANE_ROOM;
	lane->count--;
	return item;
}

static void *work(void *arg)
{
	struct lane *lane = arg;
	struct item *item;

	pthread_mutex_lock(&lane->lock);
	while ((item = next(lane))) {
		deliver(lane, item);
		item_unref(item);
		say(lane, "");
	}
	lane->has_ended = true;
	pthread_cond_broadcast(&lane->ended_cond);
	pthread_mutex_unlock(&lane->lock);
	return NULL;
}

/* Signals are the main thread's; libraries' SIGPIPE stays pending here, for good. */
static bool thread_start(struct lane *lane)
{
	sigset_t all, before;
	int failed;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&lane->thread, NULL, work, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed == 0;
}

bool lane_configure(struct lane *lane, struct settings *settings)
{
	struct settings *old;

	pthread_mutex_lock(&lane->lock);
	old = lane->settings;
	lane->settings = settings_ref(settings);
	if (!lane->has_thread && !lane->ending && lane->sink->wanted(&settings->options))
		lane->has_thread = thread_start(lane);
	const bool good = lane->has_thread || !lane->sink->wanted(&settings->options);
	pthread_mutex_unlock(&lane->lock);
	settings_unref(old);
	return good;
}

void lane_put(struct lane *lane, struct item *item)
{
	pthread_mutex_lock(&lane->lock);
	if (lane->settings && lane->sink->wanted(&lane->settings->options)) {
		if (lane->has_thread && !lane->ending && lane->count < LANE_ROOM) {
			lane->waiting[(lane->first + lane->count++) % LANE_ROOM] = item_ref(item);
			pthread_cond_broadcast(&lane->change);
		} else {
			lane->figures.lost++;
		}
	}
	pthread_mutex_unlock(&lane->lock);
}

struct lane_figures lane_figures(struct lane *lane)
{
	struct lane_figures figures;

	pthread_mutex_lock(&lane->lock);
	figures = lane->figures;
	pthread_mutex_unlock(&lane->lock);
	return figures;
}

/* ---- end --------------------------------------------------------------------------------------- */

void lane_ending(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->ending = true;
	pthread_cond_broadcast(&lane->change);
	pthread_mutex_unlock(&lane->lock);
}

/* With the lock. */
static void await_end(struct lane *lane, int64_t deadline_ms)
{
	struct timespec end = until(deadline_ms);

	while (!lane->has_ended && pthread_cond_timedwait(&lane->ended_cond, &lane->lock, &end) != ETIMEDOUT)
		;
}

/* With the lock: what waits will not be tried. */
static size_t drop_all(struct lane *lane)
{
	const size_t dropped = lane->count;

	for (; lane->count > 0; lane->count--) {
		item_unref(lane->waiting[lane->first]);
		lane->first = (lane->first + 1) % LANE_ROOM;
	}
	return dropped;
}

bool lane_end(struct lane *lane, int64_t deadline_ms)
{
	const uint64_t one = 1;
	size_t dropped = 0;
	bool has_ended = true, had_thread;

	lane_ending(lane);
	pthread_mutex_lock(&lane->lock);
	had_thread = lane->has_thread;
	lane->has_thread = false;
	if (had_thread) {
		await_end(lane, deadline_ms);
		if (!lane->has_ended) {
			dropped = drop_all(lane);
			(void)!write(lane->stop_fd, &one, sizeof(one));
			await_end(lane, clock_ticks_ms() + BREAK_OFF_MS);
		}
		has_ended = lane->has_ended;
	}
	pthread_mutex_unlock(&lane->lock);
	if (dropped > 0)
		log_warning("notice: %s: %zu not delivered, the service ended; they stand in the log", lane->sink->name,
			    dropped);
	if (had_thread && has_ended)
		pthread_join(lane->thread, NULL);
	else if (had_thread)
		pthread_detach(lane->thread);
	return has_ended;
}

void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	drop_all(lane);
	settings_unref(lane->settings);
	close(lane->stop_fd);
	pthread_cond_destroy(&lane->change);
	pthread_cond_destroy(&lane->ended_cond);
	pthread_mutex_destroy(&lane->lock);
	free(lane);
}
