/*
 * Classes of failure: what an error of the server means for the command that got it. Internal to common/store/ and
 * their tests.
 */
#ifndef LEUMUND_STORE_TROUBLE_H
#define LEUMUND_STORE_TROUBLE_H

#include "store/reply.h"

enum trouble {
	TROUBLE_NONE,
	TROUBLE_SCRIPT,	 /* not executed: the script has to be loaded again */
	TROUBLE_PASSING, /* not now: out of memory, loading, a replica */
	TROUBLE_DENIED,	 /* an admin has to change something */
	TROUBLE_OTHER,	 /* it would fail again */
};

enum trouble store_trouble(const char *error);
enum trouble reply_trouble(const struct redisReply *reply); /* NONE for what is no error */

/* It is a replica: the master is elsewhere, perhaps under the same name by now. */
bool reply_is_replica(const struct redisReply *reply);

#endif
