/*
 * Time stamps of logs (stamp.h).
 */
#include <time.h>

#include "maillog/stamp.h"

#define DAY_MS 86400000LL

struct broken {
	int year, month, day, hour, minute, second, millis;
	bool has_offset;
	int offset; /* minutes east */
};

/* Exactly `digits` of them. */
static bool scan_digits(struct scan *scan, int digits, int least, int most, int *out)
{
	int number = 0;

	if (scan->end - scan->at < digits)
		return false;
	for (int i = 0; i < digits; i++) {
		if (scan->at[i] < '0' || scan->at[i] > '9')
			return false;
		number = number * 10 + (scan->at[i] - '0');
	}
	if (number < least || number > most)
		return false;
	scan->at += digits;
	*out = number;
	return true;
}

static bool scan_clock(struct scan *scan, struct broken *when)
{
	return scan_digits(scan, 2, 0, 23, &when->hour) && scan_literal(scan, ":") &&
	       scan_digits(scan, 2, 0, 59, &when->minute) && scan_literal(scan, ":") &&
	       scan_digits(scan, 2, 0, 60, &when->second);
}

static bool scan_month(struct scan *scan, int *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (scan->end - scan->at >= 3 && memcmp(scan->at, names + 3 * (size_t)i, 3) == 0) {
			scan->at += 3;
			*month = i + 1;
			return true;
		}
	return false;
}

/* "Z", "+01:00", "+0100"; false: none, or a broken one. */
static bool scan_offset(struct scan *scan, struct broken *when)
{
	struct scan ahead = *scan;
	int hours, minutes;

	if (scan_literal(scan, "Z")) {
		when->has_offset = true;
		return true;
	}
	const bool east = scan_literal(&ahead, "+");
	if ((!east && !scan_literal(&ahead, "-")) || !scan_digits(&ahead, 2, 0, 23, &hours))
		return false;
	scan_literal(&ahead, ":");
	if (!scan_digits(&ahead, 2, 0, 59, &minutes))
		return false;
	when->has_offset = true;
	when->offset = (east ? 1 : -1) * (hours * 60 + minutes);
	*scan = ahead;
	return true;
}

static void scan_fraction(struct scan *scan, struct broken *when)
{
	int scale = 100;

	if (!scan_literal(scan, "."))
		return;
	for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++, scale /= 10)
		when->millis += (*scan->at - '0') * scale;
}

static int64_t to_ms(const struct broken *when, struct stamp_memory *memory)
{
	const int minute[5] = { when->year, when->month, when->day, when->hour, when->minute };
	struct tm tm = { .tm_year = when->year - 1900,
			 .tm_mon = when->month - 1,
			 .tm_mday = when->day,
			 .tm_hour = when->hour,
			 .tm_min = when->minute,
			 .tm_isdst = -1 };
	const int64_t within_ms = when->second * 1000LL + when->millis;

	if (when->has_offset)
		return (timegm(&tm) - when->offset * 60LL) * 1000 + within_ms;
	if (memcmp(memory->minute, minute, sizeof(minute)) != 0) {
		memcpy(memory->minute, minute, sizeof(minute));
		memory->at_ms = mktime(&tm) * 1000LL;
	}
	return memory->at_ms + within_ms;
}

/* RFC 3164 has no year: nothing was logged tomorrow. */
static int64_t to_ms_before(struct broken *when, int64_t now_ms, struct stamp_memory *memory)
{
	const time_t tomorrow = (time_t)((now_ms + DAY_MS) / 1000);
	struct tm tm;

	if (!gmtime_r(&tomorrow, &tm))
		return 0;
	when->year = tm.tm_year + 1900;
	if (to_ms(when, memory) > now_ms + DAY_MS)
		when->year--;
	return to_ms(when, memory);
}

static enum stamp scan_dated(struct scan *scan, struct stamp_memory *memory, int64_t *at_ms)
{
	struct broken when = { 0 };
	enum stamp stamp = STAMP_NONE;

	if (!scan_digits(scan, 4, 1970, 2400, &when.year) || !scan_literal(scan, "-") ||
	    !scan_digits(scan, 2, 1, 12, &when.month) || !scan_literal(scan, "-") ||
	    !scan_digits(scan, 2, 1, 31, &when.day))
		return STAMP_NONE;
	if (scan_literal(scan, "T"))
		stamp = STAMP_SYSLOG;
	else if (scan_literal(scan, " "))
		stamp = STAMP_EXIM;
	if (stamp == STAMP_NONE || !scan_clock(scan, &when))
		return STAMP_NONE;
	scan_fraction(scan, &when);
	if (stamp == STAMP_SYSLOG)
		scan_offset(scan, &when);
	if (!scan_literal(scan, " "))
		return STAMP_NONE;
	if (stamp == STAMP_EXIM && scan_offset(scan, &when) && !scan_literal(scan, " "))
		return STAMP_NONE;
	*at_ms = to_ms(&when, memory);
	return stamp;
}

static enum stamp scan_yearless(struct scan *scan, int64_t now_ms, struct stamp_memory *memory, int64_t *at_ms)
{
	struct broken when = { 0 };

	if (!scan_month(scan, &when.month) || !scan_literal(scan, " "))
		return STAMP_NONE;
	if (!scan_digits(scan, 2, 1, 31, &when.day) &&
	    !(scan_literal(scan, " ") && scan_digits(scan, 1, 1, 9, &when.day)))
		return STAMP_NONE;
	if (!scan_literal(scan, " ") || !scan_clock(scan, &when) || !scan_literal(scan, " "))
		return STAMP_NONE;
	*at_ms = to_ms_before(&when, now_ms, memory);
	return STAMP_SYSLOG;
}

enum stamp scan_stamp(struct scan *scan, int64_t now_ms, struct stamp_memory *memory, int64_t *at_ms)
{
	if (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		return scan_dated(scan, memory, at_ms);
	return scan_yearless(scan, now_ms, memory, at_ms);
}
