/*
 * The two fronts of a service. They ask for what is in force (service/state.h) and know nothing of who started them.
 */
#ifndef LEUMUND_FRONT_H
#define LEUMUND_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libmilter/guard.h"
#include "service/state.h"

/* Writes how the service is as one JSON object; false when it does not fit. */
typedef bool (*front_status)(char *out, size_t size);

/*
 * Opens the socket `name` (a libmilter name: unix:path, inet:port@host) and serves it on a
 * thread of its own. 0, or -1 with a logged reason.
 */
int front_milter_start(const char *name, const struct leumund_options *options);

/* Lets nobody in any more and frees a TCP port; sessions go on. False: that is not possible (libmilter/guard.h). */
bool front_milter_close(void);

/* Sessions open now, and messages since the start. */
unsigned front_milter_connections(void);
uint64_t front_milter_messages(void);

/* True once libmilter's loop has ended by itself: nothing is served any more. */
bool front_milter_has_ended(void);

/* Binds the unix socket `path` and serves the line protocol (exim/exim.h). 0, or -1 with a logged reason. */
int front_exim_start(const char *path, front_status status);
unsigned front_exim_connections(void);

/* Messages whose header was to be changed, or that were to wait, but Exim's lines are of before they could. */
uint64_t front_exim_outdated(void);

/* Threads that the fronts may need beside one for each of max_connections. */
#define FRONT_EXIM_QUESTIONS 256
#define FRONT_THREADS (LIBMILTER_SURPLUS + FRONT_EXIM_QUESTIONS + 16)

#endif
