/*
 * UTF-8, strictly: what RFC 3629 does not allow is not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "utf8.h"

static void every_point_survives_the_round_trip(void **state)
{
	(void)state;
	for (uint32_t point = 0; point <= 0x10ffff; point += point < 0x3000 ? 1 : 97) {
		char bytes[4];
		uint32_t again = 0;
		size_t len = utf8_write(bytes, point);

		if (point >= 0xd800 && point <= 0xdfff) {
			assert_int_equal(utf8_read(bytes, len, &again), 0);
			continue;
		}
		assert_int_equal(utf8_read(bytes, len, &again), len);
		assert_int_equal(again, point);
		assert_int_equal(utf8_read(bytes, len - 1, &again), 0);
	}
}

static void what_is_not_utf8_is_refused(void **state)
{
	static const char *const bad[] = { "\x80",
					   "\xbf",
					   "\xc0\xaf",
					   "\xc1\xbf",
					   "\xc2",
					   "\xc2\x41",
					   "\xe0\x80\xaf",
					   "\xe0\x9f\xbf",
					   "\xed\xa0\x80",
					   "\xed\xbf\xbf",
					   "\xf0\x80\x80\x80",
					   "\xf0\x8f\xbf\xbf",
					   "\xf4\x90\x80\x80",
					   "\xf5\x80\x80\x80",
					   "\xfe",
					   "\xff" };
	uint32_t point;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(utf8_read(bad[i], strlen(bad[i]), &point), 0);
	assert_int_equal(utf8_read("", 0, &point), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_survives_the_round_trip),
		cmocka_unit_test(what_is_not_utf8_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
