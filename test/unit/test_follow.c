/*
 * follow/follow.h: each line once, whatever rotation does to the file, while we look or while we are away.
 */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "follow/follow.h"

static char place[] = "/tmp/leumund-follow-XXXXXX";
static char directory[64], given[1 << 20], context[1 << 16];
static struct follow *follow;
static unsigned warnings;
static bool from_begin;

static void take(void *arg, const char *line, size_t len, bool is_context)
{
	char *to = is_context ? context : given;
	const size_t at = strlen(to), room = is_context ? sizeof(context) : sizeof(given);

	(void)arg;
	if (at + len + 2 < room) {
		memcpy(to + at, line, len);
		memcpy(to + at + len, "\n", 2);
	}
}

static void heard(void *arg, bool is_warning, const char *sentence)
{
	(void)arg;
	(void)sentence;
	warnings += is_warning ? 1 : 0;
}

static void start(size_t context_bytes)
{
	follow = follow_open(&(struct follow_options){ .path = "mail.log",
						       .position = "mail.log.place",
						       .from_begin = from_begin,
						       .context = context_bytes,
						       .fn = take,
						       .say = heard });
	assert_non_null(follow);
}

static void look(void)
{
	/* it looks for another file of this name ten times a second */
	for (int i = 0; i < 3; i++) {
		while (follow_read(follow, 1 << 20) > 0)
			;
		usleep(60000);
	}
}

/* As kill -9 does: nothing is saved any more. */
static void die(void)
{
	follow_close(&follow);
}

static void expect(const char *lines)
{
	assert_string_equal(given, lines);
	given[0] = '\0';
}

static void append(const char *name, const char *text)
{
	FILE *file = fopen(name, "a");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void copy(const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t len;

	assert_non_null(in);
	assert_non_null(out);
	while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
		fwrite(bytes, 1, len, out);
	fclose(in);
	fclose(out);
}

static int open_place(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "%s", place);
	given[0] = context[0] = '\0';
	warnings = 0;
	from_begin = true;
	return mkdtemp(directory) && chdir(directory) == 0 ? 0 : -1;
}

static int close_place(void **state)
{
	static const char *const names[] = { "mail.log",	   "mail.log.1",   "mail.log.2",
					     "mail.log-20261121",  "mail.log.old", "mail.log.place",
					     "mail.log.place.new", "mail.log.1.gz" };

	(void)state;
	if (follow)
		follow_close(&follow);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
	return chdir("/") == 0 ? rmdir(directory) : -1;
}

/* ---- while it looks ---------------------------------------------------------------------------- */

static void lines_as_they_come(void **state)
{
	(void)state;
	append("mail.log", "one\ntwo\n");
	start(0);
	look();
	expect("one\ntwo\n");
	append("mail.log", "thr");
	look();
	expect("");
	append("mail.log", "ee\nfour\n");
	look();
	expect("three\nfour\n");
}

static void without_a_place_it_begins_at_the_end(void **state)
{
	(void)state;
	from_begin = false;
	append("mail.log", "one\ntwo\nhalf");
	start(1000);
	append("mail.log", " a line\nthree\n");
	look();
	expect("half a line\nthree\n");
	assert_string_equal(context, "one\ntwo\n");
}

static void a_file_that_comes_later(void **state)
{
	(void)state;
	start(0);
	look();
	assert_int_equal(warnings, 1);
	append("mail.log", "one\n");
	look();
	expect("one\n");
	assert_int_equal(warnings, 1);
}

static void renamed_while_its_writer_still_has_it(void **state)
{
	struct follow_counts counts;

	(void)state;
	append("mail.log", "one\n");
	start(0);
	look();
	assert_return_code(rename("mail.log", "mail.log.1"), 0);
	append("mail.log.1", "two\n");
	look();
	append("mail.log", "four\n");
	append("mail.log.1", "three\n");
	look();
	append("mail.log.1", "late\n");
	append("mail.log", "five\n");
	look();
	follow_count(follow, &counts);
	assert_int_equal(counts.rotations, 1);
	assert_int_equal(counts.gaps, 0);
	assert_string_equal(given, "one\ntwo\nthree\nfour\nlate\nfive\n");
	/* and killed in the middle of that */
	assert_return_code(follow_save(follow), 0);
	append("mail.log.1", "last\n");
	die();
	given[0] = '\0';
	start(0);
	append("mail.log", "six\n");
	look();
	expect("last\nsix\n");
}

static void copied_and_truncated(void **state)
{
	(void)state;
	append("mail.log", "one\ntwo\n");
	start(0);
	look();
	expect("one\ntwo\n");
	append("mail.log", "three\n"); /* not seen before it goes */
	copy("mail.log", "mail.log.1");
	assert_return_code(truncate("mail.log", 0), 0);
	append("mail.log", "four\n");
	look();
	expect("three\nfour\n");
	assert_int_equal(warnings, 0);
}

/* Between two looks it became as long as it was, so its size tells nothing. */
static void truncated_and_grown_again(void **state)
{
	(void)state;
	append("mail.log", "one\ntwo\n");
	start(0);
	look();
	expect("one\ntwo\n");
	copy("mail.log", "mail.log.1");
	assert_return_code(truncate("mail.log", 0), 0);
	append("mail.log", "three\nfour\nfive\n");
	look();
	expect("three\nfour\nfive\n");
}

/* A writer without O_APPEND leaves a hole. */
static void a_hole_of_zeros_is_no_line(void **state)
{
	(void)state;
	append("mail.log", "one\n");
	start(0);
	look();
	assert_return_code(truncate("mail.log", 0), 0);
	assert_return_code(truncate("mail.log", 1000000), 0);
	append("mail.log", "two\n");
	look();
	expect("one\ntwo\n");
}

static void long_lines_are_cut(void **state)
{
	struct follow_counts counts;
	char line[1001];

	(void)state;
	memset(line, 'x', 1000);
	line[1000] = '\0';
	append("mail.log", "one\n");
	for (int i = 0; i < 700; i++)
		append("mail.log", line);
	append("mail.log", "\ntwo\n");
	start(0);
	look();
	follow_count(follow, &counts);
	assert_int_equal(counts.cut, 1);
	assert_int_equal(counts.lines, 3);
	assert_int_equal(strlen(given), strlen("one\n\ntwo\n") + FOLLOW_LINE);
}

/* ---- after a restart --------------------------------------------------------------------------- */

static void nothing_twice_and_nothing_skipped(void **state)
{
	(void)state;
	append("mail.log", "one\ntwo\nhal");
	start(0);
	look();
	assert_return_code(follow_save(follow), 0);
	die();
	append("mail.log", "f\nthree\n");
	start(0);
	look();
	expect("one\ntwo\nhalf\nthree\n");
}

static void what_was_not_saved_comes_again(void **state)
{
	(void)state;
	append("mail.log", "one\n");
	start(0);
	look();
	assert_return_code(follow_save(follow), 0);
	append("mail.log", "two\n");
	look();
	die();
	start(0);
	look();
	expect("one\ntwo\ntwo\n");
}

static void begin_saved(void)
{
	append("mail.log", "one\n");
	start(0);
	look();
	assert_return_code(follow_save(follow), 0);
	append("mail.log", "two\n");
	die();
	given[0] = '\0';
}

static void rotated_while_away(void **state)
{
	(void)state;
	begin_saved();
	assert_return_code(rename("mail.log", "mail.log-20261121"), 0);
	append("mail.log", "three\n");
	start(0);
	look();
	expect("two\nthree\n");
	assert_int_equal(warnings, 0);
}

static void rotated_twice_while_away(void **state)
{
	(void)state;
	begin_saved();
	assert_return_code(rename("mail.log", "mail.log.1"), 0);
	append("mail.log", "three\n");
	usleep(20000);
	assert_return_code(rename("mail.log.1", "mail.log.2"), 0);
	assert_return_code(rename("mail.log", "mail.log.1"), 0);
	append("mail.log", "four\n");
	start(0);
	look();
	expect("two\nthree\nfour\n");
	assert_int_equal(warnings, 0);
}

static void copied_and_truncated_while_away(void **state)
{
	(void)state;
	begin_saved();
	copy("mail.log", "mail.log.1");
	assert_return_code(truncate("mail.log", 0), 0);
	append("mail.log", "three\nfour\nfive\n");
	start(0);
	look();
	expect("two\nthree\nfour\nfive\n");
	assert_int_equal(warnings, 0);
}

/* A file that is gone gives its inode to the next one. */
static void another_content_under_the_same_inode(void **state)
{
	(void)state;
	begin_saved();
	assert_return_code(truncate("mail.log", 0), 0);
	append("mail.log", "all\nthat\nis\nnew\n");
	start(0);
	look();
	expect("all\nthat\nis\nnew\n");
	assert_int_equal(warnings, 1); /* a gap, and it says so */
}

static void what_was_compressed_is_a_gap(void **state)
{
	struct follow_counts counts;

	(void)state;
	begin_saved();
	assert_return_code(rename("mail.log", "mail.log.1.gz"), 0);
	append("mail.log", "three\n");
	start(0);
	look();
	follow_count(follow, &counts);
	assert_int_equal(counts.gaps, 1);
	assert_int_equal(warnings, 1);
	expect("three\n");
}

static void moved_to_another_disk(void **state)
{
	(void)state;
	begin_saved();
	copy("mail.log", "mail.log.old");
	assert_return_code(rename("mail.log.old", "mail.log"), 0);
	start(0);
	look();
	expect("two\n");
	assert_int_equal(warnings, 0);
}

static void a_damaged_place_skips_nothing(void **state)
{
	static const char *const texts[] = { "", "x\n", "leumund-follow 1\nat 5\nend\n",
					     "leumund-follow 1\nat 5\nfile 1 2",
					     "leumund-follow 1\nfile 1 -2 0 0 0 0\nend\n" };

	(void)state;
	append("mail.log", "one\n");
	from_begin = false;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		unlink("mail.log.place");
		append("mail.log.place", texts[i]);
		start(0);
		look();
		expect("one\n");
		die();
	}
	assert_int_equal(warnings, 5);
}

static void context_is_what_stood_before(void **state)
{
	(void)state;
	append("mail.log.1", "minus one\nzero\n");
	usleep(20000);
	append("mail.log", "one\ntwo\n");
	start(0);
	look();
	assert_return_code(follow_save(follow), 0);
	die();
	append("mail.log", "three\n");
	start(13); /* whole lines of it */
	look();
	assert_string_equal(context, "zero\none\ntwo\n");
	assert_string_equal(given, "one\ntwo\nthree\n");
	die();
	context[0] = '\0';
	start(1000);
	assert_string_equal(context, "minus one\nzero\none\ntwo\n");
}

#define PLACE_TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_TEST(lines_as_they_come),
		PLACE_TEST(without_a_place_it_begins_at_the_end),
		PLACE_TEST(a_file_that_comes_later),
		PLACE_TEST(renamed_while_its_writer_still_has_it),
		PLACE_TEST(copied_and_truncated),
		PLACE_TEST(truncated_and_grown_again),
		PLACE_TEST(a_hole_of_zeros_is_no_line),
		PLACE_TEST(long_lines_are_cut),
		PLACE_TEST(nothing_twice_and_nothing_skipped),
		PLACE_TEST(what_was_not_saved_comes_again),
		PLACE_TEST(rotated_while_away),
		PLACE_TEST(rotated_twice_while_away),
		PLACE_TEST(copied_and_truncated_while_away),
		PLACE_TEST(another_content_under_the_same_inode),
		PLACE_TEST(what_was_compressed_is_a_gap),
		PLACE_TEST(moved_to_another_disk),
		PLACE_TEST(a_damaged_place_skips_nothing),
		PLACE_TEST(context_is_what_stood_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
