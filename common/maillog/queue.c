/*
 * Messages on their way (queue.h).
 */
#include <stdlib.h>
#include <string.h>

#include "maillog/queue.h"

#define ALL_WAITING 20000 /* deliveries, of all messages */

struct queue {
	size_t most, count, waiting;
	size_t mask;
	struct mail *oldest, *youngest;
	queue_lost_fn *lost;
	void *arg;
	struct mail *buckets[];
};

struct queue *queue_new(size_t most, queue_lost_fn *lost, void *arg)
{
	size_t buckets = 64;

	while (buckets < most)
		buckets *= 2;
	/* pointers are meant: NOLINTNEXTLINE(bugprone-sizeof-expression) */
	struct queue *queue = calloc(1, sizeof(*queue) + buckets * sizeof(queue->buckets[0]));
	if (!queue)
		return NULL;
	queue->most = most > 0 ? most : 1;
	queue->mask = buckets - 1;
	queue->lost = lost;
	queue->arg = arg;
	return queue;
}

void queue_clear(struct queue *queue)
{
	while (queue->oldest)
		queue_forget(queue, queue->oldest);
}

void queue_free(struct queue **queue)
{
	if (*queue)
		queue_clear(*queue);
	free(*queue);
	*queue = NULL;
}

/* ---- the order --------------------------------------------------------------------------------- */

static void order_take(struct queue *queue, struct mail *mail)
{
	*(mail->older ? &mail->older->younger : &queue->oldest) = mail->younger;
	*(mail->younger ? &mail->younger->older : &queue->youngest) = mail->older;
}

static void order_put(struct queue *queue, struct mail *mail)
{
	mail->younger = NULL;
	mail->older = queue->youngest;
	*(queue->youngest ? &queue->youngest->younger : &queue->oldest) = mail;
	queue->youngest = mail;
}

/* ---- messages ---------------------------------------------------------------------------------- */

static struct mail **place_of(struct queue *queue, uint64_t key)
{
	struct mail **place = &queue->buckets[key & queue->mask];

	while (*place && (*place)->key != key)
		place = &(*place)->next;
	return place;
}

struct mail *queue_find(struct queue *queue, uint64_t key)
{
	struct mail *mail = *place_of(queue, key);

	if (mail && mail != queue->youngest) {
		order_take(queue, mail);
		order_put(queue, mail);
	}
	return mail;
}

void queue_forget(struct queue *queue, struct mail *mail)
{
	queue->lost(queue->arg, mail);
	*place_of(queue, mail->key) = mail->next;
	order_take(queue, mail);
	mail_wait_no_more(queue, mail);
	free(mail->name);
	free(mail->mail_from);
	free(mail->message_id);
	free(mail);
	queue->count--;
}

struct mail *queue_begin(struct queue *queue, uint64_t key)
{
	struct mail *mail = *place_of(queue, key);

	if (mail)
		queue_forget(queue, mail);
	if (queue->count >= queue->most)
		queue_forget(queue, queue->oldest);
	mail = calloc(1, sizeof(*mail));
	if (!mail)
		return NULL;
	mail->key = key;
	*place_of(queue, key) = mail;
	order_put(queue, mail);
	queue->count++;
	return mail;
}

/* ---- what waits -------------------------------------------------------------------------------- */

/* What has waited longest in vain, mostly scripts' mail from this host that no other message stands behind. */
static void make_room(struct queue *queue)
{
	for (struct mail *mail = queue->oldest; mail && queue->waiting > ALL_WAITING / 2; mail = mail->younger) {
		queue->lost(queue->arg, mail);
		mail_wait_no_more(queue, mail);
	}
}

bool mail_wait(struct queue *queue, struct mail *mail, int64_t at_ms, struct span address)
{
	if (queue->waiting >= ALL_WAITING)
		make_room(queue);
	if (mail->waiting_count >= MAIL_WAITING)
		return false;
	struct waiting *waiting = malloc(sizeof(*waiting) + address.len);
	if (!waiting)
		return false;
	*waiting = (struct waiting){ mail->waiting, at_ms, address.len };
	memcpy(waiting->address, address.at, address.len);
	mail->waiting = waiting;
	mail->waiting_count++;
	queue->waiting++;
	return true;
}

void mail_wait_no_more(struct queue *queue, struct mail *mail)
{
	while (mail->waiting) {
		struct waiting *waiting = mail->waiting;

		mail->waiting = waiting->next;
		free(waiting);
		queue->waiting--;
	}
	mail->waiting_count = 0;
}
