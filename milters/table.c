/*
 * The milters there are. A new one is one folder, one line here and one file in conf.d;
 * in which order a message meets them is said by the numbers of the files in conf.d.
 */
#include "milters/table.h"

const struct milter *const milters[] = {
	&milter_sender,
	&milter_recipient,
	&milter_spf,
	&milter_selfcheck,
	&milter_signup,
	NULL,
};
