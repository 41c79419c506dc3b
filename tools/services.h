/*
 * The services of an instance as processes: start, succession, end.
 *
 * A successor of a service takes over by itself (common/service/service.h): the one before it then
 * drains and ends, and that end is expected.
 */
#ifndef LEUMUND_TOOLS_SERVICES_H
#define LEUMUND_TOOLS_SERVICES_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "instance.h"

#define SERVICES_POLL_FDS (2 * SETUP_SERVICES * 2)

/* Makes what runs what the configuration asks for. */
void services_arrange(struct instance *instance);

/* Looks who serves now, and starts what is due. */
void services_look(struct instance *instance);

/* Starts a successor for each. */
void services_replace(struct instance *instance);

/* Lets those that serve read their configuration again. */
void services_reload(void);

bool services_all_serve(void);

/* A child has ended; one that is none of them does not matter. */
void services_child_ended(struct instance *instance, pid_t pid, int wait_status);

/* Sends a signal to all their processes (0: none); how many there are. */
unsigned services_signal(int number);

/* Descriptors on which a service says that it serves; at most SERVICES_POLL_FDS. */
nfds_t services_poll_fds(struct pollfd *fds);

/* When services_look() has something to start (clock_ticks_ms()), at the latest `latest_ms`. */
int64_t services_due_ms(int64_t latest_ms);

#endif
