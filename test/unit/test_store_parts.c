/*
 * The parts of the store that need no server: pauses between tries, calls that await their turn.
 */
#include "store/backoff.h"
#include "store/queue.h"
#include "test/unit/test.h"

static void pauses_double_and_stay_below_the_longest(void **state)
{
	struct backoff backoff;
	int64_t most = BACKOFF_MIN_MS;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		backoff_init(&backoff, seed);
		assert_true(backoff_is_reset(&backoff));
		for (int i = 0; i < 20; i++) {
			most = i == 0 ? BACKOFF_MIN_MS : most * 2 < BACKOFF_MAX_MS ? most * 2 : BACKOFF_MAX_MS;
			const int64_t pause = backoff_next(&backoff);
			assert_true(pause >= most / 2 && pause <= most);
			assert_false(backoff_is_reset(&backoff));
		}
		backoff_reset(&backoff);
		assert_true(backoff_next(&backoff) <= BACKOFF_MIN_MS);
	}
}

static void pauses_of_two_servers_are_not_the_same(void **state)
{
	struct backoff one, other;
	int same = 0;

	(void)state;
	backoff_init(&one, 1001);
	backoff_init(&other, 1003);
	for (int i = 0; i < 50; i++)
		same += backoff_next(&one) == backoff_next(&other);
	assert_true(same < 10);
}

static struct store_call *new_call(void)
{
	return call_new(1, (const char *const[]){ "PING" });
}

static void calls_are_taken_in_order_whichever_gives_up(void **state)
{
	struct call_queue queue;
	struct store_call *calls[6];

	(void)state;
	queue_init(&queue);
	for (int i = 0; i < 5; i++) {
		calls[i] = new_call();
		queue_put(&queue, calls[i]);
	}
	/* the first, one in the middle, the last */
	for (int i = 0; i < 5; i += 2)
		queue_remove(&queue, calls[i]);
	calls[5] = new_call();
	queue_put(&queue, calls[5]);
	assert_int_equal(queue.count, 3);
	assert_ptr_equal(queue_take(&queue), calls[1]);
	assert_ptr_equal(queue_take(&queue), calls[3]);
	assert_ptr_equal(queue_take(&queue), calls[5]);
	assert_null(queue_take(&queue));
	for (int i = 0; i < 6; i++)
		call_free(calls[i]);
}

static void a_full_queue_takes_no_more_and_all_are_refused_in_the_end(void **state)
{
	static struct store_call *calls[QUEUED];
	struct call_queue queue;
	struct store_call *more = new_call();

	(void)state;
	queue_init(&queue);
	for (size_t i = 0; i < QUEUED; i++) {
		calls[i] = new_call();
		calls[i]->abandoned = i % 2; /* nobody waits for it: it goes by itself */
		queue_put(&queue, calls[i]);
	}
	assert_true(queue_has_room(&queue, 0));
	assert_false(queue_has_room(&queue, 1));
	queue_refuse(&queue);
	assert_int_equal(queue.count, 0);
	for (size_t i = 0; i < QUEUED; i += 2) {
		assert_true(calls[i]->done);
		assert_int_equal(calls[i]->result, STORE_DOWN);
		call_free(calls[i]);
	}
	assert_true(queue_has_room(&queue, QUEUED));
	queue_put(&queue, more);
	queue_remove(&queue, more);
	call_free(more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_double_and_stay_below_the_longest),
		cmocka_unit_test(pauses_of_two_servers_are_not_the_same),
		cmocka_unit_test(calls_are_taken_in_order_whichever_gives_up),
		cmocka_unit_test(a_full_queue_takes_no_more_and_all_are_refused_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
