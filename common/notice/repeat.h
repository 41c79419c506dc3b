/*
 * What was said already, and when: bounded, the oldest is forgotten first. Internal to common/notice/; its caller
 * locks.
 */
#ifndef LEUMUND_NOTICE_REPEAT_H
#define LEUMUND_NOTICE_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "notice/notice.h"

#define REPEAT_SETS 1024
#define REPEAT_WAYS 4

struct repeat {
	struct {
		uint64_t key;
		int64_t said_ms; /* 0: free */
	} slots[REPEAT_SETS][REPEAT_WAYS];
};

/* May it be said now? Then it has been. `now_ms` never jumps and is not 0. */
bool repeat_may(struct repeat *repeat, const struct notice *notice, int64_t now_ms, int64_t every_ms);

#endif
