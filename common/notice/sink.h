/*
 * A way to deliver a notice: hook, webhook, mail. Internal to common/notice/.
 */
#ifndef LEUMUND_NOTICE_SINK_H
#define LEUMUND_NOTICE_SINK_H

#include <stdatomic.h>

#include "notice/item.h"
#include "notice/notice.h"

#define TRY_MS 10000 /* for one try */

enum outcome {
	DELIVERED,
	FAILED,	  /* may go better another time */
	HOPELESS, /* as long as the configuration stays */
};

/* One try: what it is about, when it must end, and where it says what came of it. */
struct attempt {
	const struct notice_options *options;
	const struct item *item;
	int stop_fd; /* readable: end at once; -1: there is none */
	struct text *said;
};

struct sink {
	const char *name;
	const char *remedy; /* when it keeps failing */
	bool (*wanted)(const struct notice_options *options);
	enum outcome (*send)(const struct attempt *attempt);
};

extern const struct sink sink_hook, sink_webhook, sink_mail;

/* NULL or a sentence; for option rows. */
const char *hook_check(const char *value);
const char *webhook_check(const char *value);
const char *webhook_token_check(const char *value);
bool webhook_is_private(const char *url); /* by TLS, or to this host */
const char *mail_check(const char *value);
const char *mail_by_check(const char *value);

#endif
