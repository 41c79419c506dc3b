/*
 * Whose turn it is to look at the sockets. A thread that waits for an answer, and is alone in that, looks by itself, so
 * that answers need not pass from one thread to another. Else it is the turn of the thread in the background: with
 * many that wait, passing the turn among them would cost more than it saves. Internal to common/dns/.
 */
#ifndef LEUMUND_DNS_TURN_H
#define LEUMUND_DNS_TURN_H

#include <pthread.h>

#include "dns/dns.h"

struct dns_turn {
	int poll;  /* of the sockets, and of `kick`; the resolver's */
	int watch; /* where the background sleeps: it holds `call`, and `poll` while it is the background's turn */
	int call, kick;

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t left;
	const struct dns_event *leader; /* whose thread looks; NULL: the background's turn */
	pthread_t leads;		/* that thread */
	unsigned inside;		/* threads that wait */
	bool watched, kicked;
};

/* `kick` must stand in `poll` as readable, not as an edge. False, and errno. Close it in any case. */
bool dns_turn_open(struct dns_turn *turn, int poll, int kick);
void dns_turn_close(struct dns_turn *turn);

/* dns_wait() of dns/dns.h */
struct dns_turn_wait {
	struct dns_event *event;
	int64_t until_ms;
	dns_begin_fn *begin;
	void *arg;
	void (*work)(struct dns *dns, int64_t until_ms); /* looks once, at most until then; works off what there is */
	bool (*under_way)(struct dns *dns);		 /* anything; may take locks, but not the turn's */
	struct dns *dns;
};
bool dns_turn_wait(struct dns_turn *turn, const struct dns_turn_wait *wait);
void dns_turn_end(struct dns_turn *turn, struct dns_event *event);

/* After something was put under way. */
void dns_turn_asked(struct dns_turn *turn);

/* The background: sleeps until it is its turn and there is something, it is called, or so long; -1: no end. */
void dns_turn_rest(struct dns_turn *turn, int ms);
void dns_turn_call(struct dns_turn *turn);

/* Until nobody waits any more. */
void dns_turn_empty(struct dns_turn *turn);

#endif
