/*
 * Keeps the private Redis of an instance running (the server itself: redis_server.h).
 */
#ifndef LEUMUND_TOOLS_REDIS_KEEPER_H
#define LEUMUND_TOOLS_REDIS_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "instance.h"

/* Starts it, or keeps one that serves already. */
void redis_keeper_begin(struct instance *instance);

/* Starts it again when that is due, and sees whether it answers. */
void redis_keeper_look(struct instance *instance);

/* A child has ended; another one than the server does not matter. */
void redis_keeper_child_ended(struct instance *instance, pid_t pid, int wait_status);

/* It runs, but has not answered yet. */
bool redis_keeper_is_pending(void);

/* When redis_keeper_look() has something to start (clock_ticks_ms()), at the latest `latest_ms`. */
int64_t redis_keeper_due_ms(int64_t latest_ms);

/* Asks it to end. False: there is none that this or an earlier supervisor started. */
bool redis_keeper_terminate(void);

bool redis_keeper_lives(void);

/* The last resort. */
void redis_keeper_kill(struct instance *instance);

#endif
