/*
 * exim/changes.h: what a header shall say, in the words of Exim's remove_header and add_header.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "exim/changes.h"
#include "exim/line.h"

#define NAME "Authentication-Results"

static struct session session;
static struct marks marks;

static int begin(void **state)
{
	(void)state;
	session_init(&session);
	marks.first = NULL;
	return 0;
}

static int end(void **state)
{
	(void)state;
	session_free(&session);
	return 0;
}

static void field(const char *name, const char *value)
{
	assert_int_equal(message_header(&session, name, value, true), 0);
}

static void add(const char *name, const char *value)
{
	assert_true(marks_add(&marks, &session.message.memory, name, value));
}

static void take_out(const char *name, unsigned index)
{
	assert_true(marks_remove(&marks, &session.message.memory, name, index));
}

/* The names and the decoded lines of an answer. */
static void assert_changes(const struct header *cut, const char *names, const char *lines)
{
	const char *changes = exim_changes(&session.message, cut, &marks);
	char *copy = changes ? strdup(changes) : NULL, *words[3];

	assert_non_null(copy);
	assert_int_equal(copy[0], ' ');
	words[0] = strtok(copy, " ");
	words[1] = strtok(NULL, " ");
	words[2] = strtok(NULL, " ");
	assert_string_equal(words[0], "header");
	assert_string_equal(words[1], names);
	assert_non_null(words[2]);
	assert_null(strtok(NULL, " "));
	assert_int_equal(base64_decode(words[2]), strlen(lines));
	assert_string_equal(words[2], lines);
	free(copy);
}

static void nothing_changed_is_no_word(void **state)
{
	(void)state;
	field(NAME, " mx.example; none");
	assert_string_equal(exim_changes(&session.message, NULL, &marks), "");
}

static void fields_are_added_at_the_top(void **state)
{
	(void)state;
	add("X-One", "1;\n\ttwo ${run{x}} \xfc");
	add("X-Two", "2");
	assert_changes(NULL, "-", ":at_start:X-One: 1;\n\ttwo ${run{x}} \xfc\n:at_start:X-Two: 2\n");
}

static void an_added_field_stays_one_field(void **state)
{
	(void)state;
	add("X-One", "a\nSubject: b\n\nbody\r\n.\n\tc\x01\n");
	assert_changes(NULL, "-", ":at_start:X-One: a\n\tSubject: b\n\t\n\tbody?\n\t.\n\tc?\n");
}

static void others_of_the_name_are_said_again_the_last_first(void **state)
{
	(void)state;
	field("Received", " from x");
	field(NAME, " one.example;\n\tnone");
	field("authentication-RESULTS \t", "two.example");
	field("X-Other", " x");
	field(NAME, " forged");
	field(NAME, "\t:at_end:three.example;\n X-Injected: x");
	take_out(NAME, 3);
	add(NAME, "ours");
	assert_changes(NULL, NAME,
		       ":after_received:" NAME ":\t:at_end:three.example;\n X-Injected: x\n"
		       ":after_received:authentication-RESULTS:two.example\n"
		       ":after_received:" NAME ": one.example;\n\tnone\n"
		       ":at_start:" NAME ": ours\n");
}

static void what_leaves_nothing_adds_nothing(void **state)
{
	(void)state;
	field(NAME, " forged");
	field("X-Uid", " 1");
	field(NAME, " forged");
	take_out(NAME, 1);
	take_out("X-Uid", 1);
	take_out(NAME, 2);
	assert_changes(NULL, NAME ":X-Uid", "\n");
}

static void what_was_cut_is_not_said_again(void **state)
{
	const struct header *last;

	(void)state;
	field(NAME, " one.example; none");
	field(NAME, " own.exam");
	last = message_find(&session.message, NAME, session.message.headers);
	assert_non_null(last);
	take_out(NAME, 3); /* what was not shown */
	assert_changes(last, NAME, ":after_received:" NAME ": one.example; none\n");
}

static void a_name_that_exim_does_not_find_is_a_failure(void **state)
{
	static const char *const names[] = { NAME "\n ", NAME "\v", NAME " \f", NAME "\r" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		begin(NULL);
		field(names[i], " forged");
		field(NAME, " one.example");
		take_out(NAME, 1);
		assert_null(exim_changes(&session.message, NULL, &marks));
		/* as it stays where it is, it must not come twice */
		marks.first = NULL;
		take_out(NAME, 2);
		assert_changes(NULL, NAME, "\n");
		end(NULL);
	}
	begin(NULL);
}

static void a_name_that_means_something_in_a_list_is_a_failure(void **state)
{
	static const char *const names[] = { "X:Y", "<;", "X *", "*", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		marks.first = NULL;
		take_out(names[i], 1);
		assert_null(exim_changes(&session.message, NULL, &marks));
	}
}

static void a_field_that_exim_cannot_add_is_left_out(void **state)
{
	char *huge = calloc(1, EXIM_FIELD_MAX + 1);

	(void)state;
	assert_non_null(huge);
	memset(huge, 'x', EXIM_FIELD_MAX);
	field(NAME, huge);
	field(NAME, " forged");
	field(NAME, huge + 1);
	take_out(NAME, 2);
	add("X-Huge", huge);
	add("X-Small", "1");
	const char *changes = exim_changes(&session.message, NULL, &marks);
	assert_non_null(changes);
	assert_in_range(strlen(changes), EXIM_FIELD_MAX / 3 * 4, EXIM_FIELD_MAX / 3 * 4 + 300);
	free(huge);
}

static void a_thousand_fields_come_in_time_and_order(void **state)
{
	char *lines = calloc(1, 1 << 16), value[32];
	size_t len = 0;

	(void)state;
	assert_non_null(lines);
	for (int i = 1; i <= 998; i++) {
		snprintf(value, sizeof(value), " n%d", i);
		field(NAME, value);
		if (i % 2)
			take_out(NAME, (unsigned)i);
	}
	for (int i = 998; i > 0; i -= 2)
		len += (size_t)sprintf(lines + len, ":after_received:" NAME ": n%d\n", i);
	assert_changes(NULL, NAME, lines);
	free(lines);
}

static void base64_is_written_as_it_is_read(void **state)
{
	static const struct {
		const char *plain, *encoded;
	} rows[] = { { "", "" },
		     { "f", "Zg==" },
		     { "fo", "Zm8=" },
		     { "foo", "Zm9v" },
		     { "foob", "Zm9vYg==" },
		     { "\xff\xfe\x80\n", "//6ACg==" },
		     { "foobar", "Zm9vYmFy" } };
	char out[16];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(BASE64_SIZE(strlen(rows[i].plain)), strlen(rows[i].encoded) + 1);
		base64_encode(rows[i].plain, strlen(rows[i].plain), out);
		assert_string_equal(out, rows[i].encoded);
		base64_decode(out);
		assert_string_equal(out, rows[i].plain);
	}
}

#define CHANGES_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANGES_TEST(nothing_changed_is_no_word),
		CHANGES_TEST(fields_are_added_at_the_top),
		CHANGES_TEST(an_added_field_stays_one_field),
		CHANGES_TEST(others_of_the_name_are_said_again_the_last_first),
		CHANGES_TEST(what_leaves_nothing_adds_nothing),
		CHANGES_TEST(what_was_cut_is_not_said_again),
		CHANGES_TEST(a_name_that_exim_does_not_find_is_a_failure),
		CHANGES_TEST(a_name_that_means_something_in_a_list_is_a_failure),
		CHANGES_TEST(a_field_that_exim_cannot_add_is_left_out),
		CHANGES_TEST(a_thousand_fields_come_in_time_and_order),
		cmocka_unit_test(base64_is_written_as_it_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
