/*
 * A program run for a notice: by its arguments, without a shell, with nothing of ours but its input. Internal to
 * common/notice/.
 */
#ifndef LEUMUND_NOTICE_PROGRAM_H
#define LEUMUND_NOTICE_PROGRAM_H

#include "notice/sink.h"

#define PROGRAM_WORDS 32

struct program {
	char *const *argv; /* argv[0] is an absolute path */
	char *const *environment;
	const char *input;
	size_t input_len;
};

/*
 * Waits for its end, at most TRY_MS or until `stop_fd` is readable; then it and its process group are killed. What it
 * wrote comes into `said`, cut, after how it ended if that was not well.
 */
enum outcome program_run(const struct program *program, int stop_fd, struct text *said);

/* Why this file must not be run, or NULL: it has to be there, executable, and nobody else's to write. */
const char *program_check(const char *path);

#endif
