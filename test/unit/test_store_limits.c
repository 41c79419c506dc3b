/*
 * What the store keeps in memory has a limit.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "system/clock.h"
#include "test/unit/store_fixture.h"

/* Long ones, so that few fill the buffer. */
static void post_long(struct fixture *f, unsigned number)
{
	char id[16], text[1000];
	const int64_t now = clock_wall_ms();

	decision_id(now, f->chance++, id);
	memset(text, 'x', sizeof(text));
	text[snprintf(text, sizeof(text), "mail=%u", number)] = ' ';
	const struct store_decision decision = {
		.account = "a", .id = id, .at_ms = now, .text = { text, sizeof(text) }
	};
	store_post_decision(f->store, &decision);
}

#define MANY 12000 /* three times what the 4 MiB hold */

static void too_long_an_outage_costs_the_oldest(void **state)
{
	struct fixture *f = *state;
	struct store_status status;
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	f->options.history_max = 1000000;
	open_store(f);
	assert_true(answers(f->store));
	server_kill(&f->server, SIGKILL);
	for (unsigned i = 0; i < MANY; i++)
		post_long(f, i);
	store_status(f->store, &status);
	assert_int_equal(status.posted, MANY);
	assert_true(status.dropped > MANY / 2 && status.dropped < MANY * 3 / 4);
	assert_true(server_start(&f->server, NULL));
	assert_true(written(f->store, MANY - status.dropped, 20000));
	assert_int_equal(history(f, "a", &seen), STORE_OK);
	assert_int_equal(seen.count, MANY - status.dropped);
	assert_int_equal(seen.first, MANY - 1);
	assert_true(seen.ordered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(too_long_an_outage_costs_the_oldest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
