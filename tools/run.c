/*
 * `leumund run`: prepares an instance (run directory, user, lock) and supervises it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "learn.h"
#include "supervisor.h"
#include "system/notify.h"
#include "system/pid_file.h"
#include "tool.h"

#define LOG_FILE "leumund.log"
#define TAIL_BYTES 8192

/* Another program of ours: beside this one, where it was to be installed, or in PATH. */
static void program_of_ours(const char *name, char *out, size_t size)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = NULL;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
	}
	if (slash) {
		*slash = '\0';
		if ((size_t)snprintf(out, size, "%s/%s", self, name) < size && access(out, X_OK) == 0)
			return;
	}
	snprintf(out, size, LEUMUND_SBINDIR "/%s", name);
	if (access(out, X_OK) != 0)
		snprintf(out, size, "%s", name);
}

/* As root services become leumund.user. Without that user this is a private instance, and root stays root. */
static int user_choose(struct instance *instance)
{
	const struct leumund_options *options = instance->setup.leumund;
	char error[256];

	instance->ids = (struct account_ids){ geteuid(), getegid() };
	if (geteuid() != 0 || instance->stay_root)
		return 0;
	if (!getpwnam(options->user)) {
		instance->stay_root = true;
		complain("user '%s' does not exist: everything stays root, which is for trying only", options->user);
		return 0;
	}
	if (privileges_find(options->user, options->socket_group, &instance->ids, error, sizeof(error)) < 0) {
		complain("%s", error);
		return EX_CONFIG;
	}
	/* a reload frees the options */
	snprintf(instance->user_name, sizeof(instance->user_name), "%s", options->user);
	instance->user = instance->user_name;
	return 0;
}

/* A new one, and one of the user's that was made when socket_group was another: that group could not pass it. */
static int run_give(const struct instance *instance, const char *run, bool is_new)
{
	const struct account_ids *ids = &instance->ids;
	int fd = instance->user ? open(run, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1, result = 0;
	struct stat status;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && (is_new || (status.st_uid == ids->uid && status.st_gid != ids->gid)))
		result = fchown(fd, ids->uid, ids->gid);
	if (result < 0)
		complain("%s: cannot be given to user '%s': %s", run, instance->user, strerror(errno));
	close(fd);
	return result < 0 ? EX_OSERR : 0;
}

static int run_prepare(struct instance *instance, const char *run)
{
	struct stat status;
	bool is_new = mkdir(run, 0750) == 0;

	if (is_new || errno == EEXIST) {
		int given = run_give(instance, run, is_new);

		if (given != 0)
			return given;
	} else {
		complain("%s: cannot be made: %s; name another with -r RUN", run, strerror(errno));
		return EX_OSERR;
	}
	if (!realpath(run, instance->run) || stat(run, &status) < 0 || chdir(run) < 0) {
		complain("%s: %s; it must be yours: run this as its owner or as root, or name another with -r RUN", run,
			 strerror(errno));
		return EX_OSERR;
	}
	if (status.st_mode & S_IWOTH) {
		complain("%s is writable by all: anybody could put a socket of his own there; %s", instance->run,
			 /* such as /tmp, which must stay as it is */
			 status.st_mode & S_ISVTX ? "name a directory of its own with -r RUN" : "chmod 0750");
		return EX_CONFIG;
	}
	return 0;
}

/* The lock on the directory decides between two that start at once; the pid file says who has it. */
static int run_lock(const struct instance *instance)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t holder = 0;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (fd >= 0 && errno == EWOULDBLOCK)
			holder = pid_file_holder(INSTANCE_PID_FILE);
		if (holder > 0)
			complain("%s: another `leumund run` (process %ld) is at work there; `leumund stop -r %s` ends "
				 "it",
				 instance->run, (long)holder, instance->run);
		else
			complain("%s: cannot be locked: %s", instance->run, strerror(errno));
		return EX_UNAVAILABLE;
	}
	if (pid_file_take(INSTANCE_PID_FILE) < 0) {
		complain("%s/leumund.pid: %s; %s", instance->run, strerror(errno),
			 errno == EACCES || errno == EPERM ? "is the directory yours?" : "is there room on that disk?");
		return EX_OSERR;
	}
	return 0;
}

/* ---- detached ---------------------------------------------------------------------------------- */

static off_t log_start;

static int log_file_open(struct instance *instance)
{
	instance->output = open(LOG_FILE, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (instance->output < 0) {
		complain("%s/%s: %s", instance->run, LOG_FILE, strerror(errno));
		return EX_OSERR;
	}
	log_start = lseek(instance->output, 0, SEEK_END);
	return 0;
}

/* What the services said about a failed start: whoever started us sees only our stderr. */
static void log_file_show(const struct instance *instance)
{
	char buffer[TAIL_BYTES + 1];
	ssize_t len = pread(instance->output, buffer, TAIL_BYTES, log_start);

	if (len <= 0)
		return;
	buffer[len] = '\0';
	fputs(buffer, stderr);
}

/*
 * The parent waits for the word that everything serves, or for the child's end. Only the child returns;
 * 0 or an exit status.
 */
static int detach(void)
{
	char number[16], word[8];
	int ends[2], null;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		complain("cannot detach: %s", strerror(errno));
		return EX_OSERR;
	}
	if (pid > 0) {
		ssize_t len;

		close(ends[1]);
		while ((len = read(ends[0], word, sizeof(word))) < 0 && errno == EINTR)
			;
		/* it has said why by itself */
		exit(len > 0 && word[0] == 'r' ? EX_OK : len > 0 ? (unsigned char)word[0] : EX_UNAVAILABLE);
	}
	close(ends[0]);
	setsid();
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	/* notify_ready() writes there */
	snprintf(number, sizeof(number), "%d", ends[1]);
	setenv("LEUMUND_READY_FD", number, 1);
	return 0;
}

/* Exit statuses are below 'r'. */
static void detached_failed(int status)
{
	const char *name = getenv("LEUMUND_READY_FD");
	char byte = (char)status;

	if (name && write((int)strtol(name, NULL, 10), &byte, 1) < 0)
		complain("whoever started this has gone");
}

/* ---- the command ------------------------------------------------------------------------------- */

static void ready_say(struct instance *instance)
{
	printf("leumund: ready (%s)\n", instance->run);
	fflush(stdout);
	notify_ready();
	notify_status("all services serve");
	if (instance->output >= 0) { /* whoever reads our output must not wait for us */
		(void)dup2(instance->output, STDOUT_FILENO);
		(void)dup2(instance->output, STDERR_FILENO);
	}
}

static int instance_run(struct instance *instance, const struct call *call, const char *run)
{
	const struct leumund_options *options = instance->setup.leumund;
	int status = user_choose(instance);

	if (status == 0)
		status = run_prepare(instance, run);
	if (status == 0)
		status = run_lock(instance);
	if (status == 0 && call->detach)
		status = log_file_open(instance);
	if (status != 0)
		return status;
	if (supervisor_signals() < 0) {
		complain("no pipe: %s", strerror(errno));
		return EX_OSERR;
	}
	log_open("leumund", (enum log_target)options->log, (enum log_level)(LEVEL_ERROR + options->log_level));
	program_of_ours("leumundd", instance->daemon, sizeof(instance->daemon));
	program_of_ours("leumund-learn", instance->learner, sizeof(instance->learner));
	instance->ready = ready_say;
	status = supervise(instance);
	if (status != 0 && call->detach)
		log_file_show(instance);
	pid_file_remove(INSTANCE_PID_FILE);
	return status;
}

int command_run(const struct call *call)
{
	struct instance instance = { .stay_root = call->stay_root, .output = -1 };
	struct call effective = *call;
	int status;

	/* never what an instance that is to be replaced was started with */
	effective.conf_given = true;

	if (call->count == 1) {
		complain("write both, CONF.D and RUN, or use -c and -r");
		return EX_USAGE;
	}
	if (call->count == 2) {
		effective.conf = call->words[0];
		effective.run = call->words[1];
	}
	if (!tool_conf(&effective, instance.conf, sizeof(instance.conf)))
		return EX_CONFIG;
	status = tool_setup(&effective, &instance.setup);
	if (status != 0)
		return status;
	if (instance.setup.service_count == 0 && !instance.setup.learn->enable) {
		complain("%s: no service is enabled; set enable = true in a milter's section", instance.conf);
		setup_free(&instance.setup);
		return EX_CONFIG;
	}
	if (call->detach)
		status = detach();
	if (status == 0)
		status = instance_run(&instance, call, tool_run(&effective, &instance.setup));
	if (status != 0 && call->detach)
		detached_failed(status);
	setup_free(&instance.setup);
	return status;
}
