/*
 * SPF evaluations in the background: whatever the DNS does, they end in time.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "system/clock.h"
#include "spf/check.h"
#include "test/unit/dns_server.h"
#include "test/unit/test.h"

static const char zone[] = "good.test TXT \"v=spf1 include:inner.test mx -all\"\n"
			   "inner.test TXT \"v=spf1 ip4:198.51.100.0/24 a:a.test -all\"\n"
			   "a.test A ttl=0 198.51.100.9\n"
			   "good.test MX ttl=0 10 m1.test\ngood.test MX ttl=0 20 m2.test\n"
			   "m1.test A 192.0.2.1\nm2.test A ttl=0 192.0.2.2\n"
			   "fresh.test TXT ttl=0 \"v=spf1 a:a.test a:m2.test exists:%{i}.a.test -all\"\n"
			   "bad.test TXT \"v=spf1 ip4:192.0.2.0/33 -all\"\n"
			   "slow.test TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\nslow.test MODE slow 0.3\n"
			   "late.test TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\nlate.test MODE slow 0.25\n"
			   "truncated.test TXT \"v=spf1 ip4:192.0.2.0/24 -all\"\ntruncated.test MODE truncated\n"
			   "closing.test TXT \"v=spf1 -all\"\nclosing.test MODE closing\n"
			   "wrong-id.test TXT \"v=spf1 -all\"\nwrong-id.test MODE wrong-id\n"
			   "cut.test TXT \"v=spf1 -all\"\ncut.test MODE cut-record\n"
			   "silent.test MODE silent\n*.silent.test MODE silent\n"
			   "servfail.test MODE servfail\n"
			   "refused.test MODE refused\n"
			   "garbage.test MODE garbage\n"
			   "half.test TXT \"v=spf1 a:silent.test -all\"\n";

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
	struct fixture *fixture = *state;

	dns_server_end(&fixture->server);
	return 0;
}

static int dns_begin(void **state)
{
	struct fixture *fixture = *state;

	fixture->dns = dns_server_open(fixture->server.address, 300, 2000);
	return 0;
}

static int dns_end(void **state)
{
	struct fixture *fixture = *state;

	dns_close(&fixture->dns);
	return 0;
}

static struct spf_check *start(struct dns *dns, const char *ip, const char *domain, int64_t deadline_ms)
{
	struct sockaddr_in client = { .sin_family = AF_INET };
	char mail_from[80];
	const struct spf_query query = { .client = (const struct sockaddr *)&client,
					 .helo = "mail.test",
					 .mail_from = mail_from,
					 .receiver = "",
					 .want_explanation = true,
					 .limits = SPF_LIMITS };
	struct spf_check *check;

	assert_int_equal(inet_pton(AF_INET, ip, &client.sin_addr), 1);
	snprintf(mail_from, sizeof(mail_from), "user@%s", domain);
	check = spf_check_start(dns, &query, clock_ticks_ms() + deadline_ms);
	/* it has to live on its own copy */
	memset(mail_from, 'x', sizeof(mail_from) - 1);
	memset(&client, 0, sizeof(client));
	assert_non_null(check);
	return check;
}

static enum spf_result result_of(struct dns *dns, const char *ip, const char *domain, int64_t deadline_ms)
{
	struct spf_check *check = start(dns, ip, domain, deadline_ms);
	enum spf_result result;

	assert_true(spf_check_wait(check, INT64_MAX));
	result = spf_check_outcome(check)->result;
	assert_true(result != SPF_RESULT_TEMPERROR || spf_check_outcome(check)->problem[0]);
	spf_check_unref(&check);
	assert_null(check);
	return result;
}

static void results_come_by_way_of_the_dns(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(result_of(fixture->dns, "198.51.100.7", "good.test", 5000), SPF_RESULT_PASS);
	assert_int_equal(result_of(fixture->dns, "192.0.2.2", "good.test", 5000), SPF_RESULT_PASS);
	assert_int_equal(result_of(fixture->dns, "192.0.2.3", "good.test", 5000), SPF_RESULT_FAIL);
	assert_int_equal(result_of(fixture->dns, "192.0.2.3", "bad.test", 5000), SPF_RESULT_PERMERROR);
	assert_int_equal(result_of(fixture->dns, "192.0.2.3", "nothing.test", 5000), SPF_RESULT_NONE);
	assert_int_equal(result_of(fixture->dns, "192.0.2.3", "a..test", 5000), SPF_RESULT_NONE);
}

static void what_is_cached_has_ended_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct spf_check *check;

	assert_int_equal(result_of(fixture->dns, "198.51.100.7", "good.test", 5000), SPF_RESULT_PASS);
	check = start(fixture->dns, "198.51.100.7", "good.test", 5000);
	assert_true(spf_check_wait(check, 0));
	assert_int_equal(spf_check_outcome(check)->result, SPF_RESULT_PASS);
	spf_check_unref(&check);
}

static void answers_with_a_ttl_of_0_are_asked_for_once_in_an_evaluation(void **state)
{
	struct fixture *fixture = *state;

	const unsigned before = dns_server_queries(fixture->dns, "fresh.test");
	assert_int_equal(result_of(fixture->dns, "203.0.113.5", "fresh.test", 5000), SPF_RESULT_FAIL);
	assert_int_equal(dns_server_queries(fixture->dns, "fresh.test"), before + 1);
	assert_int_equal(dns_server_queries(fixture->dns, "203.0.113.5.a.test"), 1);
}

static void whatever_is_wrong_with_the_dns_is_temperror_in_time(void **state)
{
	static const char *const domains[] = { "silent.test",  "servfail.test", "refused.test", "garbage.test",
					       "closing.test", "wrong-id.test", "cut.test",	"half.test" };
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++) {
		const int64_t before = clock_ticks_ms();

		assert_int_equal(result_of(fixture->dns, "192.0.2.1", domains[i], 500), SPF_RESULT_TEMPERROR);
		assert_true(clock_ticks_ms() - before < 600);
	}
	/* long enough for the resolver to give up */
	assert_int_equal(result_of(fixture->dns, "192.0.2.1", "silent.test", 10000), SPF_RESULT_TEMPERROR);
}

static void slow_and_truncated_answers_are_waited_for(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(result_of(fixture->dns, "192.0.2.1", "slow.test", 5000), SPF_RESULT_PASS);
	assert_int_equal(result_of(fixture->dns, "192.0.2.1", "truncated.test", 5000), SPF_RESULT_PASS);
}

static void a_late_answer_does_not_change_the_result(void **state)
{
	const struct timespec later = { .tv_nsec = 400000000 };
	struct fixture *fixture = *state;
	struct spf_check *check = start(fixture->dns, "192.0.2.1", "late.test", 100);

	assert_null(spf_check_outcome(check));
	assert_false(spf_check_wait(check, 0));
	assert_false(spf_check_wait(check, clock_ticks_ms() + 20));
	assert_true(spf_check_wait(check, INT64_MAX));
	assert_int_equal(spf_check_outcome(check)->result, SPF_RESULT_TEMPERROR);
	nanosleep(&later, NULL);
	assert_int_equal(spf_check_outcome(check)->result, SPF_RESULT_TEMPERROR);
	spf_check_unref(&check);
	assert_int_equal(result_of(fixture->dns, "192.0.2.1", "late.test", 5000), SPF_RESULT_PASS);
}

static void a_session_may_go_away_before_the_answer_comes(void **state)
{
	const struct timespec later = { .tv_nsec = 400000000 };
	struct fixture *fixture = *state;
	struct spf_check *check = start(fixture->dns, "192.0.2.1", "slow.test", 5000);

	spf_check_unref(&check);
	check = start(fixture->dns, "192.0.2.1", "x.silent.test", 5000);
	spf_check_unref(&check);
	nanosleep(&later, NULL);
	check = start(fixture->dns, "192.0.2.1", "y.silent.test", 5000);
	dns_close(&fixture->dns);
	assert_true(spf_check_wait(check, 0));
	assert_int_equal(spf_check_outcome(check)->result, SPF_RESULT_TEMPERROR);
	spf_check_unref(&check);
}

static void too_many_at_once_are_temperror_at_once_and_only_then(void **state)
{
	struct fixture *fixture = *state;
	static struct spf_check *checks[SPF_CHECKS_MAX + 20];
	const struct spf_check_counts before = spf_check_counts();
	unsigned ended = 0;

	/* so that none is over before the last has begun */
	dns_close(&fixture->dns);
	fixture->dns = dns_server_open(fixture->server.address, 60000, 2000);
	assert_int_equal(result_of(fixture->dns, "198.51.100.7", "good.test", 5000), SPF_RESULT_PASS);
	for (unsigned i = 0; i < SPF_CHECKS_MAX + 20; i++) {
		char domain[40];

		snprintf(domain, sizeof(domain), "n%u.silent.test", i);
		checks[i] = start(fixture->dns, "192.0.2.1", domain, 3000);
		ended += spf_check_wait(checks[i], 0);
	}
	assert_int_equal(ended, 20);
	assert_int_equal(spf_check_counts().under_way, SPF_CHECKS_MAX);
	assert_int_equal(spf_check_counts().refused - before.refused, 20);
	assert_int_equal(result_of(fixture->dns, "198.51.100.7", "good.test", 5000), SPF_RESULT_PASS);
	for (unsigned i = 0; i < SPF_CHECKS_MAX + 20; i++) {
		assert_true(spf_check_wait(checks[i], INT64_MAX));
		spf_check_unref(&checks[i]);
	}
	assert_int_equal(spf_check_counts().late - before.late, SPF_CHECKS_MAX);
	/* their questions are under way still */
	assert_int_equal(result_of(fixture->dns, "192.0.2.1", "truncated.test", 5000), SPF_RESULT_TEMPERROR);
	dns_close(&fixture->dns);
	fixture->dns = dns_server_open(fixture->server.address, 300, 2000);
	assert_int_equal(result_of(fixture->dns, "192.0.2.1", "truncated.test", 5000), SPF_RESULT_PASS);
}

static void *evaluate_many(void *arg)
{
	static const struct {
		const char *ip, *domain;
		enum spf_result result;
	} rows[] = {
		{ "198.51.100.7", "good.test", SPF_RESULT_PASS }, { "192.0.2.2", "good.test", SPF_RESULT_PASS },
		{ "192.0.2.3", "good.test", SPF_RESULT_FAIL },	  { "203.0.113.5", "fresh.test", SPF_RESULT_FAIL },
		{ "192.0.2.3", "nothing.test", SPF_RESULT_NONE },
	};
	struct fixture *fixture = arg;

	for (size_t i = 0; i < 100; i++) {
		const size_t row = i % (sizeof(rows) / sizeof(*rows));

		assert_int_equal(result_of(fixture->dns, rows[row].ip, rows[row].domain, 20000), rows[row].result);
		struct spf_check *left = start(fixture->dns, "203.0.113.5", "fresh.test", 20000);
		spf_check_unref(&left);
	}
	return NULL;
}

static void threads_evaluate_side_by_side(void **state)
{
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, evaluate_many, *state), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

#define CHECK_TEST(name) cmocka_unit_test_setup_teardown(name, dns_begin, dns_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHECK_TEST(results_come_by_way_of_the_dns),
		CHECK_TEST(what_is_cached_has_ended_at_once),
		CHECK_TEST(answers_with_a_ttl_of_0_are_asked_for_once_in_an_evaluation),
		CHECK_TEST(whatever_is_wrong_with_the_dns_is_temperror_in_time),
		CHECK_TEST(slow_and_truncated_answers_are_waited_for),
		CHECK_TEST(a_late_answer_does_not_change_the_result),
		CHECK_TEST(a_session_may_go_away_before_the_answer_comes),
		CHECK_TEST(too_many_at_once_are_temperror_at_once_and_only_then),
		CHECK_TEST(threads_evaluate_side_by_side),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
