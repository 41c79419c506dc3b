/*
 * One way of delivery at work: the notices that wait for it, and the thread that tries. Internal to common/notice/.
 */
#ifndef LEUMUND_NOTICE_LANE_H
#define LEUMUND_NOTICE_LANE_H

#include "notice/settings.h"
#include "notice/sink.h"

#define LANE_ROOM 1000 /* notices that may wait */
#define LANE_TRIES 3

struct lane;

struct lane_figures {
	uint64_t delivered, failed, lost;
};

/* `pauses_ms` after the first try, the second, ...; `say_ms` is how often losses are said. NULL: no memory. */
struct lane *lane_open(const struct sink *sink, const int64_t pauses_ms[LANE_TRIES - 1], int64_t say_ms);

/* From now on; the first settings that want the sink start the thread. False: the system gives none. */
bool lane_configure(struct lane *lane, struct settings *settings);

/* Without a wait; keeps a reference. Where the sink is not wanted nothing is done; without room it is lost. */
void lane_put(struct lane *lane, struct item *item);

/* No more notices; what waits gets one try each. */
void lane_ending(struct lane *lane);

/* Waits for the end of that until `deadline_ms` (clock_ticks_ms()), then breaks off. False: the thread still runs. */
bool lane_end(struct lane *lane, int64_t deadline_ms);

/* After lane_end() has said true. */
void lane_free(struct lane *lane);

struct lane_figures lane_figures(struct lane *lane);

#endif
