/*
 * A session as libmilter/guard.c (who may come in) and libmilter/packet.c (what he sends) see it.
 */
#ifndef LEUMUND_LIBMILTER_GUEST_H
#define LEUMUND_LIBMILTER_GUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "libmilter/guard.h"

#define PACKET_AHEAD 4096 /* read at once: what a message without body has */
#define PACKET_LENT 1024  /* nearly every header field */
#define PACKET_TAIL 16U	  /* see __wrap_malloc() */

enum guest_stage { GUEST_UNKNOWN, GUEST_NEGOTIATED, GUEST_MAILED };

struct guest {
	LIST_ENTRY(guest) link;
	int fd;
	void *context; /* libmilter's */
	/* read by the listener's thread too */
	_Atomic enum guest_stage stage;
	_Atomic int64_t since; /* clock_ticks_ms() of what is waited for; 0: it is not waited for yet */
	int64_t writing_since; /* 0: no reply is being written */
	bool body_is_lent;
	/* what has come and has not yet been given to libmilter */
	size_t ahead_at, ahead_len;
	unsigned char ahead[PACKET_AHEAD];
	char body[PACKET_LENT + PACKET_TAIL]; /* of the packet that libmilter works on */
};

/* The one whom this thread serves, or NULL. */
extern _Thread_local struct guest *guest_here;

extern struct libmilter_limits libmilter_limits;

/* Memory for libmilter, with NULLs behind it. */
void *__wrap_malloc(size_t size);

#endif
