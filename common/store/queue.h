/*
 * Calls on their way to the server, and those that await their turn. All but call_new() needs the store's lock.
 * Internal to common/store/.
 */
#ifndef LEUMUND_STORE_QUEUE_H
#define LEUMUND_STORE_QUEUE_H

#include <pthread.h>

#include "store/reply.h"
#include "store/store.h"

#define QUEUED 4096 /* calls that may await their turn */

struct store_call {
	struct store_call *next;
	char *command;
	size_t len;
	pthread_cond_t done_cond;
	bool done, abandoned, sent, resent;
	enum store_result result;
	struct redisReply *reply;
};

struct call_queue {
	struct store_call *first, **last;
	size_t count;
};

struct store_call *call_new(int argc, const char *const *argv); /* NULL: no memory */
/* Its caller gets this; when nobody waits any more, it is freed. */
void call_finish(struct store_call *call, enum store_result result, struct redisReply *reply);
void call_free(struct store_call *call);

void queue_init(struct call_queue *queue);
bool queue_put(struct call_queue *queue, struct store_call *call); /* false: it is full */
struct store_call *queue_take(struct call_queue *queue);	   /* the oldest; NULL: there is none */
void queue_remove(struct call_queue *queue, struct store_call *call);
void queue_refuse(struct call_queue *queue); /* all get DOWN */

/* Waits are measured by a clock that nobody sets. */
void cond_init_steady(pthread_cond_t *cond);

#endif
