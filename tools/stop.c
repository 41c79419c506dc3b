/*
 * `leumund stop`, `reload`, `restart`: signals to a running instance, and waiting for what they do.
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "child.h"
#include "instance.h"
#include "redis_server.h"
#include "system/clock.h"
#include "system/pid_file.h"
#include "system/privileges.h"
#include "tool.h"

#define STOP_LIMIT_MS 40000
#define RESTART_LIMIT_MS 60000
#define SUCCESSOR_MS 2000 /* without one, nothing will change any more */
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
		    !strcmp(entry->d_name, INSTANCE_PID_FILE) || !strcmp(entry->d_name, REDIS_PID_FILE))
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

/* What is to be signalled. */
struct target {
	pid_t supervisor; /* 0: none */
	struct living services;
};

/* What the services would refuse is said here, where somebody reads it; a configuration that is not known is theirs. */
static int conf_try(const struct call *call)
{
	char conf[PATH_MAX];
	struct setup setup;
	int status;

	if (!call->conf_given && call->run && !ask_conf(call->run, conf, sizeof(conf)))
		return 0;
	status = tool_setup(call, &setup);
	if (status == 0)
		setup_free(&setup);
	return status;
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

/* 0, or the exit status after a complaint; the working directory is the run directory then. */
static int target_find(struct target *target, const struct call *call, bool needs_good_conf)
{
	struct call effective = *call;
	int status = 0;

	if (call->count > 0)
		effective.run = call->words[0];
	if (needs_good_conf)
		status = conf_try(&effective);
	if (status == 0)
		status = run_go(&effective);
	if (status != 0)
		return status;
	target->supervisor = pid_file_holder(INSTANCE_PID_FILE);
	living_find(&target->services);
	return 0;
}

static int nothing_runs(int status)
{
	char here[PATH_MAX];

	complain("nothing runs in %s; `leumund run` starts it, -r RUN names another directory",
		 getcwd(here, sizeof(here)) ? here : "this directory");
	return status;
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

static bool wait_until(bool (*over)(void *arg), void *arg, int64_t limit_ms)
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

static bool living_are_over(void *arg)
{
	const struct living *living = arg;

	for (size_t i = 0; i < living->count; i++)
		if (process_lives(living->pid[i]))
			return false;
	return true;
}

static bool process_is_over(void *arg)
{
	const pid_t *pid = arg;

	return !process_lives(*pid);
}

/* When the supervisor was killed, what it started lives on. `none` is the status when there is nothing. */
static int orphans_stop(struct living *living, int none)
{
	pid_t redis = redis_listener();

	if (!redis_is_ours(redis))
		redis = 0;
	if (living->count == 0 && redis == 0)
		return none;
	for (size_t i = 0; i < living->count; i++)
		if (send_signal(living->pid[i], SIGTERM) < 0)
			return EX_UNAVAILABLE;
	if (!wait_until(living_are_over, living, STOP_LIMIT_MS)) {
		complain("not all services have ended after %d s", STOP_LIMIT_MS / 1000);
		return EX_UNAVAILABLE;
	}
	if (redis != 0 && (send_signal(redis, SIGTERM) < 0 || !wait_until(process_is_over, &redis, STOP_LIMIT_MS))) {
		complain("redis (process %ld) has not ended", (long)redis);
		return EX_UNAVAILABLE;
	}
	unlink(INSTANCE_PID_FILE);
	return EX_OK;
}

int command_stop(const struct call *call)
{
	struct target target;
	int status = target_find(&target, call, false);

	if (status != 0)
		return status;
	if (target.supervisor == 0) {
		status = orphans_stop(&target.services, EXIT_FINDING);
		return status == EXIT_FINDING ? nothing_runs(status) : status;
	}
	if (send_signal(target.supervisor, SIGTERM) < 0)
		return EX_UNAVAILABLE;
	if (!wait_until(process_is_over, &target.supervisor, STOP_LIMIT_MS)) {
		complain("process %ld has not ended after %d s", (long)target.supervisor, STOP_LIMIT_MS / 1000);
		return EX_UNAVAILABLE;
	}
	living_find(&target.services); /* it may have been killed just now */
	return orphans_stop(&target.services, EX_OK);
}

/* ---- reload and restart ------------------------------------------------------------------------ */

/* Services read it again as their user, and root, who asks, may read what that user may not. */
static int conf_try_as_service(const struct call *call, const char *pid_file)
{
	struct call theirs = { .run = ".", .conf = call->conf };
	const struct passwd *user;
	struct account_ids ids;
	struct stat owner;
	struct setup setup;
	char error[256];
	int status;
	pid_t pid;

	if (geteuid() != 0 || stat(pid_file, &owner) < 0 || owner.st_uid == 0)
		return 0;
	user = getpwuid(owner.st_uid);
	ids = (struct account_ids){ owner.st_uid, owner.st_gid };
	pid = user ? fork() : -1;
	if (pid == 0)
		_exit(privileges_drop(user->pw_name, &ids, error, sizeof(error)) < 0 ? 0 : tool_setup(&theirs, &setup));
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int command_reload(const struct call *call)
{
	struct target target;
	int status = target_find(&target, call, true);

	if (status == 0 && target.services.count > 0)
		status = conf_try_as_service(call, target.services.file[0]);
	if (status != 0)
		return status;
	if (target.supervisor != 0)
		return send_signal(target.supervisor, SIGHUP) < 0 ? EX_UNAVAILABLE : EX_OK;
	if (target.services.count == 0)
		return nothing_runs(EX_UNAVAILABLE);
	/* services that systemd started one by one have no supervisor of ours */
	for (size_t i = 0; i < target.services.count; i++)
		if (send_signal(target.services.pid[i], SIGHUP) < 0)
			status = EX_UNAVAILABLE;
	return status;
}

/* Each service that lived has a new process now. */
static bool all_are_replaced(const struct living *living)
{
	for (size_t i = 0; i < living->count; i++) {
		pid_t pid = pid_file_holder(living->file[i]);

		if (pid == 0 || pid == living->pid[i])
			return false;
	}
	return true;
}

/* What a restart waits for, and how long no successor has lived. */
struct replacement {
	const struct target *target;
	pid_t redis;
	int64_t seen_ms;
	bool done;
};

static bool is_in_force(const struct replacement *replacement, pid_t pid)
{
	const struct living *living = &replacement->target->services;

	for (size_t i = 0; i < living->count; i++)
		if (living->pid[i] == pid)
			return true;
	return pid == replacement->redis;
}

/* True too where the kernel does not say (CONFIG_PROC_CHILDREN): then the limit must do. */
static bool successor_lives(const struct replacement *replacement)
{
	pid_t supervisor = replacement->target->supervisor;
	char path[64], line[1024] = "";
	bool lives = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)supervisor, (long)supervisor);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (fgets(line, sizeof(line), file))
		for (char *at = line, *end; !lives; at = end) {
			pid_t pid = (pid_t)strtol(at, &end, 10);

			if (end == at)
				break;
			lives = !is_in_force(replacement, pid);
		}
	fclose(file);
	return lives;
}

static bool is_over(void *arg)
{
	struct replacement *replacement = arg;

	replacement->done = all_are_replaced(&replacement->target->services);
	if (successor_lives(replacement))
		replacement->seen_ms = clock_ticks_ms();
	return replacement->done || clock_ticks_ms() - replacement->seen_ms > SUCCESSOR_MS;
}

static int replacement_wait(const struct target *target, pid_t redis)
{
	struct replacement replacement = { .target = target, .redis = redis, .seen_ms = clock_ticks_ms() };
	bool over = wait_until(is_over, &replacement, RESTART_LIMIT_MS);

	if (replacement.done)
		return EX_OK;
	if (over)
		complain("a service's successor does not start, and the old process stays: the log says why, and "
			 "`leumund check` may");
	else
		complain("not all services were replaced within %d s: the old ones stay; the log says why",
			 RESTART_LIMIT_MS / 1000);
	return EX_UNAVAILABLE;
}

int command_restart(const struct call *call)
{
	struct target target;
	int status = target_find(&target, call, true);
	pid_t redis;

	if (status != 0)
		return status;
	if (target.supervisor == 0 && target.services.count == 0)
		return nothing_runs(EX_UNAVAILABLE);
	if (target.supervisor == 0) {
		complain("no `leumund run` is at work here; what systemd started is restarted by systemctl");
		return EX_UNAVAILABLE;
	}
	redis = redis_listener();
	if (send_signal(target.supervisor, SIGUSR2) < 0)
		return EX_UNAVAILABLE;
	return replacement_wait(&target, redis);
}
