/*
 * Signals as bytes of a pipe (system/signals.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "system/signals.h"

static int ends[2] = { -1, -1 };

static void on_signal(int number)
{
	int saved = errno;
	char byte = (char)number;
	ssize_t n = write(ends[1], &byte, 1);

	(void)n; /* full: enough is pending */
	errno = saved;
}

int signals_catch(const int *numbers, size_t count)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NODEFER };

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < count; i++)
		sigaction(numbers[i], &action, NULL);
	return 0;
}

int signals_fd(void)
{
	return ends[0];
}

int signals_next(void)
{
	char byte;

	return read(ends[0], &byte, 1) == 1 ? byte : 0;
}
