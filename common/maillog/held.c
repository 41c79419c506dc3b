/*
 * Outcomes that wait (held.h).
 */
#include <stddef.h>
#include <stdlib.h>

#include "maillog/held.h"

struct item {
	struct maillog_outcome outcome; /* first, so that it is freed with it */
	struct item *next;
	uint64_t mail;
	int64_t ticks_ms;
	char bytes[];
};

struct held {
	size_t count;
	struct item *first, **last;
};

/* The members of an outcome that point into a line. */
static const size_t spans[] = {
	offsetof(struct maillog_outcome, host),	     offsetof(struct maillog_outcome, instance),
	offsetof(struct maillog_outcome, queue_id),  offsetof(struct maillog_outcome, message_id),
	offsetof(struct maillog_outcome, mail_from), offsetof(struct maillog_outcome, rcpt_to),
	offsetof(struct maillog_outcome, orig_to),   offsetof(struct maillog_outcome, relay),
	offsetof(struct maillog_outcome, relay_ip),  offsetof(struct maillog_outcome, egress_ip),
	offsetof(struct maillog_outcome, dsn),	     offsetof(struct maillog_outcome, reply),
};

#define SPANS (sizeof(spans) / sizeof(*spans))

static struct span *span_at(struct maillog_outcome *outcome, size_t i)
{
	return (struct span *)(void *)((char *)outcome + spans[i]);
}

struct held *held_new(void)
{
	struct held *held = calloc(1, sizeof(*held));

	if (held)
		held->last = &held->first;
	return held;
}

void held_free(struct held **held)
{
	struct maillog_outcome *outcome;

	while (*held && (outcome = held_take(*held, NULL, INT64_MAX)))
		free(outcome);
	free(*held);
	*held = NULL;
}

size_t held_count(const struct held *held)
{
	return held->count;
}

bool held_put(struct held *held, uint64_t mail, int64_t ticks_ms, const struct maillog_outcome *outcome)
{
	struct maillog_outcome copy = *outcome;
	size_t size = sizeof(struct item);

	for (size_t i = 0; i < SPANS; i++)
		size += span_at(&copy, i)->len;
	struct item *item = held->count < HELD_MOST ? malloc(size) : NULL;
	if (!item)
		return false;
	char *at = item->bytes;
	for (size_t i = 0; i < SPANS; i++) {
		struct span *span = span_at(&copy, i);

		if (span->len > 0)
			memcpy(at, span->at, span->len);
		span->at = at;
		at += span->len;
	}
	item->outcome = copy;
	item->mail = mail;
	item->ticks_ms = ticks_ms;
	item->next = NULL;
	*held->last = item;
	held->last = &item->next;
	held->count++;
	return true;
}

struct maillog_outcome *held_take(struct held *held, const uint64_t *mail, int64_t before_ms)
{
	struct item **place = &held->first;

	while (*place && (*place)->ticks_ms < before_ms && mail && (*place)->mail != *mail)
		place = &(*place)->next;
	struct item *item = *place;
	if (!item || item->ticks_ms >= before_ms)
		return NULL;
	*place = item->next;
	if (held->last == &item->next)
		held->last = place;
	held->count--;
	return &item->outcome;
}
