/*
 * Telling whoever started us how we are: systemd by sd_notify(3)'s protocol, and `leumund run`
 * by the descriptor named in LEUMUND_READY_FD. Without either, nothing happens.
 */
#ifndef LEUMUND_NOTIFY_H
#define LEUMUND_NOTIFY_H

void notify_ready(void);
void notify_status(const char *sentence);
void notify_stopping(void);

/* To be called more often than WatchdogSec; only a service that answers its canary should. */
void notify_alive(void);

#endif
