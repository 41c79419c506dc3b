/*
 * The sockets of a service and its pid file: made and tried under private names, put in force by one rename each, so
 * that there is no moment at which an MTA finds none. A TCP port (option `listen`) knows no rename: the predecessor is
 * told first and gives it up, and for some milliseconds connections are refused.
 */
#ifndef LEUMUND_SERVICE_SOCKETS_H
#define LEUMUND_SERVICE_SOCKETS_H

#include <stdbool.h>

#include "front.h"

/*
 * In the working directory. Both fronts serve from now on, under private names; `status` answers for the line socket.
 * 0, or -1 with a logged reason.
 */
int sockets_open(const char *service, const struct leumund_options *options, front_status status);

/* Where the milter front can be reached now: a libmilter name. */
const char *sockets_milter_name(void);

/* Puts them in force, takes the pid file and ends the predecessor. 0, or -1 with a logged reason. */
int sockets_publish(void);

/* Has a successor put its own sockets in their place? */
bool sockets_superseded(void);

/*
 * Nobody shall find us any more, in force or not; what is a successor's stays. True: a successor takes the new
 * connections, so that there is time to finish the open ones.
 */
bool sockets_withdraw(void);

/* At the very end. */
void sockets_pid_remove(void);

#endif
