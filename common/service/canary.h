/*
 * The canary: a forged message that the service sends to itself and must refuse. A filter that has
 * silently stopped filtering is noticed within minutes instead of by the first block list.
 */
#ifndef LEUMUND_CANARY_H
#define LEUMUND_CANARY_H

#include "milter.h"

enum canary_result {
	CANARY_REFUSED,	  /* all is well */
	CANARY_PASSED,	  /* the forgery was accepted */
	CANARY_NO_ANSWER, /* nobody served it in time */
};

/*
 * Speaks the milter protocol (v6) to `name` (a libmilter name: unix:path, inet:port@host) as an MTA
 * would, with `login` as the authenticated user. Waits at most `deadline_ms`.
 */
enum canary_result canary_send(const char *name, const struct forgery *forgery, const char *login, int64_t deadline_ms);

#endif
