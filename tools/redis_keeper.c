/*
 * Keeps the private Redis of an instance running (redis_keeper.h).
 */
#include <signal.h>
#include <sys/wait.h>

#include "child.h"
#include "redis_keeper.h"
#include "redis_server.h"
#include "retry.h"
#include "system/clock.h"

static struct {
	struct child child;
	pid_t adopted; /* lives already: not our child */
	bool answers, missing_said;
	struct retry retry;
} redis = { .child = CHILD_NONE };

void redis_keeper_begin(struct instance *instance)
{
	pid_t living = redis_listener();
	char error[512];

	redis.retry.at_ms = 0;
	if (living > 0) {
		say(instance, LEVEL_NOTICE, "redis: process %ld already serves %s and is kept", (long)living,
		    REDIS_SOCKET);
		redis.adopted = living;
		return;
	}
	if (redis_start(&redis.child, instance->setup.store, instance->run, instance->user, &instance->ids,
			instance->output, error, sizeof(error)) == 0) {
		redis.missing_said = false;
		return;
	}
	if (!redis.missing_said)
		say(instance, LEVEL_WARNING, "redis: %s", error);
	redis.missing_said = true;
	(void)retry_plan(&redis.retry, clock_ticks_ms());
}

static void redis_lost(struct instance *instance, const char *how, int64_t started_ms)
{
	redis.answers = false;
	say(instance, LEVEL_ERROR, "redis: ended with %s; starts again in %d s (its words are in redis.log)", how,
	    retry_plan(&redis.retry, started_ms));
}

void redis_keeper_look(struct instance *instance)
{
	if (redis.adopted != 0 && !process_lives(redis.adopted)) {
		redis.adopted = 0;
		redis_lost(instance, "an unknown status", clock_ticks_ms());
	}
	if (retry_is_due(&redis.retry))
		redis_keeper_begin(instance);
	if (redis_keeper_is_pending())
		redis.answers = redis_answers();
}

void redis_keeper_child_ended(struct instance *instance, pid_t pid, int wait_status)
{
	int64_t started_ms = redis.child.started_ms;
	char words[64];

	if (pid != redis.child.pid)
		return;
	child_forget(&redis.child);
	if (!instance->ending)
		redis_lost(instance, child_end_words(wait_status, words, sizeof(words)), started_ms);
}

bool redis_keeper_is_pending(void)
{
	return !redis.answers && (redis.child.pid != 0 || redis.adopted != 0);
}

int64_t redis_keeper_due_ms(int64_t latest_ms)
{
	return retry_earlier(&redis.retry, latest_ms);
}

/* One that we did not start, now or before, stays. */
bool redis_keeper_terminate(void)
{
	pid_t pid = redis.child.pid;

	if (pid == 0 && redis.adopted != 0 && redis_listener() == redis.adopted && redis_is_ours(redis.adopted))
		pid = redis.adopted;
	return pid != 0 && kill(pid, SIGTERM) == 0;
}

bool redis_keeper_lives(void)
{
	return redis.child.pid != 0 || process_lives(redis.adopted);
}

void redis_keeper_kill(struct instance *instance)
{
	if (redis.child.pid == 0)
		return;
	say(instance, LEVEL_WARNING, "redis: does not end and is killed");
	kill(redis.child.pid, SIGKILL);
	(void)waitpid(redis.child.pid, NULL, 0);
}
