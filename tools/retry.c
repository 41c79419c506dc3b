/*
 * When what has died is started again (retry.h).
 */
#include "retry.h"
#include "system/clock.h"

#define FIRST_MS 1000
#define LONGEST_MS 30000
#define LONG_LIFE_MS 60000 /* after that a death is no longer the fault of the start */

int retry_plan(struct retry *retry, int64_t started_ms)
{
	int64_t now = clock_ticks_ms();

	if (retry->wait_ms == 0 || now - started_ms >= LONG_LIFE_MS)
		retry->wait_ms = FIRST_MS;
	else
		retry->wait_ms = retry->wait_ms * 2 < LONGEST_MS ? retry->wait_ms * 2 : LONGEST_MS;
	retry->at_ms = now + retry->wait_ms;
	return (int)(retry->wait_ms / 1000);
}

bool retry_is_due(const struct retry *retry)
{
	return retry->at_ms != 0 && clock_ticks_ms() >= retry->at_ms;
}

int64_t retry_earlier(const struct retry *retry, int64_t other_ms)
{
	return retry->at_ms != 0 && retry->at_ms < other_ms ? retry->at_ms : other_ms;
}
