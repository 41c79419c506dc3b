/*
 * The two fronts of a service, and what they ask the service for.
 */
#ifndef LEUMUND_FRONT_H
#define LEUMUND_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "judge.h"
#include "store.h"

/* What is in force now; each returns a reference for the caller (service.c). */
struct house *service_house(void);
struct directory *service_directory(void); /* may be NULL */
struct store *service_store(void);         /* belongs to the service */

/* Writes the status as one JSON object; false when it does not fit. */
bool service_status(char *out, size_t size);

/*
 * Opens the socket `name` (a libmilter name: unix:path, inet:port@host) and serves it on a
 * thread of its own. 0, or -1 with a logged reason.
 */
int front_milter_start(const char *name, const struct leumund_options *options);

/* Sessions open now, and messages since the start. */
unsigned front_milter_connections(void);
uint64_t front_milter_messages(void);

/* True once libmilter's loop has ended by itself: nothing is served any more. */
bool front_milter_has_ended(void);

/* Binds the unix socket `path` and serves the line protocol (front_exim.h). 0 or -1. */
int front_exim_start(const char *path);
unsigned front_exim_connections(void);

#endif
