/*
 * What was sent and not answered yet, oldest first: the server answers in order. Internal to common/store/.
 */
#ifndef LEUMUND_STORE_FLIGHT_H
#define LEUMUND_STORE_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

#define FLIGHTS 1024

enum kind { KIND_CALL, KIND_POST, KIND_AUTH, KIND_NAME, KIND_INFO, KIND_SCRIPT, KIND_PING };

struct flight {
	enum kind kind;
	enum store_script script; /* KIND_POST, KIND_SCRIPT */
	int64_t at_ms;		  /* since when */
	struct store_call *call;  /* KIND_CALL */
	uint64_t post_end;	  /* KIND_POST */
};

struct flights {
	struct flight ring[FLIGHTS];
	unsigned first, count;
};

/* There must be room: nobody sends without having asked. */
bool flights_have_room(const struct flights *flights, unsigned count);
void flights_push(struct flights *flights, const struct flight *flight);
/* False: there is none. */
bool flights_pop(struct flights *flights, struct flight *flight);
/* Since when the oldest has been waiting; there must be one. */
int64_t flights_oldest_ms(const struct flights *flights);

#endif
