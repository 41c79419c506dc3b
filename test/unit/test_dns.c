/*
 * Look-ups in the DNS against a name server that behaves, and one that does not.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "system/clock.h"
#include "test/unit/dns_server.h"
#include "test/unit/test.h"

static const char zone[] = "a.test A ttl=300 192.0.2.1\n"
			   "a.test A ttl=200 192.0.2.2\n"
			   "a.test AAAA 2001:db8::1\n"
			   "txt.test TXT \"v=spf1 \" \"-all\"\n"
			   "txt.test TXT \"a\\000b\"\n"
			   "txt.test TXT \"\"\n"
			   "mx.test MX 10 Mail.a.test\n"
			   "mx.test MX 20 odd\\.label\\032.test\n"
			   "mx.test MX 0 .\n"
			   "odd\\.label\\032.test A 192.0.2.77\n"
			   "1.2.0.192.in-addr.arpa PTR host.a.test\n"
			   "alias.test CNAME ttl=30 alias2.test\n"
			   "alias2.test CNAME ttl=900 a.test\n"
			   "lost.test CNAME ttl=20 nowhere.test\n"
			   "empty.test CNAME txt.test\n"
			   "circle.test CNAME circle2.test\n"
			   "circle2.test CNAME circle.test\n"
			   "short.test SOA ttl=900 7\n"
			   "short2.test SOA ttl=5 900\n"
			   "silent-soa.test SOA ttl=5 none\n"
			   "brief.test A ttl=1 192.0.2.9\n"
			   "never.test A ttl=0 192.0.2.9\n"
			   "*.many.test A 192.0.2.3\n"
			   "*.quiet.test MODE silent\n"
			   "slow.test A 192.0.2.4\nslow.test MODE slow 0.2\n"
			   "servfail.test MODE servfail\n"
			   "refused.test MODE refused\n"
			   "garbage.test MODE garbage\n"
			   "cut.test TXT \"something to be cut\"\ncut.test MODE cut-record\n"
			   "truncated.test A 192.0.2.5\ntruncated.test MODE truncated\n"
			   "closing.test A 192.0.2.6\nclosing.test MODE closing\n"
			   "wrong-id.test A 192.0.2.6\nwrong-id.test MODE wrong-id\n"
			   "wrong-question.test A 192.0.2.6\nwrong-question.test MODE wrong-question\n"
			   "wrong-owner.test A 192.0.2.6\nwrong-owner.test MODE wrong-owner\n"
			   "again.test A 192.0.2.7\nagain.test MODE once-silent\n"
			   "old.test A 192.0.2.8\nold.test MODE no-edns\n"
			   "b+c=d'e\\032f.test A 192.0.2.8\n"
			   "silent.test MODE silent\n";

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

	fixture->dns = dns_server_open(fixture->server.address, 300, 100);
	return 0;
}

static int dns_end(void **state)
{
	struct fixture *fixture = *state;

	dns_close(&fixture->dns);
	assert_null(fixture->dns);
	return 0;
}

static const struct dns_answer *look_up(void **state, enum dns_type type, const char *name)
{
	const struct fixture *fixture = *state;

	return dns_look_up(fixture->dns, type, name);
}

static enum dns_status status_of(void **state, enum dns_type type, const char *name)
{
	const struct dns_answer *answer = look_up(state, type, name);
	const enum dns_status status = answer->status;

	assert_int_equal(answer->type, type);
	assert_true((answer->count > 0) == (status == DNS_FOUND));
	dns_unref(&answer);
	return status;
}

static void assert_ttl(void **state, enum dns_type type, const char *name, enum dns_status status, uint32_t ttl)
{
	const struct dns_answer *answer = look_up(state, type, name);

	assert_int_equal(answer->status, status);
	assert_int_equal(answer->ttl, ttl);
	dns_unref(&answer);
}

static unsigned queries(void **state, const char *name)
{
	const struct fixture *fixture = *state;

	return dns_server_queries(fixture->dns, name);
}

/* ---- answers ----------------------------------------------------------------------------------- */

static void addresses_are_found(void **state)
{
	const struct dns_answer *answer = look_up(state, DNS_A, "A.Test");
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(answer->count, 2);
	assert_string_equal(inet_ntop(AF_INET, &answer->records[1].a, text, sizeof(text)), "192.0.2.2");
	assert_int_equal(answer->ttl, 200);
	dns_unref(&answer);
	answer = look_up(state, DNS_AAAA, "a.test");
	assert_int_equal(answer->count, 1);
	assert_string_equal(inet_ntop(AF_INET6, &answer->records[0].aaaa, text, sizeof(text)), "2001:db8::1");
	dns_unref(&answer);
}

static void the_strings_of_a_text_are_joined_and_may_hold_any_byte(void **state)
{
	const struct dns_answer *answer = look_up(state, DNS_TXT, "txt.test");

	assert_int_equal(answer->count, 3);
	assert_int_equal(answer->records[0].txt.len, 11);
	assert_memory_equal(answer->records[0].txt.at, "v=spf1 -all", 11);
	assert_int_equal(answer->records[1].txt.len, 3);
	assert_memory_equal(answer->records[1].txt.at, "a\0b", 3);
	assert_int_equal(answer->records[2].txt.len, 0);
	dns_unref(&answer);
}

static void names_in_answers_can_be_asked_for(void **state)
{
	const struct dns_answer *answer = look_up(state, DNS_MX, "mx.test");

	assert_int_equal(answer->count, 3);
	assert_string_equal(answer->records[0].mx.name, "Mail.a.test");
	assert_int_equal(answer->records[0].mx.preference, 10);
	assert_string_equal(answer->records[1].mx.name, "odd\\.label\\032.test");
	assert_string_equal(answer->records[2].mx.name, "");
	assert_int_equal(status_of(state, DNS_A, answer->records[1].mx.name), DNS_FOUND);
	assert_int_equal(status_of(state, DNS_A, answer->records[2].mx.name), DNS_NO_NAME);
	dns_unref(&answer);
	answer = look_up(state, DNS_PTR, "1.2.0.192.in-addr.arpa");
	assert_int_equal(answer->count, 1);
	assert_string_equal(answer->records[0].ptr, "host.a.test");
	dns_unref(&answer);
}

static void aliases_are_followed_and_the_smallest_ttl_counts(void **state)
{
	assert_ttl(state, DNS_A, "alias.test", DNS_FOUND, 30);
	assert_ttl(state, DNS_A, "lost.test", DNS_NO_NAME, 20);
	assert_ttl(state, DNS_A, "empty.test", DNS_NO_DATA, 60);
	assert_int_equal(status_of(state, DNS_A, "circle.test"), DNS_FAILED);
}

static void a_no_holds_as_long_as_the_zone_says(void **state)
{
	assert_ttl(state, DNS_A, "x.short.test", DNS_NO_NAME, 7);
	assert_ttl(state, DNS_A, "short.test", DNS_NO_DATA, 7);
	assert_ttl(state, DNS_A, "x.short2.test", DNS_NO_NAME, 5);
	assert_ttl(state, DNS_A, "x.silent-soa.test", DNS_NO_NAME, 0);
}

/* ---- servers that misbehave -------------------------------------------------------------------- */

static void what_is_no_answer_is_a_failure(void **state)
{
	static const char *const names[] = { "silent.test", "servfail.test", "refused.test",  "garbage.test",
					     "cut.test",    "closing.test",  "wrong-id.test", "wrong-question.test" };

	struct dns_counts counts;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const int64_t before = clock_ticks_ms();

		assert_int_equal(status_of(state, i == 4 ? DNS_TXT : DNS_A, names[i]), DNS_FAILED);
		assert_true(clock_ticks_ms() - before < 900); /* two tries of 300 ms */
	}
	/* who answers with another id or question has not answered, nor who closes */
	counts = dns_counts(((struct fixture *)*state)->dns);
	assert_int_equal(counts.asked, 8);
	assert_int_equal(counts.unanswered + counts.failed, 8);
	assert_int_equal(counts.failed, 3);
}

static void records_of_another_name_are_ignored(void **state)
{
	assert_int_equal(status_of(state, DNS_A, "wrong-owner.test"), DNS_NO_DATA);
}

static void what_was_cut_comes_by_tcp(void **state)
{
	assert_int_equal(status_of(state, DNS_A, "truncated.test"), DNS_FOUND);
}

static void a_lost_packet_is_asked_for_again(void **state)
{
	assert_int_equal(status_of(state, DNS_A, "again.test"), DNS_FOUND);
	assert_int_equal(queries(state, "again.test"), 2);
}

static void servers_without_edns_are_asked_without(void **state)
{
	assert_int_equal(status_of(state, DNS_A, "old.test"), DNS_FOUND);
}

/* SPF's macros make such names of local parts. */
static void names_may_hold_any_character(void **state)
{
	assert_int_equal(status_of(state, DNS_A, "b+c=d'e f.test"), DNS_FOUND);
}

static void assert_one_finds(const char *servers, const char *name)
{
	struct dns *dns = dns_server_open(servers, 300, 100);
	const struct dns_answer *answer = dns_look_up(dns, DNS_A, name);

	assert_int_equal(answer->status, DNS_FOUND);
	dns_unref(&answer);
	dns_close(&dns);
}

static void another_server_is_asked_when_one_fails(void **state)
{
	static const char *const names[] = { "a.test", "alias2.test", "truncated.test" };
	struct fixture *fixture = *state;
	struct dns_server first;
	char servers[80];

	assert_true(dns_server_start(&first,
				     "a.test MODE servfail\nalias2.test MODE silent\ntruncated.test MODE closing\n"));
	snprintf(servers, sizeof(servers), "%s,%s", first.address, fixture->server.address);
	for (size_t i = 0; i < 3; i++)
		assert_one_finds(servers, names[i]);
	dns_server_end(&first);
	/* nobody listens on port 1 */
	snprintf(servers, sizeof(servers), "127.0.0.1:1,%s", fixture->server.address);
	assert_one_finds(servers, "a.test");
}

/* ---- joined, cached, bounded ------------------------------------------------------------------- */

struct tally {
	atomic_uint done, found, failed;
};

static void count_done(void *arg, const struct dns_answer *answer)
{
	struct tally *tally = arg;

	atomic_fetch_add(answer->status == DNS_FAILED ? &tally->failed : &tally->found, 1);
	atomic_fetch_add(&tally->done, 1);
}

static void await(struct tally *tally, unsigned count)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 20000 && atomic_load(&tally->done) < count; i++)
		nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(&tally->done), count);
}

static void the_same_question_is_asked_once(void **state)
{
	struct fixture *fixture = *state;
	struct tally tally = { 0 };

	for (int i = 0; i < 20; i++)
		dns_ask(fixture->dns, DNS_A, i % 2 ? "slow.test" : "SLOW.test", count_done, &tally);
	await(&tally, 20);
	assert_int_equal(tally.found, 20);
	assert_int_equal(queries(state, "slow.test"), 1);
	assert_int_equal(dns_counts(fixture->dns).joined, 19);
}

static void an_answer_is_kept_for_its_ttl(void **state)
{
	struct fixture *fixture = *state;
	const struct timespec longer = { .tv_sec = 1, .tv_nsec = 100000000 };
	const struct dns_answer *answer;

	assert_null(dns_cached(fixture->dns, DNS_A, "brief.test"));
	assert_int_equal(status_of(state, DNS_A, "brief.test"), DNS_FOUND);
	answer = dns_cached(fixture->dns, DNS_A, "BRIEF.test");
	assert_non_null(answer);
	dns_unref(&answer);
	assert_int_equal(status_of(state, DNS_A, "brief.test"), DNS_FOUND);
	assert_int_equal(queries(state, "brief.test"), 1);
	nanosleep(&longer, NULL);
	assert_null(dns_cached(fixture->dns, DNS_A, "brief.test"));
	assert_int_equal(status_of(state, DNS_A, "never.test"), DNS_FOUND);
	assert_null(dns_cached(fixture->dns, DNS_A, "never.test"));
}

static void a_failure_is_not_asked_again_at_once(void **state)
{
	assert_int_equal(status_of(state, DNS_A, "servfail.test"), DNS_FAILED);
	const unsigned before = queries(state, "servfail.test");
	assert_int_equal(status_of(state, DNS_A, "servfail.test"), DNS_FAILED);
	assert_int_equal(queries(state, "servfail.test"), before);
}

static void a_name_that_cannot_exist_is_not_asked_for(void **state)
{
	struct fixture *fixture = *state;
	const struct dns_answer *answer = dns_cached(fixture->dns, DNS_TXT, "a..test");

	assert_int_equal(answer->status, DNS_NO_NAME);
	dns_unref(&answer);
	assert_int_equal(status_of(state, DNS_TXT, ""), DNS_NO_NAME);
	assert_int_equal(status_of(state, DNS_TXT, "a..test"), DNS_NO_NAME);
	assert_int_equal(status_of(state, DNS_A, "caf\xc3\xa9.test"), DNS_NO_NAME);
	assert_int_equal(dns_counts(fixture->dns).asked, 0);
}

static void beyond_the_bound_a_question_fails_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct tally tally = { 0 };
	const int64_t before = clock_ticks_ms();

	for (int i = 0; i < 150; i++) {
		char name[40];

		snprintf(name, sizeof(name), "n%d.quiet.test", i);
		dns_ask(fixture->dns, DNS_A, name, count_done, &tally);
	}
	assert_true(atomic_load(&tally.failed) >= 50);
	assert_true(clock_ticks_ms() - before < 200);
	await(&tally, 150);
	assert_int_equal(dns_counts(fixture->dns).unanswered, dns_counts(fixture->dns).asked);
	assert_int_equal(dns_counts(fixture->dns).failed, 150 - dns_counts(fixture->dns).asked);
	assert_int_equal(status_of(state, DNS_A, "a.test"), DNS_FOUND);
}

static void silent_names_hold_up_nobody(void **state)
{
	struct fixture *fixture = *state;
	struct tally tally = { 0 };

	for (int i = 0; i < 50; i++) {
		char name[40];

		snprintf(name, sizeof(name), "m%d.quiet.test", i);
		dns_ask(fixture->dns, DNS_A, name, count_done, &tally);
	}
	const int64_t before = clock_ticks_ms();
	assert_int_equal(status_of(state, DNS_A, "a.test"), DNS_FOUND);
	assert_true(clock_ticks_ms() - before < 250);
	await(&tally, 50);
}

static void closing_fails_what_is_under_way(void **state)
{
	struct fixture *fixture = *state;
	struct dns *dns = dns_server_open(fixture->server.address, 300, 100);
	struct tally tally = { 0 };

	dns_ask(dns, DNS_A, "silent.test", count_done, &tally);
	dns_ask(dns, DNS_A, "slow.test", count_done, &tally);
	dns_close(&dns);
	assert_int_equal(tally.failed, 2);
}

/* ---- many -------------------------------------------------------------------------------------- */

struct chain {
	struct dns *dns;
	atomic_uint left, done;
};

/* Asks the next one from within. */
static void chain_next(void *arg, const struct dns_answer *answer)
{
	struct chain *chain = arg;
	const unsigned left = atomic_fetch_sub(&chain->left, 1);
	char name[40];

	assert_int_equal(answer->status, DNS_FOUND);
	snprintf(name, sizeof(name), "c%u.many.test", left);
	if (left > 0)
		dns_ask(chain->dns, DNS_A, name, chain_next, chain);
	else
		atomic_store(&chain->done, 1);
}

static void an_answer_may_lead_to_the_next_question(void **state)
{
	struct fixture *fixture = *state;
	struct chain chain = { .dns = fixture->dns, .left = 200 };
	const struct timespec ms = { .tv_nsec = 1000000 };

	dns_ask(fixture->dns, DNS_A, "a.test", chain_next, &chain);
	for (int i = 0; i < 20000 && !atomic_load(&chain.done); i++)
		nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(&chain.done), 1);
}

static void *ask_many(void *arg)
{
	struct fixture *fixture = arg;

	for (int i = 0; i < 300; i++) {
		char name[40];

		snprintf(name, sizeof(name), "t%d.many.test", i % 60);
		const struct dns_answer *answer = dns_look_up(fixture->dns, i % 3 ? DNS_A : DNS_TXT, name);
		assert_int_equal(answer->status, i % 3 ? DNS_FOUND : DNS_NO_DATA);
		dns_unref(&answer);
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	pthread_t threads[8];

	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_many, *state), 0);
	for (size_t i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_true(dns_counts(((struct fixture *)*state)->dns).asked <= 60 + 20 + 1);
}

static void what_is_no_name_server_is_refused(void **state)
{
	const struct dns_options options = { .servers = "localhost", .timeout_ms = 100, .tries = 1, .queries_max = 1 };
	char error[200] = "";

	(void)state;
	assert_null(dns_open(&options, error, sizeof(error)));
	assert_non_null(strstr(error, "ADDRESS[:PORT]"));
}

#define DNS_TEST(name) cmocka_unit_test_setup_teardown(name, dns_begin, dns_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DNS_TEST(addresses_are_found),
		DNS_TEST(the_strings_of_a_text_are_joined_and_may_hold_any_byte),
		DNS_TEST(names_in_answers_can_be_asked_for),
		DNS_TEST(aliases_are_followed_and_the_smallest_ttl_counts),
		DNS_TEST(a_no_holds_as_long_as_the_zone_says),
		DNS_TEST(what_is_no_answer_is_a_failure),
		DNS_TEST(records_of_another_name_are_ignored),
		DNS_TEST(what_was_cut_comes_by_tcp),
		DNS_TEST(a_lost_packet_is_asked_for_again),
		DNS_TEST(servers_without_edns_are_asked_without),
		DNS_TEST(names_may_hold_any_character),
		DNS_TEST(another_server_is_asked_when_one_fails),
		DNS_TEST(the_same_question_is_asked_once),
		DNS_TEST(an_answer_is_kept_for_its_ttl),
		DNS_TEST(a_failure_is_not_asked_again_at_once),
		DNS_TEST(a_name_that_cannot_exist_is_not_asked_for),
		DNS_TEST(beyond_the_bound_a_question_fails_at_once),
		DNS_TEST(silent_names_hold_up_nobody),
		DNS_TEST(closing_fails_what_is_under_way),
		DNS_TEST(an_answer_may_lead_to_the_next_question),
		DNS_TEST(threads_share_it),
		cmocka_unit_test(what_is_no_name_server_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
