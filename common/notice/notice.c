/*
 * Notices (notice/notice.h): said once in a while, logged at once, and put on each lane.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "notice/lane.h"
#include "notice/repeat.h"
#include "system/clock.h"

#define LINE_BYTES 3800
#define SAID_BYTES 1200
#define SAY_MS 60000

#define SINKS 3

static const struct sink *const sinks[SINKS] = { &sink_hook, &sink_webhook, &sink_mail };

static const int64_t pauses_ms[LANE_TRIES - 1] = { 2000, 10000 };

struct notices {
	const char *service;
	struct lane *lanes[SINKS];

	pthread_mutex_t lock; /* guards what follows */
	int64_t repeat_ms;
	struct repeat repeat;
};

static void notices_free(struct notices *notices)
{
	for (size_t i = 0; i < SINKS; i++)
		lane_free(notices->lanes[i]);
	pthread_mutex_destroy(&notices->lock);
	free(notices);
}

struct notices *notices_open(const struct notice_options *options, const char *service, char *error, size_t size)
{
	struct notices *notices = calloc(1, sizeof(*notices));
	bool good = true;

	snprintf(error, size, "notice: no memory, or no thread; raise TasksMax and LimitNOFILE");
	if (!notices)
		return NULL;
	notices->service = service;
	pthread_mutex_init(&notices->lock, NULL);
	for (size_t i = 0; i < SINKS; i++)
		good = (notices->lanes[i] = lane_open(sinks[i], pauses_ms, SAY_MS)) && good;
	if (good && notices_configure(notices, options))
		return notices;
	notices_close(&notices, 0);
	return NULL;
}

bool notices_configure(struct notices *notices, const struct notice_options *options)
{
	struct settings *settings = settings_new(options);
	bool good = settings != NULL;

	for (size_t i = 0; settings && i < SINKS; i++)
		good = lane_configure(notices->lanes[i], settings) && good;
	settings_unref(settings);
	pthread_mutex_lock(&notices->lock);
	notices->repeat_ms = options->repeat * 1000;
	pthread_mutex_unlock(&notices->lock);
	return good;
}

static void log_item(const struct item *item)
{
	char TEXT_BUFFER buffer[LINE_BYTES];
	struct text line;

	text_init(&line, buffer, sizeof(buffer));
	item_log(item, &line);
	log_line(LEVEL_WARNING, line.at, line.len);
}

void notice_post(struct notices *notices, const struct notice *notice)
{
	struct item *item;
	bool may;

	if (!notices)
		return;
	pthread_mutex_lock(&notices->lock);
	may = repeat_may(&notices->repeat, notice, clock_ticks_ms(), notices->repeat_ms);
	pthread_mutex_unlock(&notices->lock);
	if (!may)
		return;
	item = item_new(notice, notices->service, clock_wall_ms());
	if (!item) {
		log_error("notice: no memory for one of kind %s", notice->kind ? notice->kind : "");
		return;
	}
	log_item(item);
	for (size_t i = 0; i < SINKS; i++)
		lane_put(notices->lanes[i], item);
	item_unref(item);
}

/* All try at the same time. False: a thread still runs, and needs what is there. */
static bool end(struct notices *notices, int64_t flush_ms)
{
	int64_t deadline_ms = clock_ticks_ms() + flush_ms;
	bool all = true;

	for (size_t i = 0; i < SINKS; i++)
		if (notices->lanes[i])
			lane_ending(notices->lanes[i]);
	for (size_t i = 0; i < SINKS; i++)
		if (notices->lanes[i])
			all = lane_end(notices->lanes[i], deadline_ms) && all;
	return all;
}

void notices_end(struct notices *notices, int64_t flush_ms)
{
	if (notices)
		(void)end(notices, flush_ms);
}

void notices_close(struct notices **notices_at, int64_t flush_ms)
{
	struct notices *notices = *notices_at;

	*notices_at = NULL;
	if (notices && end(notices, flush_ms))
		notices_free(notices);
}

bool notice_try(const struct notice_options *options, const char *service, const struct notice *notice,
		notice_report_fn *report, void *arg)
{
	struct item *item = item_new(notice, service, clock_wall_ms());
	bool all = item != NULL;

	for (size_t i = 0; item && i < SINKS; i++) {
		char said[SAID_BYTES];
		struct text text;
		struct attempt attempt = { options, item, -1, &text };
		bool delivered;

		if (!sinks[i]->wanted(options))
			continue;
		text_init(&text, said, sizeof(said));
		delivered = sinks[i]->send(&attempt) == DELIVERED;
		report(arg, sinks[i]->name, delivered, said);
		all = all && delivered;
	}
	item_unref(item);
	return all;
}
