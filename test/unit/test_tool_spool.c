/*
 * tools/spool.c: what waits for the store is there after a kill, comes out in order, and is bounded.
 */
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/spool.c" /* the tools' parts are in no library of tests */

static char directory[64];
static struct spool *spool;

static int open_place(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/leumund-spool-XXXXXX");
	if (!mkdtemp(directory) || chdir(directory) < 0)
		return -1;
	spool = spool_open(20000);
	return spool ? 0 : -1;
}

static int close_place(void **state)
{
	char name[24];

	(void)state;
	spool_close(&spool);
	unlink(DONE);
	for (uint32_t number = 0; number < 20; number++) {
		name_of(number, name);
		unlink(name);
	}
	return chdir("/") == 0 ? rmdir(directory) : -1;
}

static void open_again(void)
{
	spool_close(&spool);
	spool = spool_open(20000);
	assert_non_null(spool);
}

static void put(int from, int to)
{
	char line[32];

	for (int i = from; i < to; i++) {
		const int len = snprintf(line, sizeof(line), "line %d\n", i);
		assert_return_code(spool_append(spool, line, (size_t)len), 0);
	}
}

/* As a batch, for each costs a write to the disk. */
static void put_many(int from, int to)
{
	char *lines = malloc((size_t)(to - from) * 16);
	size_t len = 0;

	assert_non_null(lines);
	for (int i = from; i < to; i++)
		len += (size_t)snprintf(lines + len, 16, "line %d\n", i);
	assert_return_code(spool_append(spool, lines, len), 0);
	free(lines);
}

/* Takes the first line that waits; -1: none. */
static int take(void)
{
	const struct span lines = spool_first(spool);
	int number;

	if (lines.len == 0 || sscanf(lines.at, "line %d\n", &number) != 1)
		return -1;
	spool_done(spool, (size_t)((const char *)memchr(lines.at, '\n', lines.len) - lines.at) + 1);
	return number;
}

static uint64_t waiting(void)
{
	struct spool_counts counts;

	spool_count(spool, &counts);
	return counts.waiting;
}

static void in_order_and_gone_when_done(void **state)
{
	(void)state;
	put(0, 20);
	assert_int_equal(waiting(), 20);
	for (int i = 0; i < 10; i++)
		assert_int_equal(take(), i);
	put(20, 30);
	for (int i = 10; i < 30; i++)
		assert_int_equal(take(), i);
	assert_int_equal(take(), -1);
	assert_int_equal(waiting(), 0);
	assert_int_equal(access(PREFIX "0000000001", F_OK), -1);
}

static void after_a_kill_it_goes_on_where_it_was(void **state)
{
	(void)state;
	put(0, 20);
	for (int i = 0; i < 7; i++)
		assert_int_equal(take(), i);
	open_again();
	assert_int_equal(waiting(), 13);
	put(20, 22);
	for (int i = 7; i < 22; i++)
		assert_int_equal(take(), i);
	/* the next file may have the number of the last one, and nothing of it is done */
	open_again();
	put(30, 33);
	open_again();
	for (int i = 30; i < 33; i++)
		assert_int_equal(take(), i);
}

static void half_a_line_was_never_promised(void **state)
{
	(void)state;
	put(0, 3);
	assert_int_equal(pwrite(spool->writing, "line 3\nli", 9, spool->end), 9);
	open_again();
	put(4, 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(take(), i);
	assert_int_equal(take(), -1);
}

static void the_oldest_are_dropped_and_counted(void **state)
{
	struct spool_counts counts;

	(void)state;
	for (int i = 0; i < 40000; i += 1000)
		put_many(i, i + 1000);
	spool_count(spool, &counts);
	assert_true(counts.waiting <= 20000);
	assert_int_equal(counts.waiting + counts.dropped, 40000);
	const int first = take();
	assert_int_equal(first, counts.dropped);
	open_again();
	assert_int_equal(waiting(), counts.waiting - 1);
	for (int i = first + 1; i < 40000; i++)
		assert_int_equal(take(), i);
	assert_int_equal(take(), -1);
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(in_order_and_gone_when_done),
		PLACE_TEST(after_a_kill_it_goes_on_where_it_was),
		PLACE_TEST(half_a_line_was_never_promised),
		PLACE_TEST(the_oldest_are_dropped_and_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
