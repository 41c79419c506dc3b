/*
 * The log (log.h): one line per event, one system call per line, and never a wait.
 * syslog(3) is not used because it blocks on a stuck /dev/log and formats twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "system/clock.h"
#include "text.h"

#define LOG_FACILITY_MAIL (2 << 3) /* RFC 5424 6.2.1 */
#define LINE_MAX_BYTES 4000	   /* a datagram that every syslog takes whole; also an atomic pipe write */

static struct {
	pthread_mutex_t lock;
	const char *tag;
	enum log_target target;
	int socket;	  /* syslog's; -1 while it cannot be reached */
	bool never_waits; /* stderr is a file */
	time_t second;
	char stamp[32]; /* of `second` */
	char line[LINE_MAX_BYTES];
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .tag = "leumund", .target = LOG_TO_STDERR, .socket = -1 };

static atomic_int level_now = LEVEL_INFO;
static _Atomic uint64_t lines_lost, lines_lost_said;

static const char *const level_words[] = { "", "", "", "error", "warning", "notice", "info", "debug" };

void log_open(const char *tag, enum log_target target, enum log_level level)
{
	struct stat status;

	pthread_mutex_lock(&state.lock);
	state.tag = tag;
	state.target = target;
	state.never_waits = fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
	pthread_mutex_unlock(&state.lock);
	atomic_store(&level_now, (int)level);
}

uint64_t log_lost(void)
{
	return atomic_load(&lines_lost);
}

/* RFC 3164's stamp for /dev/log, ISO 8601 for people; both are made once a second. */
static void stamp_refresh(void)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	if (now == state.second)
		return;
	state.second = now;
	localtime_r(&now, &tm);
	strftime(state.stamp, sizeof(state.stamp), state.target == LOG_TO_SYSLOG ? "%b %e %T" : "%F %T", &tm);
}

static void line_head(struct text *out, enum log_level level)
{
	stamp_refresh();
	switch (state.target) {
	case LOG_TO_STDERR:
		text_str(out, state.stamp);
		text_char(out, ' ');
		text_str(out, state.tag);
		text_str(out, ": ");
		if (level != LEVEL_INFO) {
			text_str(out, level_words[level]);
			text_str(out, ": ");
		}
		break;
	case LOG_TO_JOURNAL:
		text_char(out, '<');
		text_u64(out, level);
		text_char(out, '>');
		break;
	case LOG_TO_SYSLOG:
		text_char(out, '<');
		text_u64(out, LOG_FACILITY_MAIL | (unsigned)level);
		text_char(out, '>');
		text_str(out, state.stamp);
		text_char(out, ' ');
		text_str(out, state.tag);
		text_char(out, '[');
		text_u64(out, (uint64_t)getpid());
		text_str(out, "]: ");
		break;
	}
}

static int syslog_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A restarted syslog has a new socket: one more try with a fresh connection. */
static bool syslog_send(const char *line, size_t len)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		if (state.socket < 0)
			state.socket = syslog_connect();
		if (state.socket < 0)
			return false;
		if (send(state.socket, line, len, MSG_NOSIGNAL) >= 0)
			return true;
		if (errno == EAGAIN || errno == ENOBUFS)
			return false;
		close(state.socket);
		state.socket = -1;
	}
	return false;
}

/*
 * stderr may be a pipe whose reader is stuck; its flags are shared with other programs, so
 * it is asked instead of being made non-blocking.
 */
static bool stderr_send(const char *line, size_t len)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };

	if (!state.never_waits && (poll(&fd, 1, 0) < 1 || !(fd.revents & POLLOUT)))
		return false;
	return write(STDERR_FILENO, line, len) >= 0;
}

static bool line_send(enum log_level level, const char *line, size_t len)
{
	struct text out;
	bool sent;

	pthread_mutex_lock(&state.lock);
	text_init(&out, state.line, sizeof(state.line));
	line_head(&out, level);
	text_mem(&out, line, len);
	if (state.target == LOG_TO_SYSLOG) {
		sent = syslog_send(out.at, out.len);
	} else {
		if (out.len > sizeof(state.line) - 2)
			out.len = sizeof(state.line) - 2;
		text_char(&out, '\n');
		sent = stderr_send(out.at, out.len);
	}
	pthread_mutex_unlock(&state.lock);
	return sent;
}

static void losses_say(void)
{
	uint64_t lost = atomic_load(&lines_lost), said = atomic_load(&lines_lost_said);
	char buffer[96];
	struct text out;

	if (lost == said || !atomic_compare_exchange_strong(&lines_lost_said, &said, lost))
		return;
	text_init(&out, buffer, sizeof(buffer));
	text_u64(&out, lost - said);
	text_str(&out, " log lines were lost while the log took none");
	if (!line_send(LEVEL_WARNING, out.at, out.len))
		atomic_fetch_sub(&lines_lost_said, lost - said); /* to be said another time */
}

void log_line(enum log_level level, const char *line, size_t len)
{
	if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed))
		return;
	if (line_send(level, line, len))
		losses_say();
	else
		atomic_fetch_add(&lines_lost, 1);
}

void log_printf(enum log_level level, const char *format, ...)
{
	char buffer[LINE_MAX_BYTES];
	va_list args;
	int len;

	if ((int)level > atomic_load_explicit(&level_now, memory_order_relaxed))
		return;
	va_start(args, format);
	len = vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(buffer))
		len = sizeof(buffer) - 1;
	/* whatever got into a text: one event stays one line */
	for (int i = 0; i < len; i++)
		if (buffer[i] == '\n' || buffer[i] == '\r')
			buffer[i] = ' ';
	log_line(level, buffer, (size_t)len);
}
