/*
 * `leumund stop`, `reload`, `restart`: signals to a running instance, and waiting for what they do.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "child.h"
#include "clock.h"
#include "pid_file.h"
#include "redis_server.h"
#include "setup.h"
#include "tool.h"

#define SUPERVISOR_PID_FILE "leumund.pid"
#define STOP_LIMIT_MS 40000
#define RESTART_LIMIT_MS 60000
#define LOOK_MS 50
#define PROCESSES ((size_t)2 * SETUP_SERVICES)

/* The services that live in the working directory, by their pid files. */
struct living {
	char file[PROCESSES][NAME_MAX + 1];
	pid_t pid[PROCESSES];
	size_t count;
};

static void living_find(struct living *living)
{
	DIR *directory = opendir(".");
	const struct dirent *entry;

	living->count = 0;
	while (directory && (entry = readdir(directory)) && living->count < PROCESSES) {
		const char *dot = strrchr(entry->d_name, '.');
		pid_t pid;

		if (entry->d_name[0] == '.' || !dot || strcmp(dot, ".pid") != 0 ||
		    !strcmp(entry->d_name, SUPERVISOR_PID_FILE) || !strcmp(entry->d_name, REDIS_PID_FILE))
			continue;
		pid = pid_file_holder(entry->d_name);
		if (pid <= 0)
			continue;
		snprintf(living->file[living->count], sizeof(living->file[0]), "%s", entry->d_name);
		living->pid[living->count++] = pid;
	}
	if (directory)
		closedir(directory);
}

/* Goes to the run directory. With RUN given no configuration is needed. */
static int run_go(const struct call *call)
{
	struct setup setup;
	int status;

	if (call->run)
		return tool_run_enter(call->run);
	status = tool_setup(call, &setup);
	if (status != 0)
		return status;
	status = tool_run_enter(setup.leumund->run);
	setup_free(&setup);
	return status;
}

static struct call with_run(const struct call *call)
{
	struct call result = *call;

	if (call->count > 0)
		result.run = call->words[0];
	return result;
}

/* What the services would refuse is said here, where somebody reads it; a configuration that is not known is theirs. */
static int run_go_with_good_conf(const struct call *call)
{
	char conf[PATH_MAX];
	struct setup setup;
	int status;

	if (call->conf_given || !call->run || ask_conf(call->run, conf, sizeof(conf))) {
		status = tool_setup(call, &setup);
		if (status != 0)
			return status;
		setup_free(&setup);
	}
	return run_go(call);
}

static int send_signal(pid_t pid, int number)
{
	if (kill(pid, number) == 0)
		return 0;
	if (errno == ESRCH)
		return 0; /* has just ended */
	complain("process %ld cannot be reached: %s; run this as root or as its user", (long)pid, strerror(errno));
	return -1;
}

static bool wait_until(bool (*over)(const void *arg), const void *arg, int64_t limit_ms)
{
	int64_t until_ms = clock_ticks_ms() + limit_ms;

	while (!over(arg)) {
		if (clock_ticks_ms() >= until_ms)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return true;
}

/* ---- stop -------------------------------------------------------------------------------------- */

static bool living_are_over(const void *arg)
{
	const struct living *living = arg;

	for (size_t i = 0; i < living->count; i++)
		if (process_lives(living->pid[i]))
			return false;
	return true;
}

static bool process_is_over(const void *arg)
{
	const pid_t *pid = arg;

	return !process_lives(*pid);
}

/* When the supervisor was killed, what it started lives on. `none` is the status when there is nothing. */
static int orphans_stop(int none)
{
	struct living living;
	pid_t redis = redis_listener();

	living_find(&living);
	if (!redis_is_ours(redis))
		redis = 0;
	if (living.count == 0 && redis == 0) {
		if (none != EX_OK)
			complain("nothing runs here");
		return none;
	}
	for (size_t i = 0; i < living.count; i++)
		if (send_signal(living.pid[i], SIGTERM) < 0)
			return EX_UNAVAILABLE;
	if (!wait_until(living_are_over, &living, STOP_LIMIT_MS)) {
		complain("not all services have ended after %d s", STOP_LIMIT_MS / 1000);
		return EX_UNAVAILABLE;
	}
	if (redis != 0 && (send_signal(redis, SIGTERM) < 0 || !wait_until(process_is_over, &redis, STOP_LIMIT_MS))) {
		complain("redis (process %ld) has not ended", (long)redis);
		return EX_UNAVAILABLE;
	}
	unlink(SUPERVISOR_PID_FILE);
	return EX_OK;
}

int command_stop(const struct call *call)
{
	struct call effective = with_run(call);
	int status = run_go(&effective);
	pid_t pid;

	if (status != 0)
		return status;
	pid = pid_file_holder(SUPERVISOR_PID_FILE);
	if (pid == 0)
		return orphans_stop(EXIT_FINDING);
	if (send_signal(pid, SIGTERM) < 0)
		return EX_UNAVAILABLE;
	if (wait_until(process_is_over, &pid, STOP_LIMIT_MS))
		return orphans_stop(EX_OK); /* it may have been killed just now */
	complain("process %ld has not ended after %d s", (long)pid, STOP_LIMIT_MS / 1000);
	return EX_UNAVAILABLE;
}

/* ---- reload and restart ------------------------------------------------------------------------ */

int command_reload(const struct call *call)
{
	struct call effective = with_run(call);
	int status = run_go_with_good_conf(&effective);
	struct living living;
	pid_t pid;

	if (status != 0)
		return status;
	pid = pid_file_holder(SUPERVISOR_PID_FILE);
	living_find(&living);
	if (pid == 0 && living.count == 0) {
		complain("nothing runs here");
		return EX_UNAVAILABLE;
	}
	/* services that systemd started one by one have no supervisor of ours */
	for (size_t i = 0; pid == 0 && i < living.count; i++)
		if (send_signal(living.pid[i], SIGHUP) < 0)
			status = EX_UNAVAILABLE;
	if (pid != 0 && send_signal(pid, SIGHUP) < 0)
		status = EX_UNAVAILABLE;
	return status;
}

/* Each service that lived has a new process now. */
static bool all_are_replaced(const void *arg)
{
	const struct living *living = arg;

	for (size_t i = 0; i < living->count; i++) {
		pid_t pid = pid_file_holder(living->file[i]);

		if (pid == 0 || pid == living->pid[i])
			return false;
	}
	return true;
}

int command_restart(const struct call *call)
{
	struct call effective = with_run(call);
	int status = run_go_with_good_conf(&effective);
	struct living living;
	pid_t pid;

	if (status != 0)
		return status;
	pid = pid_file_holder(SUPERVISOR_PID_FILE);
	if (pid == 0) {
		complain("no `leumund run` is at work here; what systemd started is restarted by systemctl");
		return EX_UNAVAILABLE;
	}
	living_find(&living);
	if (send_signal(pid, SIGUSR2) < 0)
		return EX_UNAVAILABLE;
	if (wait_until(all_are_replaced, &living, RESTART_LIMIT_MS))
		return EX_OK;
	complain("not all services were replaced within %d s: the old ones stay; the log says why",
		 RESTART_LIMIT_MS / 1000);
	return EX_UNAVAILABLE;
}
