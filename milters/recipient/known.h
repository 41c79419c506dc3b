/*
 * What this process was last told by the store of dead mailboxes and of the weather: while the store is away, that
 * stays in force. Bounded; of two in one place the later stays. From any thread.
 */
#ifndef LEUMUND_RECIPIENT_KNOWN_H
#define LEUMUND_RECIPIENT_KNOWN_H

#include "milters/recipient/policy.h"
#include "store/dead.h"
#include "store/weather.h"

struct known;

struct known_mailbox {
	enum recipient_mailbox mailbox;
	int64_t said_ms, next_ms;
	int64_t until_ms; /* how long it is remembered */
	char by[DEAD_TEXT_SIZE];
};

/* NULL when memory is short: it takes less than 2 MiB. */
struct known *known_new(void);
void known_free(struct known **known);

/* The store's answer; a mailbox that nothing is said against makes what was known of it forgotten. */
void known_mailbox_put(struct known *known, struct span address, const struct known_mailbox *mailbox);
void known_weather_put(struct known *known, struct span provider, const char *egress, enum recipient_weather weather,
		       int64_t until_ms);

/*
 * Without the store no attempt can be reserved and no probe taken: who waited for his next attempt goes on waiting, and
 * when a block should be over only those go whom a warning lets go.
 */
bool known_mailbox(struct known *known, struct span address, int64_t now_ms, struct known_mailbox *out);
struct recipient_egress known_weather(struct known *known, struct span provider, const char *egress, int64_t now_ms);

#endif
