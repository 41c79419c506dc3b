/*
 * When the canary (service/canary.h) is sent, what came of it, and who is told.
 */
#ifndef LEUMUND_SERVICE_CANARY_SCHEDULE_H
#define LEUMUND_SERVICE_CANARY_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* Once, before anything is judged: makes the login by which the service knows its own forgery. */
void service_canary_prepare(void);

/* Sends it to a libmilter name, logs a change; false when the forgery was accepted. */
bool service_canary_run(const char *socket_name);

/* Is it time again, by canary_every? */
bool service_canary_is_due(void);

/* With a new configuration it is time at once. */
void service_canary_soon(void);

/* What came of the last one, for `status`, and when (wall clock). From any thread. */
const char *service_canary_word(int64_t *at_ms);

#endif
