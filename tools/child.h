/*
 * Starting a program under supervision: by its arguments, without a shell, in a process group of its own.
 */
#ifndef LEUMUND_TOOLS_CHILD_H
#define LEUMUND_TOOLS_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/privileges.h"

struct program {
	const char *file; /* with a slash; else looked for in PATH */
	const char *const *argv;
	const char *directory;	/* to be started in, or NULL */
	const char *user;	/* to become, or NULL */
	struct account_ids ids; /* of that user */
	int output;		/* descriptor for stdout and stderr, or -1: ours */
	bool tells_ready;	/* gets LEUMUND_READY_FD */
};

struct child {
	pid_t pid;    /* 0: none */
	int ready_fd; /* to be read; -1: none, or it has been said */
	bool ready;
	int64_t started_ms; /* clock_ticks_ms() */
};

#define CHILD_NONE ((struct child){ .pid = 0, .ready_fd = -1 })

/* 0, or -1 with errno. That the program cannot be executed shows as its exit with status 127, and on its stderr. */
int child_start(struct child *child, const struct program *program);

/* Reads the descriptor; true once "ready" has come. */
bool child_is_ready(struct child *child);

/* After its end: closes what is left of it. */
void child_forget(struct child *child);

/* Also of what is not our child. A process that has ended but that nobody has waited for does not live. */
bool process_lives(pid_t pid);

/* Finds an executable file: `name` itself when it holds a slash, else in PATH and the usual folders. False: none. */
bool program_find(const char *name, char *path, size_t size);

/* "status 78", "signal 9 (Killed)". */
const char *child_end_words(int wait_status, char *out, size_t size);

#endif
