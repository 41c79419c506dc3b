/*
 * Early warning: what an admin hears when a limit is nearly reached, and when it is.
 */
#ifndef LEUMUND_SIGNUP_WARNING_H
#define LEUMUND_SIGNUP_WARNING_H

#include "milter.h"
#include "milters/signup/ledger.h"

/* Posts a notice for each counter that was the first to come so far in its hour or day. */
void warning_post(const struct view *view, const struct ledger *ledger, enum signup_kind kind);

#endif
