/*
 * The functions that the linker gives to libmilter.a (libmilter/guard.h). Their names, __wrap_*, are the linker's.
 * Our own calls of them come here too, and are passed on.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libmilter/guest.h"
#include "log.h"
#include "system/clock.h"

#define THREAD_STACK (256UL * 1024)
#define MI_SUCCESS 0
#define MI_CONTINUE 1 /* of a libmilter with worker pool: nothing to read yet */
#define PAUSE_MS 50
#define SAY_AGAIN_MS 60000

struct libmilter_limits libmilter_limits;
static int accepted = -1; /* by the listener's thread, which passes it on at once */
static atomic_uint guest_count;
static LIST_HEAD(guest_list, guest) guests = LIST_HEAD_INITIALIZER(guests);
static pthread_mutex_t guests_lock = PTHREAD_MUTEX_INITIALIZER;

_Thread_local struct guest *guest_here;
static _Thread_local bool is_listener;

static atomic_int door = -1; /* the listening socket, once it is waited at */
static atomic_bool door_closed;

/* libmilter's own; absent from a shared one that hides them, which does not call us either */
int mi_engine(void *context) __attribute__((weak));
void mi_clr_ctx(void *context) __attribute__((weak));

void *__real_malloc(size_t size);
int __real_accept(int listener, struct sockaddr *address, socklen_t *len);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_sigwait(const sigset_t *set, int *signal_number);
int __wrap_accept(int listener, struct sockaddr *address, socklen_t *len);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_mi_pool_controller_init(void);
int __wrap_mi_start_session(void *context);

void libmilter_guard_start(const struct libmilter_limits *wanted)
{
	libmilter_limits = *wanted;
}

/* ---- memory and signals ------------------------------------------------------------------------ */

/*
 * smfi_getsymval() walks a stage's macros two by two up to a NULL; a list with an odd number of strings, which no
 * MTA sends but anybody may, makes it step over that NULL and read what lies behind (8.17.1, 8.18.1: the
 * daemon dies within a thousand garbled sessions). A little longer and NULL at its end, so that the walk stops there.
 */
void *__wrap_malloc(size_t size)
{
	char *memory = size < SIZE_MAX - PACKET_TAIL ? __real_malloc(size + PACKET_TAIL) : NULL;

	if (memory)
		memset(memory + size, 0, PACKET_TAIL);
	return memory;
}

/*
 * libmilter's own thread waits for SIGHUP, SIGTERM and SIGINT and takes each for the end. They are the service's
 * (service/service.c): a SIGHUP that came while another was being handled ended the daemon. This never returns; the
 * thread blocks these signals.
 */
int __wrap_sigwait(const sigset_t *set, int *signal_number)
{
	(void)set;
	(void)signal_number;
	for (;;)
		(void)__real_poll(NULL, 0, -1);
}

/* ---- sessions ---------------------------------------------------------------------------------- */

static void guest_enter(struct guest *new)
{
	pthread_mutex_lock(&guests_lock);
	LIST_INSERT_HEAD(&guests, new, link);
	pthread_mutex_unlock(&guests_lock);
	atomic_fetch_add(&guest_count, 1);
}

/* Before its descriptor is closed, so that evict() cannot meet another's. */
static void guest_leave(struct guest *old)
{
	pthread_mutex_lock(&guests_lock);
	LIST_REMOVE(old, link);
	pthread_mutex_unlock(&guests_lock);
	atomic_fetch_sub(&guest_count, 1);
}

static void *session_serve(void *arg)
{
	guest_here = arg;
	while (mi_engine(guest_here->context) == MI_CONTINUE)
		;
	guest_leave(guest_here);
	mi_clr_ctx(guest_here->context);
	free(guest_here);
	guest_here = NULL;
	return NULL;
}

static int thread_start(struct guest *new)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int error;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	error = pthread_create(&thread, &attributes, session_serve, new);
	pthread_attr_destroy(&attributes);
	return error;
}

/* By the listener's thread only. A flood must not flood the log. */
static bool may_say(int64_t *said_at)
{
	int64_t now = clock_ticks_ms();

	if (*said_at != 0 && now - *said_at < SAY_AGAIN_MS)
		return false;
	*said_at = now;
	return true;
}

int __wrap_mi_pool_controller_init(void)
{
	return MI_SUCCESS;
}

/* A failure is not told to libmilter: it would sleep for seconds, and end the service after the sixteenth. */
int __wrap_mi_start_session(void *context)
{
	static int64_t said_at;
	struct guest *new = malloc(sizeof(*new));
	int error = ENOMEM;

	if (new) {
		memset(new, 0, offsetof(struct guest, ahead));
		new->fd = accepted;
		new->context = context;
		atomic_init(&new->since, clock_ticks_ms());
		guest_enter(new);
		error = thread_start(new);
		if (error == 0)
			return MI_SUCCESS;
		guest_leave(new);
		free(new);
	}
	if (may_say(&said_at))
		log_error("a connection is refused, no thread can be started for it: %s; raise TasksMax or LimitNPROC, "
			  "or "
			  "lower max_connections",
			  strerror(error));
	mi_clr_ctx(context);
	return MI_SUCCESS;
}

/* ---- the door ---------------------------------------------------------------------------------- */

/* The one that has been silent the longest at this stage, and for that long; the list is locked. */
static struct guest *most_silent(enum guest_stage stage, int64_t at_least_ms)
{
	int64_t oldest = clock_ticks_ms() - at_least_ms;
	struct guest *one, *found = NULL;

	for (one = LIST_FIRST(&guests); one; one = LIST_NEXT(one, link)) {
		int64_t since = atomic_load(&one->since);

		if (since != 0 && since <= oldest && atomic_load(&one->stage) == stage) {
			oldest = since;
			found = one;
		}
	}
	return found;
}

/* Sends a silent one away: first of all who is no MTA, last who has sent mail. */
static bool evict(void)
{
	struct guest *found;

	pthread_mutex_lock(&guests_lock);
	found = most_silent(GUEST_UNKNOWN, libmilter_limits.evict_ms);
	if (!found)
		found = most_silent(GUEST_NEGOTIATED, libmilter_limits.evict_ms);
	if (!found)
		found = most_silent(GUEST_MAILED, libmilter_limits.envelope_ms);
	if (found) {
		/* its thread sees the end of the connection and tidies up */
		(void)shutdown(found->fd, SHUT_RDWR);
		atomic_store(&found->since, 0);
	}
	pthread_mutex_unlock(&guests_lock);
	return found;
}

static bool is_welcome(void)
{
	static int64_t said_at;
	unsigned count = atomic_load(&guest_count);

	if (count < libmilter_limits.sessions)
		return true;
	if (may_say(&said_at))
		log_warning("max_connections (%u) is reached; new connections are told to come back later",
			    libmilter_limits.sessions);
	/* whoever is told to come back later needs a thread to be told so */
	return evict() || count < libmilter_limits.sessions + LIBMILTER_SURPLUS;
}

/* libmilter writes a hold and its verdict apart: without TCP_NODELAY the second waits 40 ms for the other side's ACK.
 */
static void options_set(int fd, sa_family_t family)
{
	struct timeval patience = { .tv_sec = (time_t)(libmilter_limits.packet_ms / 1000),
				    .tv_usec = (suseconds_t)(libmilter_limits.packet_ms % 1000 * 1000) };
	int yes = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

int __wrap_accept(int listener, struct sockaddr *address, socklen_t *len)
{
	int fd = __real_accept(listener, address, len);

	if (fd < 0) {
		/* out of descriptors: libmilter would ask again at once, and burn a core */
		int saved = errno;

		if (saved == EMFILE || saved == ENFILE || saved == ENOBUFS || saved == ENOMEM)
			(void)__real_poll(NULL, 0, PAUSE_MS);
		errno = saved;
		return -1;
	}
	if (!is_welcome()) {
		close(fd);
		errno = ECONNABORTED;
		return -1;
	}
	options_set(fd, address ? address->sa_family : AF_UNIX);
	accepted = fd;
	return fd;
}

void libmilter_guard_listener(void)
{
	is_listener = true;
}

bool libmilter_guard_close_door(void)
{
	int listener = atomic_load(&door);

	atomic_store(&door_closed, true);
	/* the end of listening, whoever else has a copy of the descriptor; close() would leave it to libmilter's poll()
	 */
	return listener >= 0 && shutdown(listener, SHUT_RD) == 0;
}

/* A door that is closed must not look like a failure: libmilter would end all sessions. */
static int wait_at_door(struct pollfd *fd, int timeout)
{
	int ready;

	atomic_store(&door, fd->fd);
	ready = __real_poll(fd, 1, timeout);
	while (atomic_load(&door_closed))
		(void)__real_poll(NULL, 0, -1);
	return ready;
}

/* ---- replies ----------------------------------------------------------------------------------- */

/* Now and then a reply must wait for a client that does not read; the time runs from the first try. */
static int wait_for_room(struct pollfd *fd)
{
	int64_t now = clock_ticks_ms(), deadline = guest_here->writing_since + libmilter_limits.packet_ms;

	if (guest_here->writing_since != 0)
		return deadline > now ? __real_poll(fd, 1, (int)(deadline - now)) : 0;
	/* there is room but for clients who never read, and these meet SO_SNDTIMEO */
	guest_here->writing_since = now;
	fd->revents = POLLOUT;
	return 1;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (is_listener && count == 1)
		return wait_at_door(fds, timeout);
	if (!guest_here || count != 1 || fds->fd != guest_here->fd)
		return __real_poll(fds, count, timeout);
	if (fds->events & POLLOUT)
		return wait_for_room(fds);
	/* "is there a packet, or must this worker serve another session?"; it need not, and may wait for the packet */
	guest_here->writing_since = 0;
	fds->revents = POLLIN;
	return 1;
}
