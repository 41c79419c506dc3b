/*
 * The skeleton of leumundd: serves one service, with two sockets in its run directory.
 *
 *   RUN/SERVICE.sock       milter protocol, for Postfix and sendmail
 *   RUN/SERVICE.exim.sock  line protocol, for Exim's ${readsocket} (exim/exim.h)
 *   RUN/SERVICE.pid        process id; a second leumundd for the same service takes over: it binds
 *                          private names, renames them over the public ones and sends SIGTERM to the first, which
 *                          finishes its sessions (at most drain_limit) and ends; a TCP port the first gives up before
 *                          the second can open it (service/sockets.h)
 *
 * Signals: SIGHUP reads conf.d and directory again (a bad one is refused, the old one stays), SIGTERM and
 * SIGINT end.
 */
#ifndef LEUMUND_SERVICE_H
#define LEUMUND_SERVICE_H

#include "milter.h"

/*
 * leumundd [-c CONF.D] [-r RUN] [-S] SERVICE
 *   -c  configuration directory      -r  run directory instead of the option's
 *   -S  stay root when started as root (private test instances)   -t  check the configuration and end
 * Writes "ready" to the descriptor named in LEUMUND_READY_FD and to systemd's NOTIFY_SOCKET when it serves.
 * Returns the exit status: 0, 64 (usage), 69 (canary passed, EX_UNAVAILABLE), 71 (system), 78 (configuration).
 */
int service_main(int argc, char **argv, const struct milter *const *milters);

#endif
