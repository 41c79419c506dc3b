/*
 * One command to the store and its reply. Internal to common/store/ and their tests: milters and
 * tools use store/store.h.
 */
#ifndef LEUMUND_STORE_CALL_H
#define LEUMUND_STORE_CALL_H

#include "store/reply.h"
#include "store/store.h"

struct store_call;

/*
 * Hands a command to the I/O thread; several may be under way at once. NULL: the store is away.
 * Each call must be given to store_collect().
 */
struct store_call *store_submit(struct store *store, int argc, const char *const *argv);

/* All or none, one behind the other. False: none, and they are freed. */
bool store_submit_calls(struct store *store, struct store_call *const *calls, size_t count);

/*
 * Waits until `until_ms` (clock_ticks_ms). With OK and REFUSED there is a reply, which the caller frees. A NULL
 * call gives DOWN.
 */
enum store_result store_collect(struct store *store, struct store_call *call, int64_t until_ms,
				struct redisReply **reply);

/* Both in one. */
enum store_result store_ask(struct store *store, int argc, const char *const *argv, int64_t until_ms,
			    struct redisReply **reply);

/* What the store was opened with. */
const struct store_options *store_options_of(const struct store *store);

#endif
