/*
 * The log (common/log.h): what is said of lines that it could not write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* A stuck reader, then one that reads again: the lines lost in between are counted once, and said. */
static void lost_lines_are_counted_once_and_said_when_the_log_is_back(void **state)
{
	static char seen[1 << 17];
	int ends[2], saved = dup(STDERR_FILENO);
	char expected[80];
	uint64_t lost;
	ssize_t len;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	log_open("test", LOG_TO_STDERR, LEVEL_INFO);
	for (int i = 0; i < 100000 && log_lost() < 50; i++)
		log_info("a line");
	lost = log_lost();
	len = read(ends[0], seen, sizeof(seen));
	assert_true(len > 0);
	log_info("the log is back");
	len = read(ends[0], seen, sizeof(seen) - 1);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_true(len > 0);
	seen[len] = '\0';
	assert_int_equal(lost, 50);
	snprintf(expected, sizeof(expected), " warning: %d log lines were lost", 50);
	assert_non_null(strstr(seen, "the log is back"));
	assert_non_null(strstr(seen, expected));
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_lines_are_counted_once_and_said_when_the_log_is_back),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
