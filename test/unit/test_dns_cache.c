/*
 * The cache of the DNS: how long answers hold, and in how much memory.
 */
#include <stdio.h>

#include "dns/answer.h"
#include "dns/cache.h"
#include "test/unit/test.h"

#define HOUR INT64_C(3600000)

static struct dns_key key(const char *name)
{
	struct dns_key made;

	assert_true(dns_key_make(&made, DNS_TXT, name));
	return made;
}

static void put(struct dns_cache *cache, const char *name, enum dns_status status, uint32_t ttl, int64_t now_ms)
{
	const struct dns_key at = key(name);
	const struct dns_answer *answer = dns_answer_no(DNS_TXT, status, ttl);

	dns_cache_put(cache, &at, answer, now_ms);
	dns_unref(&answer);
}

static bool holds(struct dns_cache *cache, const char *name, int64_t now_ms)
{
	const struct dns_key at = key(name);
	const struct dns_answer *answer = dns_cache_get(cache, &at, now_ms);
	const bool yes = answer != NULL;

	dns_unref(&answer);
	return yes;
}

static void an_answer_holds_as_long_as_its_ttl_says(void **state)
{
	struct dns_cache *cache = *state;

	put(cache, "a.example", DNS_FOUND, 60, 1000);
	assert_true(holds(cache, "A.example", 1000));
	assert_true(holds(cache, "a.example", 60999));
	assert_false(holds(cache, "a.example", 61000));
	assert_false(holds(cache, "b.example", 1000));
}

static void a_ttl_of_0_is_not_kept(void **state)
{
	put(*state, "a.example", DNS_FOUND, 0, 1000);
	put(*state, "b.example", DNS_NO_NAME, 0, 1000);
	assert_int_equal(dns_cache_entries(*state), 0);
}

static void no_answer_holds_longer_than_a_day_no_denial_longer_than_3_h(void **state)
{
	struct dns_cache *cache = *state;

	put(cache, "a.example", DNS_FOUND, INT32_MAX, 0);
	put(cache, "b.example", DNS_NO_DATA, INT32_MAX, 0);
	put(cache, "c.example", DNS_NO_NAME, INT32_MAX, 0);
	assert_true(holds(cache, "b.example", 3 * HOUR - 1) && holds(cache, "c.example", 3 * HOUR - 1));
	assert_false(holds(cache, "b.example", 3 * HOUR) || holds(cache, "c.example", 3 * HOUR));
	assert_true(holds(cache, "a.example", 24 * HOUR - 1));
	assert_false(holds(cache, "a.example", 24 * HOUR));
}

static void a_failure_is_believed_for_5_to_30_s(void **state)
{
	static const int64_t holds_s[] = { 5, 10, 20, 30, 30 };
	struct dns_cache *cache = *state;
	int64_t now_ms = 0;

	for (size_t i = 0; i < sizeof(holds_s) / sizeof(*holds_s); i++) {
		put(cache, "a.example", DNS_FAILED, 3600, now_ms);
		now_ms += holds_s[i] * 1000;
		assert_true(holds(cache, "a.example", now_ms - 1));
		assert_false(holds(cache, "a.example", now_ms));
	}
	put(cache, "a.example", DNS_FAILED, 3600, now_ms + HOUR);
	assert_false(holds(cache, "a.example", now_ms + HOUR + 5000));
}

static void a_new_answer_takes_the_place_of_the_old(void **state)
{
	struct dns_cache *cache = *state;

	put(cache, "a.example", DNS_FAILED, 0, 0);
	put(cache, "a.example", DNS_FOUND, 60, 1000);
	put(cache, "a.example", DNS_NO_DATA, 0, 2000);
	assert_false(holds(cache, "a.example", 2000));
	assert_int_equal(dns_cache_entries(cache), 0);
}

static void what_is_used_stays_and_memory_is_bounded(void **state)
{
	struct dns_cache *cache = *state;
	size_t most = 0;

	put(cache, "used.example", DNS_FOUND, 3600, 0);
	put(cache, "idle.example", DNS_FOUND, 3600, 0);
	for (int i = 0; i < 100000; i++) {
		char name[40];

		snprintf(name, sizeof(name), "host%d.example", i);
		put(cache, name, DNS_FOUND, 3600, 0);
		if (i % 100 == 0)
			assert_true(holds(cache, "used.example", 1));
		if (dns_cache_bytes(cache) > most)
			most = dns_cache_bytes(cache);
	}
	assert_true(most <= 1 << 20);
	assert_true(dns_cache_entries(cache) > 1000);
	assert_true(holds(cache, "host99999.example", 1));
	assert_false(holds(cache, "idle.example", 1));
}

static void an_answer_outlives_the_cache(void **state)
{
	struct dns_cache *cache = dns_cache_new(1 << 16);
	const struct dns_key at = key("a.example");
	const struct dns_answer *answer;

	(void)state;
	put(cache, "a.example", DNS_FOUND, 60, 0);
	answer = dns_cache_get(cache, &at, 1);
	dns_cache_free(&cache);
	assert_int_equal(answer->ttl, 60);
	dns_unref(&answer);
}

static void a_cache_of_no_size_keeps_nothing(void **state)
{
	struct dns_cache *cache = dns_cache_new(0);

	(void)state;
	put(cache, "a.example", DNS_FOUND, 60, 0);
	assert_int_equal(dns_cache_entries(cache), 0);
	dns_cache_free(&cache);
}

static int cache_make(void **state)
{
	*state = dns_cache_new(1 << 20);
	return *state ? 0 : -1;
}

static int cache_end(void **state)
{
	struct dns_cache *cache = *state;

	dns_cache_free(&cache);
	return 0;
}

#define CACHE_TEST(name) cmocka_unit_test_setup_teardown(name, cache_make, cache_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHE_TEST(an_answer_holds_as_long_as_its_ttl_says),
		CACHE_TEST(a_ttl_of_0_is_not_kept),
		CACHE_TEST(no_answer_holds_longer_than_a_day_no_denial_longer_than_3_h),
		CACHE_TEST(a_failure_is_believed_for_5_to_30_s),
		CACHE_TEST(a_new_answer_takes_the_place_of_the_old),
		CACHE_TEST(what_is_used_stays_and_memory_is_bounded),
		cmocka_unit_test(an_answer_outlives_the_cache),
		cmocka_unit_test(a_cache_of_no_size_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
