/*
 * Mail about mail: whom it names, what it says of him, what it returns of our message; and mail that means harm.
 */
#include "test.h"

#include <stdio.h>

#include "bounce/bounce.h"

#define DATA "test/data/evidence/"

static struct evidence_table *table;

static char *read_file(const char *name, size_t *len)
{
	char path[256];
	snprintf(path, sizeof(path), DATA "%s", name);
	FILE *file = fopen(path, "r");
	char *bytes = malloc(65536);

	assert_non_null(file);
	assert_non_null(bytes);
	*len = fread(bytes, 1, 65536, file);
	fclose(file);
	return bytes;
}

/* "class address status, class address status" */
static void check(const char *name, const char *wanted, const char *message_id)
{
	const char *why;
	size_t len, used = 0;
	char *bytes = read_file(name, &len), found[512] = "";
	struct bounce *bounce = bounce_read(table, bytes, len, &why);

	assert_non_null(bounce);
	for (size_t i = 0; i < bounce_count(bounce); i++) {
		const struct bounce_recipient *at = bounce_recipient(bounce, i);
		const int wrote = snprintf(found + used, sizeof(found) - used, "%s%s %s %s", i > 0 ? ", " : "",
					   evidence_class_name(at->evidence.class), at->address, at->status);
		used += (size_t)wrote;
	}
	assert_string_equal(found, wanted);
	if (message_id)
		assert_string_equal(bounce_original(bounce, "Message-ID"), message_id);
	else
		assert_null(bounce_original(bounce, "Message-ID"));
	bounce_free(&bounce);
	free(bytes);
}

static void reports_name_their_recipients(void **state)
{
	(void)state;
	check("dsn.eml", "policy-block jo@hotmail.test 5.7.1, delivered al@there.test 2.0.0", "<news-3@shop.test>");
	check("exim.eml", "nonexistent-mailbox jo@gone.test 5.1.1, mailbox-full al@full.test ", "<news-1@shop.test>");
	check("qmail.eml", "nonexistent-mailbox jo@gone.test 5.1.1", "<news-2@shop.test>");
}

static void complaints_name_who_complained(void **state)
{
	(void)state;
	check("arf.eml", "complaint jo@provider.test ", "<news-4@shop.test>");
	check("jmrp.eml", "complaint jo@hotmail.test ", "<news-5@shop.test>");
	check("spamcop.eml", "complaint  ", "<news-6@shop.test>");
}

static void other_mail_is_no_report(void **state)
{
	(void)state;
	check("vacation.eml", "", NULL);
	check("dmarc.eml", "", "<news-4@shop.test>");
}

static char *repeat(const char *head, const char *unit, size_t count, size_t *len)
{
	const size_t unit_len = strlen(unit);
	char *bytes = malloc(strlen(head) + unit_len * count + 1);

	assert_non_null(bytes);
	*len = strlen(head);
	memcpy(bytes, head, *len);
	for (size_t i = 0; i < count; i++, *len += unit_len)
		memcpy(bytes + *len, unit, unit_len);
	return bytes;
}

static void harmful_mail_is_given_up(void **state)
{
	static const char head[] = "From: MAILER-DAEMON@x.test\nSubject: Undelivered\nMIME-Version: 1.0\n"
				   "Content-Type: multipart/mixed; boundary=\"B\"\n\n";
	const char *why;
	size_t len;
	char *bytes = repeat(head, "--B\nContent-Type: multipart/mixed; boundary=\"B\"\n\n", 10000, &len);

	(void)state;
	assert_null(bounce_read(table, bytes, len, &why));
	assert_non_null(strstr(why, "parts"));
	free(bytes);
	/* what is long is read as far as it goes */
	bytes = repeat(head, "--B\n\n<jo@x.test>: host h said: 550 5.1.1 user unknown\n\n", 200000, &len);
	struct bounce *bounce = bounce_read(table, bytes, len, &why);
	assert_non_null(bounce);
	assert_int_equal(bounce_count(bounce), 1);
	bounce_free(&bounce);
	free(bytes);
	bytes = repeat("", "\0\n", 1, &len);
	bounce = bounce_read(table, "\0\0\0\0", 4, &why);
	assert_true(!bounce || bounce_count(bounce) == 0);
	bounce_free(&bounce);
	free(bytes);
}

static int set_up(void **state)
{
	char error[1024];

	(void)state;
	table = evidence_load(NULL, error, sizeof(error));
	return table ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	evidence_free(&table);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_name_their_recipients),
		cmocka_unit_test(complaints_name_who_complained),
		cmocka_unit_test(other_mail_is_no_report),
		cmocka_unit_test(harmful_mail_is_given_up),
	};

	if (!LEUMUND_WITH_GMIME) {
		puts("ok 1 # SKIP this build has no GMime");
		return 0;
	}
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
