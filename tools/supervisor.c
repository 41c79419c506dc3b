/*
 * The loop of `leumund run` (supervisor.h): waits for signals, for the services' word that they serve, and for the
 * time when something is due; services.c and redis_keeper.c do what follows from it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "milters/table.h"
#include "redis_keeper.h"
#include "services.h"
#include "supervisor.h"
#include "system/clock.h"
#include "system/notify.h"
#include "system/signals.h"

#define TICK_MS 1000
#define LOOK_MS 50 /* while Redis is being waited for */
#define START_LIMIT_MS 60000
#define REDIS_START_MS 10000 /* services do without it, so the start waits only so long */
#define REDIS_FIRST_MS 1000
#define END_LIMIT_MS 10000

static struct {
	bool on_terminal;
	bool hurry; /* asked to end a second time */
} state;

/* ---- signals ----------------------------------------------------------------------------------- */

int supervisor_signals(void)
{
	static const int caught[] = { SIGHUP, SIGTERM, SIGINT, SIGUSR2, SIGCHLD };

	return signals_catch(caught, sizeof(caught) / sizeof(*caught));
}

static void reload(struct instance *instance)
{
	struct setup new;
	char error[4096];

	/* each service reads its configuration, and says so, by itself */
	services_reload();
	if (setup_load(&new, instance->conf, milters, error, sizeof(error)) < 0) {
		error[strcspn(error, "\n")] = '\0';
		say(instance, LEVEL_ERROR, "the new configuration is refused: %s", error);
		return;
	}
	setup_free(&instance->setup);
	instance->setup = new;
	services_arrange(instance);
}

static void reap(struct instance *instance)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		redis_keeper_child_ended(instance, pid, wait_status);
		services_child_ended(instance, pid, wait_status);
	}
}

static void signal_take(struct instance *instance, int number)
{
	switch (number) {
	case SIGTERM:
	case SIGINT:
		state.hurry = instance->ending;
		instance->ending = true;
		break;
	case SIGHUP:
		if (state.on_terminal && !isatty(STDIN_FILENO))
			instance->ending = true; /* the terminal was closed */
		else if (!instance->ending)
			reload(instance);
		break;
	case SIGUSR2:
		if (!instance->ending)
			services_replace(instance);
		break;
	default:
		break; /* SIGCHLD: reap() follows */
	}
}

static void wait_for_something(struct instance *instance, int64_t limit_ms)
{
	struct pollfd fds[1 + SERVICES_POLL_FDS] = { { .fd = signals_fd(), .events = POLLIN } };
	int number;

	(void)poll(fds, 1 + services_poll_fds(fds + 1), limit_ms > 0 ? (int)limit_ms : 0);
	while ((number = signals_next()))
		signal_take(instance, number);
	reap(instance);
}

/* ---- start ------------------------------------------------------------------------------------- */

/* Mostly it answers at once: then no service begins by missing it. One with much to load is not waited for. */
static void redis_first(struct instance *instance)
{
	int64_t until_ms = clock_ticks_ms() + REDIS_FIRST_MS;

	redis_keeper_begin(instance);
	while (redis_keeper_is_pending() && !instance->ending && clock_ticks_ms() < until_ms) {
		wait_for_something(instance, 10);
		redis_keeper_look(instance);
	}
}

static void readiness_look(struct instance *instance, int64_t started_ms)
{
	int64_t waited_ms = clock_ticks_ms() - started_ms;

	if (instance->is_ready || instance->ending)
		return;
	if (services_all_serve() && (!redis_keeper_is_pending() || waited_ms > REDIS_START_MS)) {
		if (redis_keeper_is_pending())
			say(instance, LEVEL_WARNING, "redis: does not answer yet; the services go on without it");
		instance->is_ready = true;
		instance->ready(instance);
	} else if (waited_ms > START_LIMIT_MS) {
		say(instance, LEVEL_ERROR, "not all services serve after %d s", START_LIMIT_MS / 1000);
		instance->status = EX_UNAVAILABLE;
		instance->ending = true;
	}
}

/* ---- end --------------------------------------------------------------------------------------- */

static unsigned services_left(void)
{
	return services_signal(0);
}

static void services_end(struct instance *instance)
{
	int64_t until_ms = clock_ticks_ms() + END_LIMIT_MS;

	services_signal(SIGTERM);
	while (services_left() > 0 && clock_ticks_ms() < until_ms && !state.hurry)
		wait_for_something(instance, 100);
	if (services_left() == 0)
		return;
	say(instance, LEVEL_WARNING, "services that do not end are killed");
	services_signal(SIGKILL);
	for (int i = 0; i < 20 && services_left() > 0; i++)
		wait_for_something(instance, 100);
}

/* Last, so that the services' last decisions are written. */
static void redis_end(struct instance *instance)
{
	int64_t until_ms = clock_ticks_ms() + END_LIMIT_MS;

	if (!redis_keeper_terminate())
		return;
	while (redis_keeper_lives() && clock_ticks_ms() < until_ms && !state.hurry)
		wait_for_something(instance, 50);
	redis_keeper_kill(instance);
}

/* ---- the loop ---------------------------------------------------------------------------------- */

/* Until the next thing that is due. */
static int64_t wait_limit(const struct instance *instance)
{
	int64_t now = clock_ticks_ms();
	int tick = redis_keeper_is_pending() && !instance->is_ready ? LOOK_MS : TICK_MS;

	return services_due_ms(redis_keeper_due_ms(now + tick)) - now;
}

int supervise(struct instance *instance)
{
	int64_t started_ms = clock_ticks_ms();

	state.on_terminal = isatty(STDIN_FILENO);
	if (instance->setup.store->address[0] == '\0')
		redis_first(instance);
	if (!instance->ending)
		services_arrange(instance);
	while (!instance->ending) {
		wait_for_something(instance, wait_limit(instance));
		if (instance->ending)
			break;
		services_look(instance);
		redis_keeper_look(instance);
		readiness_look(instance, started_ms);
		if (instance->is_ready && services_all_serve())
			notify_alive();
	}
	notify_stopping();
	if (instance->is_ready)
		say(instance, LEVEL_NOTICE, "ending");
	services_end(instance);
	redis_end(instance);
	return instance->status;
}
