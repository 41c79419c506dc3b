/*
 * Whether a DKIM-Signature field, RFC 6376 3.5, signs for a domain in the sense of DMARC. The signature itself is not
 * verified: the receiver does that, and who forges his own mail harms himself alone.
 */
#ifndef LEUMUND_SELFCHECK_SIGNATURE_H
#define LEUMUND_SELFCHECK_SIGNATURE_H

#include <stdbool.h>

#include "text.h"

/* Relaxed alignment, RFC 7489 3.1.1: of the same organisational domain. `domain` in comparable form. */
bool signature_is_of(struct span field, const char *domain);

#endif
