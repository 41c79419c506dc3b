/*
 * The table of milters, for the daemon and for the admin's command.
 */
#ifndef LEUMUND_MILTERS_H
#define LEUMUND_MILTERS_H

#include "milter.h"

extern const struct milter milter_sender, milter_recipient, milter_spf, milter_selfcheck, milter_signup;

extern const struct milter *const milters[]; /* ends with NULL */

#endif
