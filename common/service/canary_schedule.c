/*
 * When the canary is sent and what came of it (service/canary_schedule.h).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "log.h"
#include "service/canary.h"
#include "service/canary_schedule.h"
#include "service/state.h"
#include "system/clock.h"
#include "system/notify.h"

#define CANARY_DEADLINE_MS 3000

enum canary_state {
	CANARY_NOT_YET,
	CANARY_WELL,
	CANARY_FAILED,
	CANARY_NOTHING_TO_TEST,
	CANARY_UNANSWERED,
	CANARY_NOT_NEEDED
};

static const char *const canary_words[] = {
	"not yet", "refused", "PASSED", "nothing to test", "no answer", "not needed"
};

static char login[40];
static _Atomic int last_state;
static _Atomic int64_t last_at_ms;
static int64_t due; /* clock_ticks_ms() */

void service_canary_prepare(void)
{
	unsigned char secret[16];

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		abort();
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(login + 2 * i, 3, "%02x", secret[i]);
	judge_start(login);
}

/* What it says once it says again only when it changes; a failure is said each time. */
static void note(enum canary_state state)
{
	int before = atomic_exchange(&last_state, (int)state);

	atomic_store(&last_at_ms, clock_wall_ms());
	if (state == CANARY_FAILED)
		log_error("canary: a forged message was accepted; this service does not filter");
	else if (state == CANARY_UNANSWERED)
		log_error("canary: no answer within %d ms", CANARY_DEADLINE_MS);
	else if (state == CANARY_NOTHING_TO_TEST && before != (int)state)
		log_warning("canary: no rule can refuse anything; set default_domains, or name the directory's files "
			    "in leumund.domains");
	else if (state == CANARY_WELL && before != (int)state)
		log_info("canary: a forged message was refused");
	if (before != (int)state || state == CANARY_FAILED) {
		char sentence[80];

		snprintf(sentence, sizeof(sentence), "canary: %s", canary_words[state]);
		notify_status(sentence);
	}
}

bool service_canary_run(const char *socket_name)
{
	static const enum canary_state states[] = {
		[CANARY_REFUSED] = CANARY_WELL,
		[CANARY_PASSED] = CANARY_FAILED,
		[CANARY_NO_ANSWER] = CANARY_UNANSWERED,
	};
	struct house *house = service_house();
	struct directory *directory = service_directory();
	struct forgery forgery;
	/* what comes from elsewhere is judged by what others say: no message is forged in itself */
	enum canary_state state = stack_can_forge(house_stack(house)) ? CANARY_NOTHING_TO_TEST : CANARY_NOT_NEEDED;

	if (stack_forge(house_stack(house), directory, &forgery))
		state = states[canary_send(socket_name, &forgery, login, CANARY_DEADLINE_MS)];
	note(state);
	due = clock_ticks_ms() + house_setup(house)->leumund->canary_every * 1000;
	directory_unref(&directory);
	house_unref(&house);
	return state != CANARY_FAILED;
}

bool service_canary_is_due(void)
{
	return service_setup()->leumund->canary_every > 0 && clock_ticks_ms() >= due;
}

void service_canary_soon(void)
{
	due = 0;
}

const char *service_canary_word(int64_t *at_ms)
{
	*at_ms = atomic_load(&last_at_ms);
	return canary_words[atomic_load(&last_state)];
}
