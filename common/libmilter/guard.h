/*
 * What libmilter lacks, given to it by the linker: the static library calls these functions instead of the
 * C library's and some of its own (--wrap, see GNUmakefile). With a shared libmilter nothing here is called,
 * and it behaves as its maker left it.
 *
 * Each session has a thread of its own, as libmilter has where the worker pool is not compiled in. In Debian's pool
 * (measured, 8.17.1.9) an unfinished packet holds a worker while finished ones wait, up to 10 s
 * for a moment's meeting (30 s were seen); a session is lost for good where no thread can be made; and idle ones are
 * looked for every 600 s only. Packets that have come together are read together: 6 system calls a message, not 80.
 */
#ifndef LEUMUND_LIBMILTER_GUARD_H
#define LEUMUND_LIBMILTER_GUARD_H

#include <stdbool.h>
#include <stdint.h>

struct libmilter_limits {
	unsigned sessions;   /* from accept on; a few more are let in to be told so, then the door is closed */
	int64_t packet_ms;   /* for the negotiation, for the rest of a packet that has begun, for a reply to be taken */
	int64_t envelope_ms; /* of silence between the negotiation and the first MAIL */
	int64_t idle_ms;     /* of silence afterwards */
	int64_t evict_ms;    /* when there are too many, whoever was silent for so long before a first MAIL yields */
};

/* Before smfi_main(). */
void libmilter_guard_start(const struct libmilter_limits *limits);

/* Said by the thread that calls smfi_main(): it will be the one that accepts. */
void libmilter_guard_listener(void);

/*
 * Nobody is let in any more, and a TCP port is free for another process; sessions go on. False with a shared libmilter,
 * which keeps the port until the process ends.
 */
bool libmilter_guard_close_door(void);

/* Threads beyond `sessions` that there may be at most. */
#define LIBMILTER_SURPLUS 64

#endif
