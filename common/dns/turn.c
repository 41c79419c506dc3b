/*
 * Whose turn it is to look at the sockets (dns/turn.h).
 *
 * Nobody is woken to have its turn taken away: the background's sleep is no longer disturbed by the sockets, which
 * costs one system call, and as much when they disturb it again: not before somebody asks who does not wait.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dns/turn.h"
#include "system/clock.h"

/* ---- events ------------------------------------------------------------------------------------ */

void dns_event_init(struct dns_event *event)
{
	pthread_condattr_t steady;

	atomic_init(&event->come, false);
	pthread_mutex_init(&event->lock, NULL);
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&event->change, &steady);
	pthread_condattr_destroy(&steady);
}

void dns_event_free(struct dns_event *event)
{
	pthread_cond_destroy(&event->change);
	pthread_mutex_destroy(&event->lock);
}

/* ---- open and close ---------------------------------------------------------------------------- */

bool dns_turn_open(struct dns_turn *turn, int poll, int kick)
{
	struct epoll_event sockets = { .events = 0, .data.ptr = turn };
	struct epoll_event called = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };

	*turn = (struct dns_turn){ .poll = poll, .kick = kick };
	pthread_mutex_init(&turn->lock, NULL);
	pthread_cond_init(&turn->left, NULL);
	turn->watch = epoll_create1(EPOLL_CLOEXEC);
	turn->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return turn->watch >= 0 && turn->call >= 0 && epoll_ctl(turn->watch, EPOLL_CTL_ADD, turn->call, &called) == 0 &&
	       epoll_ctl(turn->watch, EPOLL_CTL_ADD, poll, &sockets) == 0;
}

void dns_turn_close(struct dns_turn *turn)
{
	if (turn->watch >= 0)
		close(turn->watch);
	if (turn->call >= 0)
		close(turn->call);
	pthread_cond_destroy(&turn->left);
	pthread_mutex_destroy(&turn->lock);
}

/* ---- turns ------------------------------------------------------------------------------------- */

/* With the lock held. One shot, because each of many answers would wake the background again. */
static void watch_set(struct dns_turn *turn, bool on)
{
	struct epoll_event sockets = { .events = on ? EPOLLIN | EPOLLONESHOT : 0, .data.ptr = turn };

	if (turn->watched != on)
		(void)epoll_ctl(turn->watch, EPOLL_CTL_MOD, turn->poll, &sockets);
	turn->watched = on;
}

/* With the lock held, which is free meanwhile. */
static void lead(struct dns_turn *turn, const struct dns_turn_wait *wait)
{
	uint64_t kicks;

	turn->leader = wait->event;
	turn->leads = pthread_self();
	watch_set(turn, false);
	pthread_mutex_unlock(&turn->lock);
	if (wait->begin)
		wait->begin(wait->arg);
	while (!atomic_load(&wait->event->come) && clock_ticks_ms() < wait->until_ms)
		wait->work(wait->dns, wait->until_ms);
	pthread_mutex_lock(&turn->lock);
	turn->leader = NULL;
	/* only now: somebody else who looked may have seen it before the leader did */
	if (turn->kicked)
		(void)!read(turn->kick, &kicks, sizeof(kicks));
	turn->kicked = false;
	watch_set(turn, wait->under_way(wait->dns));
}

/* True: the event has come, and whoever has set it is done with it. */
static bool follow(struct dns_event *event, int64_t until_ms)
{
	const struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

	pthread_mutex_lock(&event->lock);
	while (!atomic_load(&event->come) && clock_ticks_ms() < until_ms)
		pthread_cond_timedwait(&event->change, &event->lock, &until);
	const bool come = atomic_load(&event->come);
	pthread_mutex_unlock(&event->lock);
	return come;
}

bool dns_turn_wait(struct dns_turn *turn, const struct dns_turn_wait *wait)
{
	pthread_mutex_lock(&turn->lock);
	const bool leads = turn->inside++ == 0 && (wait->begin || !atomic_load(&wait->event->come));
	if (leads)
		lead(turn, wait);
	pthread_mutex_unlock(&turn->lock);
	if (!leads && wait->begin)
		wait->begin(wait->arg);
	const bool come = follow(wait->event, wait->until_ms);
	pthread_mutex_lock(&turn->lock);
	if (--turn->inside == 0)
		pthread_cond_signal(&turn->left);
	pthread_mutex_unlock(&turn->lock);
	return come;
}

void dns_turn_end(struct dns_turn *turn, struct dns_event *event)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&event->lock);
	atomic_store(&event->come, true);
	/* after that: a leader looks whether it has come after it has become one */
	pthread_mutex_lock(&turn->lock);
	if (turn->leader == event && !pthread_equal(turn->leads, pthread_self())) {
		turn->kicked = true;
		(void)!write(turn->kick, &one, sizeof(one));
	}
	pthread_mutex_unlock(&turn->lock);
	/* within the lock: whoever waits may free it then */
	pthread_cond_broadcast(&event->change);
	pthread_mutex_unlock(&event->lock);
}

void dns_turn_asked(struct dns_turn *turn)
{
	pthread_mutex_lock(&turn->lock);
	if (!turn->leader)
		watch_set(turn, true);
	pthread_mutex_unlock(&turn->lock);
}

void dns_turn_rest(struct dns_turn *turn, int ms)
{
	struct epoll_event events[2];
	bool sockets = false;

	pthread_mutex_lock(&turn->lock);
	if (!turn->leader)
		watch_set(turn, true);
	pthread_mutex_unlock(&turn->lock);
	const int count = epoll_wait(turn->watch, events, 2, ms);
	for (int i = 0; i < count; i++)
		sockets |= events[i].data.ptr == turn;
	if (!sockets)
		return;
	pthread_mutex_lock(&turn->lock);
	turn->watched = false;
	pthread_mutex_unlock(&turn->lock);
}

void dns_turn_call(struct dns_turn *turn)
{
	const uint64_t one = 1;

	/* an edge, so nobody has to read what was counted */
	(void)!write(turn->call, &one, sizeof(one));
}

void dns_turn_empty(struct dns_turn *turn)
{
	pthread_mutex_lock(&turn->lock);
	while (turn->inside > 0)
		pthread_cond_wait(&turn->left, &turn->lock);
	pthread_mutex_unlock(&turn->lock);
}
