/*
 * Calls on their way, and those that await their turn (store/queue.h).
 */
#include <stdlib.h>
#include <time.h>

#include "store/queue.h"
#include "store/redis.h"

void cond_init_steady(pthread_cond_t *cond)
{
	pthread_condattr_t steady;

	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &steady);
	pthread_condattr_destroy(&steady);
}

struct store_call *call_new(int argc, const char *const *argv)
{
	struct store_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	call->command = redis_format(argc, argv, &call->len);
	if (!call->command) {
		free(call);
		return NULL;
	}
	cond_init_steady(&call->done_cond);
	return call;
}

void call_free(struct store_call *call)
{
	if (call->command)
		redis_format_free(&call->command);
	pthread_cond_destroy(&call->done_cond);
	free(call);
}

void call_finish(struct store_call *call, enum store_result result, struct redisReply *reply)
{
	redis_format_free(&call->command);
	if (call->abandoned) {
		reply_free(&reply);
		call_free(call);
		return;
	}
	call->result = result;
	call->reply = reply;
	call->done = true;
	pthread_cond_signal(&call->done_cond);
}

void queue_init(struct call_queue *queue)
{
	*queue = (struct call_queue){ .last = &queue->first };
}

bool queue_put(struct call_queue *queue, struct store_call *call)
{
	if (queue->count >= QUEUED)
		return false;
	*queue->last = call;
	queue->last = &call->next;
	queue->count++;
	return true;
}

struct store_call *queue_take(struct call_queue *queue)
{
	struct store_call *call = queue->first;

	if (call)
		queue_remove(queue, call);
	return call;
}

void queue_remove(struct call_queue *queue, struct store_call *call)
{
	struct store_call **at = &queue->first;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	if (queue->last == &call->next)
		queue->last = at;
	queue->count--;
	call->next = NULL;
}

void queue_refuse(struct call_queue *queue)
{
	struct store_call *call;

	while ((call = queue_take(queue)) != NULL)
		call_finish(call, STORE_DOWN, NULL);
}
