/*
 * The only place that reads a clock. Policies never do: they are given `now`.
 */
#ifndef LEUMUND_CLOCK_H
#define LEUMUND_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970 (UTC): for people, logs and Redis. May jump. */
int64_t clock_wall_ms(void);

/* Milliseconds since some start: for deadlines and waiting. Never jumps. */
int64_t clock_ticks_ms(void);

#endif
