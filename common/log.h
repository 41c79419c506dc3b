/*
 * The log: one line per event, to syslog's mail facility or to stderr.
 *
 * A full or stuck syslog never makes a message wait: lines that the socket does not take
 * at once are dropped and counted, and the count is logged when it takes lines again.
 */
#ifndef LEUMUND_LOG_H
#define LEUMUND_LOG_H

#include <stdint.h>
#include <stdlib.h>

enum log_target {
	LOG_TO_STDERR,  /* with time and level: a terminal */
	LOG_TO_JOURNAL, /* stderr with <N> in front and no time: systemd */
	LOG_TO_SYSLOG,  /* the datagram socket /dev/log */
};

/* Levels are syslog's numbers (RFC 5424 6.2.1). */
enum log_level { LEVEL_ERROR = 3, LEVEL_WARNING = 4, LEVEL_NOTICE = 5, LEVEL_INFO = 6, LEVEL_DEBUG = 7 };

/* `tag` must outlive the program's logging. May be called again; lines below `level` are dropped. */
void log_open(const char *tag, enum log_target target, enum log_level level);

void log_line(enum log_level level, const char *line, size_t len);
void log_printf(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_printf(LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_printf(LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_printf(LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_printf(LEVEL_INFO, __VA_ARGS__)

/* Lines that could not be written since the start. */
uint64_t log_lost(void);

#endif
