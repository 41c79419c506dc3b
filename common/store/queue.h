/*
 * Calls on their way to the server, and those that await their turn. All but the call_new's needs the store's lock.
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
	pthread_cond_t done_cond;
	enum store_script script; /* to be loaded when the server says that it does not know it */
	bool done, abandoned, sent, resent;
	enum store_result result;
	struct redisReply *reply;
	size_t len;
	char command[];
};

struct call_queue {
	struct store_call *first, **last;
	size_t count;
};

/* NULL: no memory. */
struct store_call *call_new(int argc, const char *const *argv);
struct store_call *call_new_request(const struct store_request *request);
/* Its caller gets this; when nobody waits any more, it is freed. */
void call_finish(struct store_call *call, enum store_result result, struct redisReply *reply);
void call_free(struct store_call *call);

void queue_init(struct call_queue *queue);
bool queue_has_room(const struct call_queue *queue, size_t count);
void queue_put(struct call_queue *queue, struct store_call *call); /* there must be room */
struct store_call *queue_take(struct call_queue *queue);	   /* the oldest; NULL: there is none */
void queue_remove(struct call_queue *queue, struct store_call *call);
void queue_refuse(struct call_queue *queue); /* all get DOWN */

/* Waits are measured by a clock that nobody sets. */
void cond_init_steady(pthread_cond_t *cond);

#endif
