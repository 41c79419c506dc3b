/*
 * Starting a program under supervision (child.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "system/clock.h"

#define FOLDERS "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void die(const char *what) __attribute__((noreturn));
static void die(const char *what)
{
	fprintf(stderr, "leumund: %s: %s\n", what, strerror(errno));
	_exit(127);
}

/* What systemd told the supervisor is for the supervisor alone. */
static void environment_set(int ready_fd)
{
	char number[16];

	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unsetenv("LEUMUND_READY_FD");
	if (ready_fd < 0)
		return;
	snprintf(number, sizeof(number), "%d", ready_fd);
	if (setenv("LEUMUND_READY_FD", number, 1) < 0 || fcntl(ready_fd, F_SETFD, 0) < 0)
		die("LEUMUND_READY_FD");
}

static void descriptors_set(int output)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		die("/dev/null");
	if (output >= 0 && (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0))
		die("log file");
}

/* In the child: a group of its own, so that Ctrl-C in a terminal reaches only the supervisor. */
static void become(const struct program *program, int ready_fd) __attribute__((noreturn));
static void become(const struct program *program, int ready_fd)
{
	char error[256], path[PATH_MAX];
	static const int caught[] = { SIGHUP, SIGTERM, SIGINT, SIGUSR2, SIGCHLD, SIGPIPE };
	sigset_t none;

	setpgid(0, 0);
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		signal(caught[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	descriptors_set(program->output);
	environment_set(ready_fd);
	if (program->directory && chdir(program->directory) < 0)
		die(program->directory);
	if (program->user && privileges_drop(program->user, &program->ids, error, sizeof(error)) < 0) {
		fprintf(stderr, "leumund: %s\n", error);
		_exit(127);
	}
	if (program->user)
		umask(0077);
	if (!program_find(program->file, path, sizeof(path)))
		die(program->file);
	execv(path, (char *const *)(uintptr_t)program->argv);
	die(path);
}

int child_start(struct child *child, const struct program *program)
{
	int ends[2] = { -1, -1 };
	sigset_t all, before;
	pid_t pid;

	*child = CHILD_NONE;
	if (program->tells_ready && pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	if (program->tells_ready)
		(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	/* until it is the program, a signal to the child would meet our handlers, and seem to be for us */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(program, ends[1]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (program->tells_ready)
		close(ends[1]);
	if (pid < 0) {
		int saved = errno;

		if (ends[0] >= 0)
			close(ends[0]);
		errno = saved;
		return -1;
	}
	setpgid(pid, pid);
	child->pid = pid;
	child->ready_fd = ends[0];
	child->started_ms = clock_ticks_ms();
	return 0;
}

bool child_is_ready(struct child *child)
{
	char buffer[16];
	ssize_t n;

	if (child->ready_fd < 0)
		return child->ready;
	n = read(child->ready_fd, buffer, sizeof(buffer));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	child->ready = n >= 5 && !memcmp(buffer, "ready", 5);
	close(child->ready_fd);
	child->ready_fd = -1;
	return child->ready;
}

void child_forget(struct child *child)
{
	if (child->ready_fd >= 0)
		close(child->ready_fd);
	*child = CHILD_NONE;
}

/* /proc/PID/stat is "PID (name) state ...", and the name may hold anything. */
bool process_lives(pid_t pid)
{
	char path[40], line[512];
	const char *end;
	size_t len;
	FILE *file;

	if (pid <= 0 || (kill(pid, 0) < 0 && errno == ESRCH))
		return false;
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (!file)
		return errno != ENOENT;
	len = fread(line, 1, sizeof(line) - 1, file);
	fclose(file);
	line[len] = '\0';
	end = strrchr(line, ')');
	return !end || end[1] == '\0' || (end[2] != 'Z' && end[2] != 'X');
}

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static bool find_in(const char *folders, const char *name, char *path, size_t size)
{
	while (*folders) {
		int len = (int)strcspn(folders, ":");
		int written = snprintf(path, size, "%.*s/%s", len, folders, name);

		/* a relative folder would make it depend on where we are */
		if (*folders == '/' && written > 0 && (size_t)written < size && is_program(path))
			return true;
		folders += len;
		folders += *folders == ':';
	}
	return false;
}

bool program_find(const char *name, char *path, size_t size)
{
	const char *folders = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(path, size, "%s", name);
		return is_program(path);
	}
	if ((folders && find_in(folders, name, path, size)) || find_in(FOLDERS, name, path, size))
		return true;
	errno = ENOENT;
	return false;
}

const char *child_end_words(int wait_status, char *out, size_t size)
{
	if (WIFSIGNALED(wait_status))
		snprintf(out, size, "signal %d (%s)", WTERMSIG(wait_status), strsignal(WTERMSIG(wait_status)));
	else
		snprintf(out, size, "status %d", WEXITSTATUS(wait_status));
	return out;
}
