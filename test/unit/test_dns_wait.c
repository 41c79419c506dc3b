/*
 * Waiting for the DNS: whoever waits alone takes the answers itself, for others too; nobody's is lost by that.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "system/clock.h"
#include "test/unit/dns_server.h"
#include "test/unit/test.h"

#define THREADS 16

static const char zone[] = "a.test A 192.0.2.1\n"
			   "*.many.test A ttl=0 192.0.2.3\n"
			   "slow.test A 192.0.2.4\nslow.test MODE slow 0.2\n"
			   "truncated.test A 192.0.2.5\ntruncated.test MODE truncated\n"
			   "again.test A 192.0.2.7\nagain.test MODE once-silent\n"
			   "*.silent.test MODE silent\n";

struct fixture {
	struct dns_server server;
	struct dns *dns;
};

static int begin(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	return dns_server_start(&fixture.server, zone) ? 0 : -1;
}

static int end(void **state)
{
	dns_server_end(&((struct fixture *)*state)->server);
	return 0;
}

static int dns_begin(void **state)
{
	struct fixture *fixture = *state;

	fixture->dns = dns_server_open(fixture->server.address, 300, 100);
	return 0;
}

static int dns_end(void **state)
{
	dns_close(&((struct fixture *)*state)->dns);
	return 0;
}

static void sleep_ms(long ms)
{
	nanosleep(&(const struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* One question, and who waits for it. */
struct look {
	struct dns *dns;
	const char *name;
	int64_t ms;
	struct dns_event event;
	enum dns_status status;
	bool come;
	int64_t took_ms;
	pthread_t thread;
};

static void look_done(void *arg, const struct dns_answer *answer)
{
	struct look *look = arg;

	look->status = answer->status;
	dns_event_set(look->dns, &look->event);
}

static void look_ask(void *arg)
{
	struct look *look = arg;

	dns_ask(look->dns, DNS_A, look->name, look_done, look);
}

static void *look_wait(void *arg)
{
	struct look *look = arg;
	const int64_t before = clock_ticks_ms();

	look->come = dns_wait(look->dns, &look->event, before + look->ms, look_ask, look);
	look->took_ms = clock_ticks_ms() - before;
	return NULL;
}

static struct look *look_init(struct look *look, void **state, const char *name, int64_t ms)
{
	*look = (struct look){ .dns = ((struct fixture *)*state)->dns, .name = name, .ms = ms };
	dns_event_init(&look->event);
	return look;
}

static void look_begin(struct look *look, void **state, const char *name, int64_t ms)
{
	look_init(look, state, name, ms);
	assert_int_equal(pthread_create(&look->thread, NULL, look_wait, look), 0);
}

static void look_end(struct look *look, bool come)
{
	pthread_join(look->thread, NULL);
	assert_int_equal(look->come, come);
	dns_event_free(&look->event);
}

static void who_waits_alone_is_answered(void **state)
{
	static const char *const names[] = { "a.test", "a.test", "slow.test", "truncated.test", "again.test" };
	struct look look;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		look_wait(look_init(&look, state, names[i], 5000));
		assert_true(look.come);
		assert_int_equal(look.status, DNS_FOUND);
		dns_event_free(&look.event);
	}
}

static void waiting_ends_in_time(void **state)
{
	const struct timespec later = { .tv_sec = 1 };
	struct look look;

	look_wait(look_init(&look, state, "a.silent.test", 100));
	assert_false(look.come);
	assert_in_range(look.took_ms, 100, 550);
	/* the failure comes after two tries, though nobody waits any more */
	nanosleep(&later, NULL);
	assert_true(dns_wait(look.dns, &look.event, clock_ticks_ms(), NULL, NULL));
	assert_int_equal(look.status, DNS_FAILED);
	dns_event_free(&look.event);
}

static void tries_go_on_while_one_waits(void **state)
{
	struct look look;

	look_wait(look_init(&look, state, "b.silent.test", 5000));
	assert_true(look.come);
	assert_int_equal(look.status, DNS_FAILED);
	assert_in_range(look.took_ms, 590, 4000);
	dns_event_free(&look.event);
}

static void an_event_may_come_from_elsewhere(void **state)
{
	static struct look alone, second; /* a question may outlive a test that fails */

	look_begin(&alone, state, "c.silent.test", 500);
	sleep_ms(50);
	look_begin(&second, state, "d.silent.test", 500);
	sleep_ms(50);
	dns_event_set(second.dns, &second.event);
	dns_event_set(alone.dns, &alone.event);
	pthread_join(alone.thread, NULL);
	pthread_join(second.thread, NULL);
	assert_true(alone.come && second.come);
	dns_close(&((struct fixture *)*state)->dns); /* so their questions have ended */
	dns_event_free(&alone.event);
	dns_event_free(&second.event);
}

static void one_that_gives_up_leaves_the_others_their_answers(void **state)
{
	static struct look first, second, third;

	look_begin(&first, state, "e.silent.test", 80);
	sleep_ms(40);
	look_begin(&second, state, "slow.test", 5000);
	look_begin(&third, state, "f.silent.test", 5000);
	look_end(&second, true);
	assert_in_range(second.took_ms, 190, 550);
	look_end(&third, true);
	assert_true(dns_wait(first.dns, &first.event, clock_ticks_ms() + 5000, NULL, NULL));
	look_end(&first, false);
}

static void several_may_wait_for_the_same(void **state)
{
	const int64_t until_ms = clock_ticks_ms() + 5000;
	struct look look, other;

	look_begin(&look, state, "slow.test", 5000);
	sleep_ms(50);
	assert_true(dns_wait(look.dns, &look.event, until_ms, NULL, NULL));
	look_end(&look, true);
	/* and the background goes on with what was asked without waiting */
	look_ask(look_init(&other, state, "x.many.test", 0));
	for (int i = 0; i < 2000 && !dns_wait(other.dns, &other.event, 0, NULL, NULL); i++)
		sleep_ms(1);
	assert_int_equal(other.status, DNS_FOUND);
	dns_event_free(&other.event);
}

static void *look_often(void *arg)
{
	void **state = arg;
	struct look look, ahead;

	for (unsigned i = 0; i < 200; i++) {
		char name[40], next[40];

		snprintf(name, sizeof(name), "t%u.many.test", i % 20);
		snprintf(next, sizeof(next), "n%u.many.test", i % 20);
		look_ask(look_init(&ahead, state, next, 0));
		look_wait(look_init(&look, state, name, 20000));
		assert_true(look.come);
		assert_int_equal(look.status, DNS_FOUND);
		assert_true(dns_wait(ahead.dns, &ahead.event, clock_ticks_ms() + 20000, NULL, NULL));
		sleep_ms(i % 7 == 0);
		dns_event_free(&look.event);
		dns_event_free(&ahead.event);
	}
	return NULL;
}

static void many_wait_side_by_side(void **state)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, look_often, state), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void closing_lets_all_go(void **state)
{
	struct fixture *fixture = *state;
	static struct look looks[4];

	for (size_t i = 0; i < 4; i++)
		look_begin(&looks[i], state, "g.silent.test", 5000);
	sleep_ms(100);
	dns_close(&fixture->dns);
	for (size_t i = 0; i < 4; i++) {
		look_end(&looks[i], true);
		assert_int_equal(looks[i].status, DNS_FAILED);
		assert_true(looks[i].took_ms < 550); /* its last try ends after 600 */
	}
}

#define WAIT_TEST(name) cmocka_unit_test_setup_teardown(name, dns_begin, dns_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WAIT_TEST(who_waits_alone_is_answered),
		WAIT_TEST(waiting_ends_in_time),
		WAIT_TEST(tries_go_on_while_one_waits),
		WAIT_TEST(an_event_may_come_from_elsewhere),
		WAIT_TEST(one_that_gives_up_leaves_the_others_their_answers),
		WAIT_TEST(several_may_wait_for_the_same),
		WAIT_TEST(many_wait_side_by_side),
		WAIT_TEST(closing_lets_all_go),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
