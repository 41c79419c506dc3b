/*
 * The services of an instance as processes (services.h).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "child.h"
#include "learn.h"
#include "retry.h"
#include "services.h"
#include "system/clock.h"

#define SERVICES ((size_t)SETUP_SERVICES * 2) /* beside those of the configuration the ones that it has just lost */
#define LEAVING 64

struct service {
	char name[40];
	bool wanted;
	struct child now, next; /* the one in force; its successor that does not serve yet */
	struct retry retry;
};

static struct service services[SERVICES];
static size_t service_count;
static pid_t leaving[LEAVING]; /* were replaced or switched off, drain and end */

/* A process of each; leumund-learn is started and replaced like a service, and serves nobody. */
static void service_start(struct instance *instance, struct service *service, struct child *child)
{
	const bool is_learner = strcmp(service->name, LEARN_NAME) == 0;
	const char *argv[9];
	struct program program = { .file = is_learner ? instance->learner : instance->daemon,
				   .argv = argv,
				   .output = instance->output,
				   .tells_ready = true };
	int n = 0;

	argv[n++] = is_learner ? "leumund-learn" : "leumundd";
	argv[n++] = "-c";
	argv[n++] = instance->conf;
	argv[n++] = "-r";
	argv[n++] = instance->run;
	if (instance->stay_root)
		argv[n++] = "-S";
	argv[n++] = is_learner ? "-T" : service->name;
	argv[n] = NULL;
	service->retry.at_ms = 0;
	if (child_start(child, &program) == 0)
		return;
	say(instance, LEVEL_ERROR, "%s: cannot be started: %s", service->name, strerror(errno));
	(void)retry_plan(&service->retry, clock_ticks_ms());
}

static void leaving_add(pid_t pid)
{
	for (size_t i = 0; i < LEAVING; i++)
		if (leaving[i] == 0) {
			leaving[i] = pid;
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

void services_look(struct instance *instance)
{
	for (struct service *service = services; service < services + service_count; service++) {
		bool was_ready = service->now.ready;

		if (service->now.pid != 0 && !was_ready && child_is_ready(&service->now) && instance->is_ready)
			say(instance, LEVEL_NOTICE, "%s: serves again (process %ld)", service->name,
			    (long)service->now.pid);
		if (service->next.pid != 0 && child_is_ready(&service->next)) {
			say(instance, LEVEL_NOTICE, "%s: process %ld has taken over", service->name,
			    (long)service->next.pid);
			service_in_force(service);
		}
		if (service->wanted && retry_is_due(&service->retry))
			service_start(instance, service, &service->now);
	}
}

void services_replace(struct instance *instance)
{
	for (struct service *service = services; service < services + service_count; service++) {
		if (!service->wanted || service->next.pid != 0)
			continue;
		service->retry.wait_ms = 0;
		service_start(instance, service, service->now.pid != 0 ? &service->next : &service->now);
	}
}

static struct service *service_named(const char *name)
{
	for (size_t i = 0; i < service_count; i++)
		if (!strcmp(services[i].name, name))
			return &services[i];
	if (service_count == SERVICES)
		return NULL;
	struct service *service = &services[service_count++];

	snprintf(service->name, sizeof(service->name), "%s", name);
	service->now = service->next = CHILD_NONE;
	return service;
}

static void service_switch_off(struct instance *instance, struct service *service)
{
	struct child *children[] = { &service->now, &service->next };

	for (size_t i = 0; i < 2; i++) {
		if (children[i]->pid != 0) {
			say(instance, LEVEL_NOTICE, "%s: is no longer enabled and ends", service->name);
			kill(children[i]->pid, SIGTERM);
			leaving_add(children[i]->pid);
		}
		child_forget(children[i]);
	}
	service->retry.at_ms = 0;
}

static void service_want(struct instance *instance, const char *name)
{
	struct service *service = service_named(name);

	if (!service)
		return;
	service->wanted = true;
	if (service->now.pid == 0)
		service_start(instance, service, &service->now);
}

void services_arrange(struct instance *instance)
{
	const struct setup *setup = &instance->setup;

	for (size_t i = 0; i < service_count; i++)
		services[i].wanted = false;
	for (size_t i = 0; i < setup->service_count; i++)
		service_want(instance, setup->services[i]);
	if (setup->learn->enable)
		service_want(instance, LEARN_NAME);
	for (size_t i = 0; i < service_count; i++)
		if (!services[i].wanted)
			service_switch_off(instance, &services[i]);
}

/* ---- children that ended ----------------------------------------------------------------------- */

static void service_ended(struct instance *instance, struct service *service, int wait_status)
{
	int64_t started_ms = service->now.started_ms;
	bool served = child_is_ready(&service->now);
	char words[64];

	child_forget(&service->now);
	if (instance->ending)
		return;
	if (service->next.pid != 0) { /* its successor was faster than our look at it */
		service->now = service->next;
		service->next = CHILD_NONE;
		return;
	}
	if (!service->wanted)
		return;
	child_end_words(wait_status, words, sizeof(words));
	if (!instance->is_ready && !served) {
		say(instance, LEVEL_ERROR, "%s: does not start (%s)", service->name, words);
		instance->status =
			WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0 && WEXITSTATUS(wait_status) != 127
				? WEXITSTATUS(wait_status)
				: EX_UNAVAILABLE;
		instance->ending = true;
		return;
	}
	say(instance, LEVEL_ERROR, "%s: ended with %s; starts again in %d s", service->name, words,
	    retry_plan(&service->retry, started_ms));
}

static bool left(pid_t pid)
{
	for (size_t i = 0; i < LEAVING; i++)
		if (leaving[i] == pid) {
			leaving[i] = 0;
			return true;
		}
	return false;
}

void services_child_ended(struct instance *instance, pid_t pid, int wait_status)
{
	char words[64];

	if (left(pid))
		return;
	for (struct service *service = services; service < services + service_count; service++) {
		if (pid == service->next.pid && !child_is_ready(&service->next)) {
			child_forget(&service->next);
			say(instance, LEVEL_ERROR, "%s: its successor does not start (%s); the old process stays",
			    service->name, child_end_words(wait_status, words, sizeof(words)));
		} else if (pid == service->next.pid) {
			service_in_force(service); /* had just taken over */
		}
		if (pid == service->now.pid)
			service_ended(instance, service, wait_status);
	}
}

/* ---- all of them ------------------------------------------------------------------------------- */

void services_reload(void)
{
	for (size_t i = 0; i < service_count; i++) {
		if (services[i].now.ready)
			kill(services[i].now.pid, SIGHUP);
		if (services[i].next.ready)
			kill(services[i].next.pid, SIGHUP);
	}
}

bool services_all_serve(void)
{
	for (size_t i = 0; i < service_count; i++)
		if (services[i].wanted && !services[i].now.ready)
			return false;
	return true;
}

unsigned services_signal(int number)
{
	unsigned count = 0;

	for (size_t i = 0; i < service_count; i++) {
		const pid_t pids[] = { services[i].now.pid, services[i].next.pid };

		for (size_t j = 0; j < 2; j++)
			if (pids[j] != 0 && (number == 0 || kill(pids[j], number) == 0))
				count++;
	}
	for (size_t i = 0; i < LEAVING; i++)
		if (leaving[i] != 0 && (number == 0 || kill(leaving[i], number) == 0))
			count++;
	return count;
}

nfds_t services_poll_fds(struct pollfd *fds)
{
	nfds_t count = 0;

	for (size_t i = 0; i < service_count; i++) {
		const struct child *children[] = { &services[i].now, &services[i].next };

		for (size_t j = 0; j < 2; j++)
			if (children[j]->ready_fd >= 0)
				fds[count++] = (struct pollfd){ .fd = children[j]->ready_fd, .events = POLLIN };
	}
	return count;
}

int64_t services_due_ms(int64_t latest_ms)
{
	for (size_t i = 0; i < service_count; i++)
		latest_ms = retry_earlier(&services[i].retry, latest_ms);
	return latest_ms;
}
