/*
 * What a refusal of `signup` counted, as its text says it in {detail}: how many in which window, the limit, when it is
 * free again.
 */
#ifndef LEUMUND_SIGNUP_DETAIL_H
#define LEUMUND_SIGNUP_DETAIL_H

#include "milters/signup/policy.h"

/* Bytes that the longest detail of sensible numbers needs; a reply shows no more. */
#define DETAIL_BYTES 161

/*
 * "16 new recipients in 24 hours by sign-up mail, limit 16, this mail 1; free again at 14:05 UTC (16:05 CEST)", with
 * the date when that is not today; or what to do where waiting does not help. Local time is that of the TZ of the
 * process. ASCII, as SMTP replies are.
 */
void detail_write(const struct signup_finding *finding, enum signup_kind kind, enum language language, int64_t now_ms,
		  struct text *out);

/* The time alone: "14:05 UTC (16:05 CEST)". */
void detail_time(struct text *text, int64_t free_ms, int64_t now_ms);

#endif
