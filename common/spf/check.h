/*
 * SPF evaluations in the background: each asks the DNS for what it needs, as much as possible at once, and has one
 * deadline. Started early, it has mostly ended when its result is needed.
 */
#ifndef LEUMUND_SPF_CHECK_H
#define LEUMUND_SPF_CHECK_H

#include "spf/spf.h"

struct dns;
struct spf_check;

/*
 * Under way in this process: more than these answer from the cache alone, else with temperror. It bounds memory: one
 * takes up to 300 kB while its answers come.
 */
#define SPF_CHECKS_MAX 1000

/*
 * Starts one; what can be answered from the cache has ended before this returns. The query is copied. After
 * `deadline_ms` (clock_ticks_ms()) the result is temperror. NULL: no memory. The dns must be closed, or all
 * evaluations over, before it is gone; dns_close() ends them.
 */
struct spf_check *spf_check_start(struct dns *dns, const struct spf_query *query, int64_t deadline_ms);

/* Starts one and waits for its end: of less cost than both apart. */
struct spf_check *spf_check_run(struct dns *dns, const struct spf_query *query, int64_t deadline_ms);

/* Waits for its end until `until_ms` (clock_ticks_ms()), 0: not at all. True: it has ended. From several threads at
 * once, too. */
bool spf_check_wait(struct spf_check *check, int64_t until_ms);

/* What came out, unchanging; `wanted` is empty. NULL while it is under way. Lives as long as the check. */
const struct spf_outcome *spf_check_outcome(struct spf_check *check);

/* Of all in this process, since its start; for its status. */
struct spf_check_counts {
	unsigned under_way; /* now */
	uint64_t refused;   /* what would have had to ask the DNS while SPF_CHECKS_MAX did */
	uint64_t late;	    /* not answered by their deadlines */
};
struct spf_check_counts spf_check_counts(void);

/* At any time. An evaluation that nobody wants any more ends with the questions that are under way. */
void spf_check_unref(struct spf_check **check);

#endif
