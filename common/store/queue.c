/*
 * Calls on their way, and those that await their turn (store/queue.h).
 */
#include <stdlib.h>
#include <time.h>

#include "store/command.h"
#include "store/queue.h"

void cond_init_steady(pthread_cond_t *cond)
{
	pthread_condattr_t steady;

	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &steady);
	pthread_condattr_destroy(&steady);
}

static struct store_call *new_call(size_t size, struct text *command)
{
	struct store_call *call = malloc(sizeof(*call) + size);

	if (!call)
		return NULL;
	*call = (struct store_call){ .script = STORE_SCRIPT_DECISION };
	cond_init_steady(&call->done_cond);
	text_init(command, call->command, size);
	return call;
}

struct store_call *call_new(int argc, const char *const *argv)
{
	struct text command;
	struct store_call *call = new_call(command_size(argc, argv), &command);

	if (!call)
		return NULL;
	command_words(&command, argc, argv);
	call->len = command.len;
	return call;
}

struct store_call *call_new_request(const struct store_request *request)
{
	struct text command;
	struct store_call *call = new_call(command_request_size(request), &command);

	if (!call)
		return NULL;
	command_request(&command, request);
	call->script = request->script;
	call->len = command.len;
	return call;
}

void call_free(struct store_call *call)
{
	pthread_cond_destroy(&call->done_cond);
	free(call);
}

void call_finish(struct store_call *call, enum store_result result, struct redisReply *reply)
{
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

bool queue_has_room(const struct call_queue *queue, size_t count)
{
	return queue->count + count <= QUEUED;
}

void queue_put(struct call_queue *queue, struct store_call *call)
{
	*queue->last = call;
	queue->last = &call->next;
	queue->count++;
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
