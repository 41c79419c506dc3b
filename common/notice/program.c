/*
 * A program run for a notice (notice/program.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "notice/program.h"
#include "system/clock.h"

#define OUTPUT_MAX 300 /* bytes of its output that are kept */
#define LOOK_MS 20     /* a program may close its output long before it ends */
#define KILLED_MS 1000 /* for the kernel to take it away */
#define CANNOT_RUN 127

/* ---- in the child: only what is safe after fork() in a process with threads, signal-safety(7) ---------------------
 */

static void descriptors_close(void)
{
	struct rlimit limit = { .rlim_cur = 1024, .rlim_max = 1024 };

#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
		return;
#endif
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 3; fd < (int)(limit.rlim_cur < 65536 ? limit.rlim_cur : 65536); fd++)
		close(fd);
}

static void words_write(const char *words)
{
	(void)!write(STDERR_FILENO, words, strlen(words));
}

static void become(const struct program *program, int input, int output) __attribute__((noreturn));
static void become(const struct program *program, int input, int output)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	setpgid(0, 0);
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &standard, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
		_exit(CANNOT_RUN);
	descriptors_close();
	umask(0077);
	if (chdir("/") == 0)
		execve(program->argv[0], program->argv, program->environment);
	words_write(errno == ENOEXEC  ? "it has no #! line and is no binary"
		    : errno == EACCES ? "this user may not run it"
		    : errno == ENOENT ? "it, or the program that its #! line names, is not there"
				      : "the system does not run it");
	_exit(CANNOT_RUN);
}

/* ---- its end ----------------------------------------------------------------------------------- */

struct run {
	pid_t pid;
	int output; /* -1: at its end */
	bool has_ended, was_late, was_stopped;
	int status;
	char kept[OUTPUT_MAX];
	size_t kept_len;
};

static void output_read(struct run *run)
{
	char buffer[4096];
	ssize_t got;

	while (run->output >= 0 && (got = read(run->output, buffer, sizeof(buffer))) != -1) {
		size_t room = sizeof(run->kept) - run->kept_len;

		if (got == 0) {
			close(run->output);
			run->output = -1;
			return;
		}
		room = (size_t)got < room ? (size_t)got : room;
		memcpy(run->kept + run->kept_len, buffer, room);
		run->kept_len += room;
		/* one that never stops writing must not keep us from looking at the clock */
		if ((size_t)got == sizeof(buffer))
			return;
	}
}

/* Who ignores SIGCHLD never hears how a child ended: nor do we then. */
static void look(struct run *run)
{
	pid_t pid = waitpid(run->pid, &run->status, WNOHANG);

	if (pid == run->pid || (pid < 0 && errno == ECHILD))
		run->has_ended = true;
	if (pid < 0)
		run->status = 0;
}

static void await(struct run *run, int64_t deadline_ms, int stop_fd)
{
	while (!run->has_ended && !run->was_late && !run->was_stopped) {
		struct pollfd fds[] = { { .fd = run->output, .events = POLLIN }, { .fd = stop_fd, .events = POLLIN } };

		(void)poll(fds, 2, LOOK_MS);
		look(run);
		output_read(run);
		run->was_stopped = !run->has_ended && fds[1].revents != 0;
		run->was_late = !run->has_ended && clock_ticks_ms() >= deadline_ms;
	}
	if (run->has_ended)
		return;
	deadline_ms = clock_ticks_ms() + KILLED_MS;
	kill(-run->pid, SIGKILL);
	while (!run->has_ended && clock_ticks_ms() < deadline_ms) {
		(void)poll(NULL, 0, 1);
		look(run);
	}
}

static enum outcome outcome_of(const struct run *run, struct text *said)
{
	char words[64] = "";
	enum outcome outcome = FAILED;

	if (run->was_late) {
		snprintf(words, sizeof(words), "was killed, it had not ended after %d s", TRY_MS / 1000);
	} else if (run->was_stopped) {
		snprintf(words, sizeof(words), "was killed, this service ended");
	} else if (WIFSIGNALED(run->status)) {
		snprintf(words, sizeof(words), "ended by signal %d", WTERMSIG(run->status));
	} else if (WEXITSTATUS(run->status) != 0) {
		snprintf(words, sizeof(words), "ended with status %d", WEXITSTATUS(run->status));
		outcome = WEXITSTATUS(run->status) == CANNOT_RUN ? HOPELESS : FAILED;
	} else {
		outcome = DELIVERED;
	}
	text_str(said, words);
	if (run->kept_len == 0)
		return outcome;
	text_str(said, words[0] ? ", saying: " : "it says: ");
	for (size_t i = 0; i < run->kept_len; i++) {
		char c = run->kept[i] == '\n' || run->kept[i] == '\t' ? ' ' : run->kept[i];

		if (c != ' ' || i + 1 < run->kept_len)
			text_escaped(said, &c, 1, 1);
	}
	return outcome;
}

/* ---- start ------------------------------------------------------------------------------------- */

/* In memory: no pipe that has to be fed, or that breaks. */
static int input_make(const struct program *program)
{
	int fd = memfd_create("notice", MFD_CLOEXEC);

	if (fd < 0)
		return -1;
	if (write(fd, program->input, program->input_len) == (ssize_t)program->input_len && lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	close(fd);
	return -1;
}

static pid_t start(const struct program *program, int input, int output)
{
	sigset_t all, before;
	pid_t pid;

	/* until it is the program, a signal to the child would meet our handlers, and seem to be for us */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(program, input, output);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid > 0)
		setpgid(pid, pid);
	return pid;
}

enum outcome program_run(const struct program *program, int stop_fd, struct text *said)
{
	int64_t deadline_ms = clock_ticks_ms() + TRY_MS;
	int ends[2] = { -1, -1 }, input = input_make(program);
	struct run run = { .output = -1 };

	if (input >= 0 && pipe2(ends, O_CLOEXEC) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		run.pid = start(program, input, ends[1]);
	if (run.pid <= 0) {
		text_str(said, "cannot be started: ");
		text_str(said, strerror(errno));
	}
	run.output = ends[0];
	if (ends[1] >= 0)
		close(ends[1]);
	if (input >= 0)
		close(input);
	if (run.pid > 0)
		await(&run, deadline_ms, stop_fd);
	if (run.output >= 0)
		close(run.output);
	return run.pid > 0 ? outcome_of(&run, said) : FAILED;
}

const char *program_check(const char *path)
{
	char folder[4096];
	struct stat file, parent;
	const char *slash = strrchr(path, '/');

	if (path[0] != '/' || (size_t)(slash - path) >= sizeof(folder))
		return "begins with the absolute path of a program, such as /usr/local/sbin/notify";
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	if (stat(path, &file) < 0)
		return errno == EACCES ? "the program's folder may not be looked into; chmod o+x it"
				       : "the program is not there; create it, or name the right one";
	if (!S_ISREG(file.st_mode) || !(file.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return "that is no executable file; chmod +x it";
	if (file.st_mode & S_IWOTH)
		return "anybody may write to the program; take that away: chmod o-w";
	if (stat(folder[0] ? folder : "/", &parent) == 0 && parent.st_mode & S_IWOTH && !(parent.st_mode & S_ISVTX))
		return "anybody may write to the program's folder; take that away: chmod o-w";
	return NULL;
}
