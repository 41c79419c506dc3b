/*
 * Outcomes that wait for a line that tells their sender: copies, in the order in which they came. Bounded.
 */
#ifndef LEUMUND_MAILLOG_HELD_H
#define LEUMUND_MAILLOG_HELD_H

#include "maillog/maillog.h"

#define HELD_MOST 4096 /* each at most a line and what is known of its message: under 40 MB at the worst */

struct held;

struct held *held_new(void); /* NULL: no memory */
void held_free(struct held **held);
size_t held_count(const struct held *held);

/* `mail` is the key of its message. False: no memory, or too many. */
bool held_put(struct held *held, uint64_t mail, int64_t ticks_ms, const struct maillog_outcome *outcome);

/*
 * Takes out the first that came before `before_ms` (INT64_MAX: any) and, unless `mail` is NULL, belongs to that
 * message. It is to be freed by free(); NULL: none.
 */
struct maillog_outcome *held_take(struct held *held, const uint64_t *mail, int64_t before_ms);

#endif
