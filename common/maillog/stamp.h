/*
 * Time stamps of logs: "Nov 21 20:05:10" (RFC 3164), "2026-11-21T20:05:10.123456+01:00" (RFC 3339), and Exim's
 * "2026-11-21 20:05:10.123 +0100".
 */
#ifndef LEUMUND_MAILLOG_STAMP_H
#define LEUMUND_MAILLOG_STAMP_H

#include "maillog/scan.h"

/* The local minute that was last asked for: the system's own function is too slow to be asked for each line. */
struct stamp_memory {
	int minute[5]; /* year, month, day, hour, minute */
	int64_t at_ms;
};

enum stamp { STAMP_NONE, STAMP_SYSLOG, STAMP_EXIM };

/* Takes it with the blanks behind. */
enum stamp scan_stamp(struct scan *scan, int64_t now_ms, struct stamp_memory *memory, int64_t *at_ms);

#endif
