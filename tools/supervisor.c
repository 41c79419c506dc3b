/*
 * Keeps the services of an instance and its private Redis running (supervisor.h).
 *
 * A successor of a service takes over by itself (common/service.h): the one before it then
 * drains and ends, and that end is expected.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "milters/table.h"
#include "notify.h"
#include "redis_server.h"
#include "supervisor.h"

#define TICK_MS 1000
#define LOOK_MS 50 /* while Redis is being waited for */
#define BACKOFF_MS 1000
#define BACKOFF_MAX_MS 30000
#define LONG_LIFE_MS 60000 /* after that a death is no longer the fault of the start */
#define START_LIMIT_MS 60000
#define REDIS_START_MS 10000 /* services do without it, so the start waits only so long */
#define REDIS_FIRST_MS 1000
#define END_LIMIT_MS 10000
#define LEAVING 64

struct service {
	char name[40];
	bool wanted;
	struct child now, next;	      /* the one in force; its successor that does not serve yet */
	int64_t start_at, backoff_ms; /* start_at 0: nothing is due */
};

static struct {
	struct instance *instance;
	struct service services[SETUP_SERVICES * 2];
	size_t count;
	pid_t leaving[LEAVING]; /* were replaced or switched off, drain and end */
	struct child redis;
	pid_t redis_adopted; /* lives already: not our child */
	bool redis_ready, redis_missing_said;
	int64_t redis_start_at, redis_backoff_ms;
	bool on_terminal, is_ready, ending, hurry;
	int status;
} state = { .redis = CHILD_NONE };

static int signal_pipe[2] = { -1, -1 };

void say(const struct instance *instance, enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_printf(level, "%s", line);
	if (instance->setup.leumund->log == LOG_TO_SYSLOG)
		fprintf(stderr, "leumund: %s\n", line);
}

/* ---- signals ----------------------------------------------------------------------------------- */

static void on_signal(int number)
{
	int saved = errno;
	char byte = (char)number;
	ssize_t n = write(signal_pipe[1], &byte, 1);

	(void)n; /* full: enough is pending */
	errno = saved;
}

int supervisor_signals(void)
{
	static const int caught[] = { SIGHUP, SIGTERM, SIGINT, SIGUSR2, SIGCHLD };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaction(caught[i], &action, NULL);
	return 0;
}

static int64_t backoff_next(int64_t *backoff_ms, int64_t started_ms)
{
	int64_t now = clock_ticks_ms();

	if (*backoff_ms == 0 || now - started_ms >= LONG_LIFE_MS)
		*backoff_ms = BACKOFF_MS;
	else if (*backoff_ms < BACKOFF_MAX_MS)
		*backoff_ms = *backoff_ms * 2 < BACKOFF_MAX_MS ? *backoff_ms * 2 : BACKOFF_MAX_MS;
	return now + *backoff_ms;
}

/* ---- services ---------------------------------------------------------------------------------- */

static void service_start(struct service *service, struct child *child)
{
	struct instance *instance = state.instance;
	const char *argv[9];
	struct program program = {
		.file = instance->daemon, .argv = argv, .output = instance->output, .tells_ready = true
	};
	int n = 0;

	argv[n++] = "leumundd";
	argv[n++] = "-c";
	argv[n++] = instance->conf;
	argv[n++] = "-r";
	argv[n++] = instance->run;
	if (instance->stay_root)
		argv[n++] = "-S";
	argv[n++] = service->name;
	argv[n] = NULL;
	service->start_at = 0;
	if (child_start(child, &program) == 0)
		return;
	say(instance, LEVEL_ERROR, "%s: cannot be started: %s", service->name, strerror(errno));
	service->start_at = backoff_next(&service->backoff_ms, clock_ticks_ms());
}

static void leaving_add(pid_t pid)
{
	for (size_t i = 0; i < LEAVING; i++)
		if (state.leaving[i] == 0) {
			state.leaving[i] = pid;
			return;
		}
}

static void service_in_force(struct service *service)
{
	struct child before = service->now;

	service->now = service->next;
	service->next = CHILD_NONE;
	if (before.pid != 0)
		leaving_add(before.pid);
	child_forget(&before);
}

static void services_look(void)
{
	for (struct service *service = state.services; service < state.services + state.count; service++) {
		bool was_ready = service->now.ready;

		if (service->now.pid != 0 && !was_ready && child_is_ready(&service->now) && state.is_ready)
			say(state.instance, LEVEL_NOTICE, "%s: serves again (process %ld)", service->name,
			    (long)service->now.pid);
		if (service->next.pid != 0 && child_is_ready(&service->next)) {
			say(state.instance, LEVEL_NOTICE, "%s: process %ld has taken over", service->name,
			    (long)service->next.pid);
			service_in_force(service);
		}
		if (service->start_at != 0 && service->wanted && clock_ticks_ms() >= service->start_at)
			service_start(service, &service->now);
	}
}

static void successors_start(void)
{
	for (struct service *service = state.services; service < state.services + state.count; service++) {
		if (!service->wanted || service->next.pid != 0)
			continue;
		service->backoff_ms = 0;
		service_start(service, service->now.pid != 0 ? &service->next : &service->now);
	}
}

static struct service *service_named(const char *name)
{
	for (size_t i = 0; i < state.count; i++)
		if (!strcmp(state.services[i].name, name))
			return &state.services[i];
	if (state.count == sizeof(state.services) / sizeof(*state.services))
		return NULL;
	struct service *service = &state.services[state.count++];

	snprintf(service->name, sizeof(service->name), "%s", name);
	service->now = service->next = CHILD_NONE;
	return service;
}

static void service_switch_off(struct service *service)
{
	struct child *children[] = { &service->now, &service->next };

	for (size_t i = 0; i < 2; i++) {
		if (children[i]->pid != 0) {
			say(state.instance, LEVEL_NOTICE, "%s: is no longer enabled and ends", service->name);
			kill(children[i]->pid, SIGTERM);
			leaving_add(children[i]->pid);
		}
		child_forget(children[i]);
	}
	service->start_at = 0;
}

/* What runs becomes what the configuration asks for. */
static void services_arrange(void)
{
	const struct setup *setup = &state.instance->setup;

	for (size_t i = 0; i < state.count; i++)
		state.services[i].wanted = false;
	for (size_t i = 0; i < setup->service_count; i++) {
		struct service *service = service_named(setup->services[i]);

		if (!service)
			continue;
		service->wanted = true;
		if (service->now.pid == 0)
			service_start(service, &service->now);
	}
	for (size_t i = 0; i < state.count; i++)
		if (!state.services[i].wanted)
			service_switch_off(&state.services[i]);
}

static void reload(void)
{
	struct instance *instance = state.instance;
	struct setup new;
	char error[4096];

	/* each service reads its configuration, and says so, by itself */
	for (size_t i = 0; i < state.count; i++) {
		if (state.services[i].now.ready)
			kill(state.services[i].now.pid, SIGHUP);
		if (state.services[i].next.ready)
			kill(state.services[i].next.pid, SIGHUP);
	}
	if (setup_load(&new, instance->conf, milters, error, sizeof(error)) < 0) {
		error[strcspn(error, "\n")] = '\0';
		say(instance, LEVEL_ERROR, "the new configuration is refused: %s", error);
		return;
	}
	setup_free(&instance->setup);
	instance->setup = new;
	services_arrange();
}

/* ---- Redis ------------------------------------------------------------------------------------- */

static void redis_begin(void)
{
	struct instance *instance = state.instance;
	pid_t living = redis_listener();
	char error[512];

	state.redis_start_at = 0;
	if (living > 0) {
		say(instance, LEVEL_NOTICE, "redis: process %ld already serves %s and is kept", (long)living,
		    REDIS_SOCKET);
		state.redis_adopted = living;
		return;
	}
	if (redis_start(&state.redis, instance->setup.store, instance->run, instance->user, &instance->ids,
			instance->output, error, sizeof(error)) == 0) {
		state.redis_missing_said = false;
		return;
	}
	if (!state.redis_missing_said)
		say(instance, LEVEL_WARNING, "redis: %s", error);
	state.redis_missing_said = true;
	state.redis_start_at = backoff_next(&state.redis_backoff_ms, clock_ticks_ms());
}

static void redis_lost(const char *how, int64_t started_ms)
{
	state.redis_ready = false;
	state.redis_start_at = backoff_next(&state.redis_backoff_ms, started_ms);
	say(state.instance, LEVEL_ERROR, "redis: ended with %s; starts again in %lld s (its words are in redis.log)",
	    how, (long long)(state.redis_start_at - clock_ticks_ms() + 999) / 1000);
}

static void redis_look(void)
{
	if (state.redis_adopted != 0 && !process_lives(state.redis_adopted)) {
		state.redis_adopted = 0;
		redis_lost("an unknown status", clock_ticks_ms());
	}
	if (state.redis_start_at != 0 && clock_ticks_ms() >= state.redis_start_at)
		redis_begin();
	if (!state.redis_ready && (state.redis.pid != 0 || state.redis_adopted != 0))
		state.redis_ready = redis_answers();
}

/* ---- children that ended ----------------------------------------------------------------------- */

static void service_ended(struct service *service, int wait_status)
{
	struct instance *instance = state.instance;
	int64_t started_ms = service->now.started_ms;
	bool served = child_is_ready(&service->now);
	char words[64];

	child_forget(&service->now);
	if (state.ending)
		return;
	if (service->next.pid != 0) { /* its successor was faster than our look at it */
		service->now = service->next;
		service->next = CHILD_NONE;
		return;
	}
	if (!service->wanted)
		return;
	child_end_words(wait_status, words, sizeof(words));
	if (!state.is_ready && !served) {
		say(instance, LEVEL_ERROR, "%s: does not start (%s)", service->name, words);
		state.status =
			WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0 && WEXITSTATUS(wait_status) != 127
				? WEXITSTATUS(wait_status)
				: EX_UNAVAILABLE;
		state.ending = true;
		return;
	}
	service->start_at = backoff_next(&service->backoff_ms, started_ms);
	say(instance, LEVEL_ERROR, "%s: ended with %s; starts again in %lld s", service->name, words,
	    (long long)(service->start_at - clock_ticks_ms() + 999) / 1000);
}

static bool left(pid_t pid)
{
	for (size_t i = 0; i < LEAVING; i++)
		if (state.leaving[i] == pid) {
			state.leaving[i] = 0;
			return true;
		}
	return false;
}

static void child_ended(pid_t pid, int wait_status)
{
	char words[64];

	if (left(pid))
		return;
	if (pid == state.redis.pid) {
		int64_t started_ms = state.redis.started_ms;

		child_forget(&state.redis);
		if (!state.ending)
			redis_lost(child_end_words(wait_status, words, sizeof(words)), started_ms);
		return;
	}
	for (struct service *service = state.services; service < state.services + state.count; service++) {
		if (pid == service->next.pid && !child_is_ready(&service->next)) {
			child_forget(&service->next);
			say(state.instance, LEVEL_ERROR, "%s: its successor does not start (%s); the old process stays",
			    service->name, child_end_words(wait_status, words, sizeof(words)));
		} else if (pid == service->next.pid) {
			service_in_force(service); /* had just taken over */
		}
		if (pid == service->now.pid)
			service_ended(service, wait_status);
	}
}

static void reap(void)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0)
		child_ended(pid, wait_status);
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static void signals_take(void)
{
	char byte;

	while (read(signal_pipe[0], &byte, 1) == 1) {
		switch (byte) {
		case SIGTERM:
		case SIGINT:
			state.hurry = state.ending;
			state.ending = true;
			break;
		case SIGHUP:
			if (state.on_terminal && !isatty(STDIN_FILENO))
				state.ending = true; /* the terminal was closed */
			else if (!state.ending)
				reload();
			break;
		case SIGUSR2:
			if (!state.ending)
				successors_start();
			break;
		default:
			break; /* SIGCHLD: reap() follows */
		}
	}
	reap();
}

static int wait_limit(int limit_ms)
{
	int64_t now = clock_ticks_ms(), least = limit_ms;

	if (!state.redis_ready && (state.redis.pid != 0 || state.redis_adopted != 0) && !state.is_ready &&
	    least > LOOK_MS)
		least = LOOK_MS;
	if (state.redis_start_at != 0 && state.redis_start_at - now < least)
		least = state.redis_start_at - now;
	for (size_t i = 0; i < state.count; i++)
		if (state.services[i].start_at != 0 && state.services[i].start_at - now < least)
			least = state.services[i].start_at - now;
	return least < 0 ? 0 : (int)least;
}

static void wait_for_something(int limit_ms)
{
	struct pollfd fds[1 + 2 * SETUP_SERVICES * 2];
	nfds_t count = 0;

	fds[count++] = (struct pollfd){ .fd = signal_pipe[0], .events = POLLIN };
	for (size_t i = 0; i < state.count; i++) {
		const struct child *children[] = { &state.services[i].now, &state.services[i].next };

		for (size_t j = 0; j < 2; j++)
			if (children[j]->ready_fd >= 0)
				fds[count++] = (struct pollfd){ .fd = children[j]->ready_fd, .events = POLLIN };
	}
	(void)poll(fds, count, limit_ms);
}

/* Mostly it answers at once: then no service begins by missing it. One with much to load is not waited for. */
static void redis_first(void)
{
	int64_t until_ms = clock_ticks_ms() + REDIS_FIRST_MS;

	redis_begin();
	while ((state.redis.pid != 0 || state.redis_adopted != 0) && !state.redis_ready && !state.ending &&
	       clock_ticks_ms() < until_ms) {
		wait_for_something(10);
		signals_take();
		state.redis_ready = redis_answers();
	}
}

static bool all_serve(void)
{
	for (size_t i = 0; i < state.count; i++)
		if (state.services[i].wanted && !state.services[i].now.ready)
			return false;
	return true;
}

static void readiness_look(int64_t started_ms)
{
	int64_t waited_ms = clock_ticks_ms() - started_ms;
	bool redis_pending = (state.redis.pid != 0 || state.redis_adopted != 0) && !state.redis_ready;

	if (state.is_ready || state.ending)
		return;
	if (all_serve() && (!redis_pending || waited_ms > REDIS_START_MS)) {
		if (redis_pending)
			say(state.instance, LEVEL_WARNING, "redis: does not answer yet; the services go on without it");
		state.is_ready = true;
		state.instance->ready(state.instance);
	} else if (waited_ms > START_LIMIT_MS) {
		say(state.instance, LEVEL_ERROR, "not all services serve after %d s", START_LIMIT_MS / 1000);
		state.status = EX_UNAVAILABLE;
		state.ending = true;
	}
}

/* ---- end --------------------------------------------------------------------------------------- */

/* Sends a signal to all processes of services; how many there are. */
static unsigned services_signal(int number)
{
	unsigned count = 0;

	for (size_t i = 0; i < state.count; i++) {
		const pid_t pids[] = { state.services[i].now.pid, state.services[i].next.pid };

		for (size_t j = 0; j < 2; j++)
			if (pids[j] != 0 && (number == 0 || kill(pids[j], number) == 0))
				count++;
	}
	for (size_t i = 0; i < LEAVING; i++)
		if (state.leaving[i] != 0 && (number == 0 || kill(state.leaving[i], number) == 0))
			count++;
	return count;
}

static void services_end(void)
{
	int64_t until_ms = clock_ticks_ms() + END_LIMIT_MS;

	services_signal(SIGTERM);
	while (services_signal(0) > 0 && clock_ticks_ms() < until_ms && !state.hurry) {
		wait_for_something(100);
		signals_take();
	}
	if (services_signal(0) == 0)
		return;
	say(state.instance, LEVEL_WARNING, "services that do not end are killed");
	services_signal(SIGKILL);
	for (int i = 0; i < 20 && services_signal(0) > 0; i++) {
		wait_for_something(100);
		reap();
	}
}

static bool redis_lives(void)
{
	return state.redis.pid != 0 || process_lives(state.redis_adopted);
}

/* Last, so that the services' last decisions are written. One that we did not start, now or before, stays. */
static void redis_end(void)
{
	int64_t until_ms = clock_ticks_ms() + END_LIMIT_MS;
	pid_t pid = state.redis.pid;

	if (pid == 0 && state.redis_adopted != 0 && redis_listener() == state.redis_adopted &&
	    redis_is_ours(state.redis_adopted))
		pid = state.redis_adopted;
	if (pid == 0 || kill(pid, SIGTERM) < 0)
		return;
	while (redis_lives() && clock_ticks_ms() < until_ms && !state.hurry) {
		wait_for_something(50);
		signals_take();
	}
	if (state.redis.pid == 0)
		return;
	say(state.instance, LEVEL_WARNING, "redis: does not end and is killed");
	kill(state.redis.pid, SIGKILL);
	(void)waitpid(state.redis.pid, NULL, 0);
}

int supervise(struct instance *instance)
{
	int64_t started_ms = clock_ticks_ms();

	state.instance = instance;
	state.on_terminal = isatty(STDIN_FILENO);
	if (instance->setup.store->address[0] == '\0')
		redis_first();
	if (!state.ending)
		services_arrange();
	while (!state.ending) {
		wait_for_something(wait_limit(TICK_MS));
		signals_take();
		if (state.ending)
			break;
		services_look();
		redis_look();
		readiness_look(started_ms);
		if (state.is_ready && all_serve())
			notify_alive();
	}
	notify_stopping();
	if (state.is_ready)
		say(instance, LEVEL_NOTICE, "ending");
	services_end();
	redis_end();
	return state.status;
}
