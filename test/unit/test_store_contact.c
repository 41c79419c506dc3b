/*
 * First contacts, and the secret that makes fingerprints of them.
 */
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "log.h"
#include "store/contact.h"
#include "store/inner.h"
#include "system/clock.h"
#include "test/unit/store_fixture.h"

static struct span span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct store_secret secret_of(struct store *store)
{
	struct store_secret secret = { { 0, 0 } };

	for (int i = 0; i < 50 && !store_secret(store, &secret); i++)
		wait_ms(100);
	assert_true(secret.key[0] != 0 && secret.key[1] != 0);
	return secret;
}

/* As if a minute had passed. */
static struct store_secret secret_later(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->secret_at = INT64_MIN / 2;
	pthread_mutex_unlock(&store->lock);
	return secret_of(store);
}

static struct contact_request request_of(const struct store_secret *secret, enum contact_mode mode, const char *account,
					 const char *const *addresses)
{
	struct contact_request request = { .mode = mode, .account = span(account) };

	for (; *addresses; addresses++)
		assert_true(contact_put(&request, secret, span(*addresses)));
	return request;
}

static void run(struct store *store, struct contact_request *request)
{
	const struct store_request asked = contact_ask(request);
	struct store_answer *got = NULL;

	for (int i = 0; i < 50; i++) {
		store_answers_free(&got);
		if (store_run(store, &asked, 1, &got, 100) == STORE_OK)
			break;
		wait_ms(100);
	}
	assert_true(contact_answer(request, got));
	store_answers_free(&got);
}

static void who_was_written_to_is_known_to_all_servers(void **state)
{
	struct fixture *f = *state;
	const char *const one[] = { "Someone@Example.org", "b@example.org", "someone@example.ORG", NULL },
			  *const other[] = { "someone@example.org", "c@example.org", NULL };
	struct contact_request request;
	char error[256];

	NEEDS_SERVER(f);
	open_store(f);
	struct store *second = store_open(&f->options, f->server.socket, error, sizeof(error));
	assert_non_null(second);
	const struct store_secret secret = secret_of(f->store), same = secret_of(second);
	assert_memory_equal(&secret, &same, sizeof(secret));

	request = request_of(&secret, CONTACT_LOOK, "A", one);
	run(f->store, &request);
	assert_int_equal(request.new_count, 2);
	assert_true(request.is_new[0] && request.is_new[1] && !request.is_new[2]);
	request = request_of(&secret, CONTACT_ADD, "a", one);
	const struct store_request added = contact_ask(&request);
	assert_true(store_post(f->store, &added));
	assert_true(store_post(f->store, &added));
	assert_true(written(f->store, 2, 20000));
	request = request_of(&same, CONTACT_LOOK, "a", other);
	run(second, &request);
	assert_int_equal(request.new_count, 1);
	assert_true(!request.is_new[0] && request.is_new[1]);
	request = request_of(&secret, CONTACT_LOOK, "b", other); /* another account has not written to him */
	run(f->store, &request);
	assert_int_equal(request.new_count, 2);
	store_close(&second, 0);
}

static void fingerprints_are_small_and_of_one_account(void **state)
{
	const struct store_secret secret = { { 1, 2 } }, other = { { 1, 3 } };
	struct contact_request a = { .account = { "a", 1 } }, b = { .account = { "b", 1 } };
	char victim[CONTACT_VICTIM_SIZE], same[CONTACT_VICTIM_SIZE];

	(void)state;
	for (int i = 0; i < CONTACTS; i++)
		assert_true(contact_put(&a, i ? &secret : &other, span("someone@example.org")));
	assert_false(contact_put(&a, &secret, span("someone@example.org")));
	assert_true(contact_put(&b, &secret, span("someone@example.org")));
	assert_int_equal(a.prints[1], a.prints[2]);
	assert_int_not_equal(a.prints[0], a.prints[1]);
	assert_int_not_equal(b.prints[0], a.prints[1]);
	contact_victim(victim, &secret, span("someone@example.org"));
	contact_victim(same, &secret, span("Someone@EXAMPLE.org"));
	assert_string_equal(victim, same);
	assert_int_equal(strlen(victim), 16);
	contact_victim(same, &other, span("someone@example.org"));
	assert_string_not_equal(victim, same);
}

static void without_an_answer_nothing_is_made_of_it(void **state)
{
	struct fixture *f = *state;
	const struct store_secret none = { { 1, 2 } };
	struct store_secret secret;
	struct contact_request request;
	struct store_answer *got;
	const char *const one[] = { "someone@example.org", NULL };

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	int64_t best = INT64_MAX;
	for (int i = 0; i < 10; i++) {
		const int64_t before = now_us();
		assert_false(store_secret(f->store, &secret));
		if (now_us() - before < best)
			best = now_us() - before;
	}
	assert_true(best < 1000);
	assert_false(store_secret(NULL, &secret));
	request = request_of(&none, CONTACT_LOOK, "a", one);
	const struct store_request asked = contact_ask(&request);
	assert_int_equal(store_run(f->store, &asked, 1, &got, 100), STORE_DOWN);
	assert_false(contact_answer(&request, got));
	assert_false(contact_answer(&request, NULL));
	store_answers_free(&got);
	assert_true(server_start(&f->server, NULL)); /* it comes later, and so does the secret */
	secret_of(f->store);
}

static void a_store_that_lost_its_data_gets_the_secret_back(void **state)
{
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	const struct store_secret before = secret_of(f->store);
	assert_int_equal(decide(f->store, 1, (const char *const[]){ "FLUSHALL" }), STORE_OK);
	struct store_secret after = secret_later(f->store);
	assert_memory_equal(&before, &after, sizeof(before));
	/* unless another server was faster: then all take that one */
	assert_int_equal(
		decide(f->store, 4,
		       (const char *const[]){ "HSET", "leu:meta", "secret", "00112233445566778899aabbccddeeff" }),
		STORE_OK);
	after = secret_later(f->store);
	assert_true(after.key[0] == UINT64_C(0x0011223344556677) && after.key[1] == UINT64_C(0x8899aabbccddeeff));
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "HSET", "leu:meta", "secret", "nonsense" }),
			 STORE_OK);
	struct store_secret still = secret_later(f->store);
	assert_memory_equal(&still, &after, sizeof(after));
}

/* As redis/contact.lua keeps it. */
static void set_days(struct fixture *f, const char *field, unsigned count, const char *usual)
{
	char day[16], value[64];
	const time_t before = time(NULL) - 86400;
	struct tm tm;

	strftime(day, sizeof(day), "%Y-%m-%d", gmtime_r(&before, &tm));
	snprintf(value, sizeof(value), "%u on %s, usual %s", count, day, usual);
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "HSET", "leu:seen:{a}", field, value }), STORE_OK);
}

static void what_is_usual_for_the_account_is_known_with_it(void **state)
{
	struct fixture *f = *state;
	const char *const some[] = { "a@example.org", "b@example.org", "a@example.org", NULL };
	struct contact_request request;

	NEEDS_SERVER(f);
	open_store(f);
	const struct store_secret secret = secret_of(f->store);
	set_days(f, "confirm", 100, "42.500");
	request = request_of(&secret, CONTACT_LOOK, "a", some);
	request.kind = span("confirm");
	run(f->store, &request);
	/* 100 count as twice 42.5 and four: (89 - 42.5) / 8 more */
	assert_int_equal(request.usual, 48);
	assert_int_equal(request.new_count, 2);
	request.mode = CONTACT_ADD;
	run(f->store, &request);
	run(f->store, &request); /* nobody is new any more */
	assert_int_equal(request.new_count, 0);
	assert_int_equal(request.usual, 48);
	request.mode = CONTACT_LOOK;
	request.kind = span("sale");
	run(f->store, &request);
	assert_int_equal(request.usual, 0);
	request.kind = span("");
	run(f->store, &request);
	assert_int_equal(request.usual, 0);
}

static void since_when_contacts_are_learnt_is_known_with_the_secret(void **state)
{
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	open_store(f);
	assert_int_equal(store_since(NULL), 0);
	assert_int_equal(store_since(f->store), 0);
	const int64_t now = clock_wall_ms();
	secret_of(f->store);
	const int64_t first = store_since(f->store);
	assert_true(first > now - 20000 && first <= clock_wall_ms());
	secret_later(f->store);
	assert_int_equal(store_since(f->store), first);
	assert_int_equal(decide(f->store, 1, (const char *const[]){ "FLUSHALL" }), STORE_OK);
	/* all are strangers there; a slow machine may have to ask more than once */
	for (int i = 0; i < 50 && store_since(f->store) <= first; i++)
		secret_later(f->store);
	assert_true(store_since(f->store) > first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(who_was_written_to_is_known_to_all_servers),
		cmocka_unit_test(fingerprints_are_small_and_of_one_account),
		STORE_TEST(without_an_answer_nothing_is_made_of_it),
		STORE_TEST(a_store_that_lost_its_data_gets_the_secret_back),
		STORE_TEST(what_is_usual_for_the_account_is_known_with_it),
		STORE_TEST(since_when_contacts_are_learnt_is_known_with_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
