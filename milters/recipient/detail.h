/*
 * What a refusal of `recipient` rests on, as its text says it in {detail}: who said it and when, what was counted, when
 * it may be tried again.
 */
#ifndef LEUMUND_RECIPIENT_DETAIL_H
#define LEUMUND_RECIPIENT_DETAIL_H

#include "milters/recipient/policy.h"

/* Bytes that the longest detail of sensible facts needs. */
#define RECIPIENT_DETAIL_BYTES 161

/*
 * "said by hotmail.com on 2026-11-20", "said by hotmail.com on 2026-11-20, next attempt after 2026-11-21 10:23 UTC",
 * "20 in 24 hours, limit 20, again after 2026-11-21 14:05 UTC". Days and times are UTC: who reads it may be anywhere.
 * ASCII.
 */
void recipient_detail_write(const struct recipient_finding *finding, const struct recipient_facts *facts,
			    enum language language, struct text *out);

#endif
