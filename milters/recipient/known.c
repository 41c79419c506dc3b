/*
 * What this process was last told by the store (known.h).
 */
#include "milters/recipient/known.h"

#include <pthread.h>
#include <stdlib.h>

#include "hash.h"

#define MAILBOXES 8192
#define WEATHERS 1024
#define AGAIN_MS (10 * INT64_C(60000)) /* until somebody is told to try again when nobody knows */

struct mailbox_place {
	uint64_t print; /* 0: free */
	struct known_mailbox is;
};

struct weather_place {
	uint64_t print;
	enum recipient_weather weather;
	int64_t until_ms;
};

struct known {
	pthread_mutex_t lock;
	struct mailbox_place mailboxes[MAILBOXES];
	struct weather_place weathers[WEATHERS];
};

struct known *known_new(void)
{
	struct known *known = calloc(1, sizeof(*known));

	if (known)
		pthread_mutex_init(&known->lock, NULL);
	return known;
}

void known_free(struct known **known)
{
	if (!*known)
		return;
	pthread_mutex_destroy(&(*known)->lock);
	free(*known);
	*known = NULL;
}

static uint64_t print_of(struct span provider, const char *egress)
{
	return hash_lower(provider.at, provider.len) * 31 + hash_lower(egress, strlen(egress));
}

void known_mailbox_put(struct known *known, struct span address, const struct known_mailbox *mailbox)
{
	const uint64_t print = hash_lower(address.at, address.len);
	struct mailbox_place *place = &known->mailboxes[print % MAILBOXES];

	pthread_mutex_lock(&known->lock);
	if (mailbox->mailbox != MAILBOX_UNKNOWN)
		*place = (struct mailbox_place){ print, *mailbox };
	else if (place->print == print)
		place->print = 0;
	pthread_mutex_unlock(&known->lock);
}

void known_weather_put(struct known *known, struct span provider, const char *egress, enum recipient_weather weather,
		       int64_t until_ms)
{
	const uint64_t print = print_of(provider, egress);
	struct weather_place *place = &known->weathers[print % WEATHERS];

	pthread_mutex_lock(&known->lock);
	if (weather != WEATHER_IS_GREEN)
		*place = (struct weather_place){ print, weather, until_ms };
	else if (place->print == print)
		place->print = 0;
	pthread_mutex_unlock(&known->lock);
}

bool known_mailbox(struct known *known, struct span address, int64_t now_ms, struct known_mailbox *out)
{
	const uint64_t print = hash_lower(address.at, address.len);
	const struct mailbox_place *place = &known->mailboxes[print % MAILBOXES];
	bool found;

	pthread_mutex_lock(&known->lock);
	found = place->print == print && place->is.until_ms > now_ms;
	if (found)
		*out = place->is;
	pthread_mutex_unlock(&known->lock);
	if (!found)
		return false;
	if (out->mailbox != MAILBOX_DEAD) {
		out->mailbox = MAILBOX_WAITING;
		out->next_ms = out->next_ms > now_ms ? out->next_ms : now_ms + AGAIN_MS;
	}
	return true;
}

struct recipient_egress known_weather(struct known *known, struct span provider, const char *egress, int64_t now_ms)
{
	const uint64_t print = print_of(provider, egress);
	const struct weather_place *place = &known->weathers[print % WEATHERS];
	struct recipient_egress found = { WEATHER_NOT_KNOWN, false, 0 };

	pthread_mutex_lock(&known->lock);
	if (place->print == print)
		found = (struct recipient_egress){ place->weather, false, place->until_ms };
	pthread_mutex_unlock(&known->lock);
	const bool over = found.until_ms > 0 && found.until_ms <= now_ms;
	if (found.weather == WEATHER_IS_YELLOW && over)
		return (struct recipient_egress){ WEATHER_NOT_KNOWN, false, 0 };
	if (found.weather == WEATHER_IS_HALF_OPEN || (found.weather == WEATHER_IS_RED && over))
		return (struct recipient_egress){ WEATHER_IS_YELLOW, false, 0 };
	return found;
}
