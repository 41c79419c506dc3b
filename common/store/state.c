/*
 * The store's state as callers see it, and what the log says when it changes (store/state.h).
 */
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "store/state.h"
#include "system/clock.h"

void store_poke(struct store *store)
{
	const uint64_t one = 1;

	if (store->woken)
		return;
	store->woken = true;
	if (write(store->wake, &one, sizeof(one)) < 0)
		store->woken = false; /* the counter is full: it is readable anyway */
}

/* With the lock held. */
static void set_trouble(struct store *store, const char *what, const char *detail)
{
	struct text text;

	text_init(&text, store->status.trouble, sizeof(store->status.trouble));
	text_str(&text, what);
	text_escaped(&text, detail, strlen(detail), sizeof(store->status.trouble));
}

void state_change(struct store *store, enum store_state state, const char *what, const char *detail)
{
	struct store_status before, after;

	pthread_mutex_lock(&store->lock);
	before = store->status;
	const bool stop = store->stop;
	store->status.state = state;
	if (state != before.state)
		store->status.since_ms = clock_wall_ms();
	set_trouble(store, what, detail);
	after = store->status;
	pthread_mutex_unlock(&store->lock);

	const bool changed = state != before.state;
	const char *address = store->target.address;
	if (state == STORE_STATE_UP)
		log_notice("store: connected to %s at %s", *after.server ? after.server : "a server", address);
	else if (state == STORE_STATE_DENIED && (changed || strcmp(before.trouble, after.trouble) != 0))
		log_error("store: %s does not let us in: %s", address, after.trouble);
	else if (state == STORE_STATE_AWAY && changed && !stop)
		log_warning("store: %s is away: %s; decisions go on without it", address, after.trouble);
}

void state_change_quietly(struct store *store, enum store_state state)
{
	pthread_mutex_lock(&store->lock);
	store->status.state = state;
	pthread_mutex_unlock(&store->lock);
}

void state_note(struct store *store, const char *detail)
{
	pthread_mutex_lock(&store->lock);
	set_trouble(store, "", detail);
	pthread_mutex_unlock(&store->lock);
}

bool state_heard(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	const bool doubt = store->doubt;
	store->doubt = false;
	pthread_mutex_unlock(&store->lock);
	return doubt;
}
