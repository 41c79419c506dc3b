/*
 * Messages of name servers, octet by octet.
 */
#include <stdio.h>

#include "system/clock.h"
#include "dns/answer.h"
#include "dns/wire.h"
#include "test/unit/test.h"

#define ROOM 70000

struct message {
	uint8_t at[ROOM];
	size_t len;
	struct dns_key key;
};

static void put(struct message *message, const void *from, size_t len)
{
	assert_true(message->len + len <= ROOM);
	memcpy(message->at + message->len, from, len);
	message->len += len;
}

#define PUT(message, literal) put(message, literal, sizeof(literal) - 1)

/* The question for "a.example" and an answer's header; its name stands at octet 12. */
static void begin(struct message *message, enum dns_type type, unsigned flags, unsigned answers, unsigned authority)
{
	uint8_t query[DNS_QUERY_SIZE];

	assert_true(dns_key_make(&message->key, type, "a.example"));
	message->len = dns_query_write(query, 1, &message->key) - 11;
	memcpy(message->at, query, message->len);
	const uint8_t header[] = { (uint8_t)(flags >> 8),
				   (uint8_t)flags,
				   0,
				   1,
				   (uint8_t)(answers >> 8),
				   (uint8_t)answers,
				   0,
				   (uint8_t)authority,
				   0,
				   0 };
	memcpy(message->at + 2, header, sizeof(header));
}

static const struct dns_answer *read_answer(const struct message *message)
{
	/* of its own size, so that a sanitizer sees what is read behind it */
	uint8_t *copy = malloc(message->len);
	const struct dns_answer *answer;

	assert_non_null(copy);
	memcpy(copy, message->at, message->len);
	answer = dns_answer_read(copy, message->len, &message->key);
	free(copy);
	return answer;
}

static enum dns_status status_of(const struct message *message)
{
	const struct dns_answer *answer = read_answer(message);
	const enum dns_status status = answer->status;

	assert_true((status == DNS_FOUND) == (answer->count > 0));
	dns_unref(&answer);
	return status;
}

#define A_RECORD "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"

static struct message message;

static void an_answer_of_each_kind_of_header_is_judged(void **state)
{
	static const struct {
		unsigned flags;
		enum dns_status status;
	} rows[] = {
		{ 0x8180, DNS_FOUND },	{ 0x8580, DNS_FOUND },
		{ 0x8000, DNS_FOUND },	{ 0x0100, DNS_FAILED }, /* a question */
		{ 0x8380, DNS_FAILED },				/* cut */
		{ 0x8980, DNS_FAILED },				/* opcode 1 */
		{ 0x8182, DNS_FAILED }, { 0x8185, DNS_FAILED },
		{ 0x8181, DNS_FAILED }, { 0x8184, DNS_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(&message, DNS_A, rows[i].flags, 1, 0);
		PUT(&message, A_RECORD);
		assert_int_equal(status_of(&message), rows[i].status);
	}
}

static void records_of_another_class_type_or_name_do_not_count(void **state)
{
	static const char *const others[] = {
		"\xc0\x0c\0\1\0\3\0\0\0\x3c\0\4\xc0\0\2\1",    /* class CH */
		"\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\4\3abc",       /* TXT */
		"\1b\xc0\x0e\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1", /* b.example */
	};
	static const size_t lens[] = { 16, 16, 18 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		begin(&message, DNS_A, 0x8180, 1, 0);
		put(&message, others[i], lens[i]);
		assert_int_equal(status_of(&message), DNS_NO_DATA);
	}
}

static void a_message_cut_anywhere_is_a_failure(void **state)
{
	(void)state;
	begin(&message, DNS_TXT, 0x8180, 2, 0);
	PUT(&message, "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e"); /* CNAME b.example */
	PUT(&message, "\1b\xc0\x0e\0\x10\0\1\0\0\0\x1e\0\6\2ab\2cd");
	const struct dns_answer *answer = read_answer(&message);
	assert_int_equal(answer->status, DNS_FOUND);
	assert_int_equal(answer->ttl, 30);
	assert_int_equal(answer->records[0].txt.len, 4);
	assert_memory_equal(answer->records[0].txt.at, "abcd", 4);
	dns_unref(&answer);
	for (const size_t len = message.len; message.len > 0;) {
		message.len--;
		assert_true(message.len < len);
		assert_int_equal(status_of(&message), DNS_FAILED);
	}
}

static void a_message_with_any_octet_changed_is_read_without_harm(void **state)
{
	(void)state;
	for (enum dns_type type = DNS_A; type < DNS_TYPES; type++) {
		begin(&message, type, 0x8180, 3, 1);
		PUT(&message, "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1b\xc0\x0e");
		PUT(&message, "\1b\xc0\x0e\0\x0f\0\1\0\0\0\x1e\0\7\0\1\2mx\xc0\x0e");
		PUT(&message, "\1b\xc0\x0e\0\x10\0\1\0\0\0\x1e\0\6\2ab\2cd");
		PUT(&message, "\0\0\6\0\1\0\0\0\x1e\0\x16\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5");
		for (size_t i = 0; i < message.len; i++)
			for (unsigned bit = 0; bit < 256; bit++) {
				const uint8_t before = message.at[i];

				message.at[i] ^= (uint8_t)bit;
				status_of(&message);
				message.at[i] = before;
			}
	}
}

static void data_of_the_wrong_size_is_a_failure(void **state)
{
	static const struct {
		enum dns_type type;
		const char *bytes;
		size_t len;
	} rows[] = {
		{ DNS_A, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3\xc0\0\2", 15 },
		{ DNS_AAAA, "\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\4\xc0\0\2\1", 16 },
		{ DNS_TXT, "\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\4\4abc", 16 },     /* a string beyond its record */
		{ DNS_MX, "\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\2\0\1", 14 },	      /* no name */
		{ DNS_MX, "\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\6\0\1\1b\0x", 18 }, /* more than a name */
		{ DNS_PTR, "\xc0\x0c\0\x0c\0\1\0\0\0\x3c\0\0", 12 },
		{ DNS_PTR, "\xc0\x0c\0\x0c\0\1\0\0\0\x3c\0\2\xc0\xff", 14 }, /* a name that leads out of the message */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin(&message, rows[i].type, 0x8180, 1, 0);
		put(&message, rows[i].bytes, rows[i].len);
		assert_int_equal(status_of(&message), DNS_FAILED);
	}
}

static void a_ttl_with_its_highest_bit_set_is_0(void **state)
{
	(void)state;
	begin(&message, DNS_A, 0x8180, 1, 0);
	PUT(&message, "\xc0\x0c\0\1\0\1\x80\0\0\x3c\0\4\xc0\0\2\1");
	const struct dns_answer *answer = read_answer(&message);
	assert_int_equal(answer->ttl, 0);
	dns_unref(&answer);
}

/* 255 octets of name that octets later on are a pointer each: 16 octets become 1 kB. */
static void names_that_unfold_without_end_are_a_failure(void **state)
{
	(void)state;
	begin(&message, DNS_MX, 0x8180, 4000, 0);
	const uint16_t first = (uint16_t)(0xc000 | (message.len + 14));
	const uint8_t pointer[2] = { (uint8_t)(first >> 8), (uint8_t)first };
	PUT(&message, "\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\xc3\0\1");
	for (int label = 0; label < 3; label++) {
		put(&message, "\77", 1);
		for (int i = 0; i < 63; i++)
			put(&message, "\1", 1);
	}
	put(&message, "", 1);
	for (int i = 1; i < 4000; i++) {
		PUT(&message, "\xc0\x0c\0\x0f\0\1\0\0\0\x3c\0\4\0\1");
		put(&message, pointer, 2);
	}
	assert_int_equal(status_of(&message), DNS_FAILED);
	/* as many as fit are an answer */
	message.at[6] = 0;
	message.at[7] = 100;
	assert_int_equal(status_of(&message), DNS_FOUND);
}

/* Each owner leads back by way of the one before. */
static void a_message_full_of_pointers_costs_little_time(void **state)
{
	const int64_t before = clock_ticks_ms();
	uint16_t back;

	(void)state;
	begin(&message, DNS_A, 0x8180, 5000, 0);
	back = 12;
	for (int i = 0; i < 5000; i++) {
		const uint16_t here = (uint16_t)message.len;
		const uint8_t pointer[2] = { (uint8_t)(0xc0 | back >> 8), (uint8_t)back };

		put(&message, pointer, 2);
		PUT(&message, "\0\5\0\1\0\0\0\x3c\0\0");
		back = here < 0x3fff ? here : back;
	}
	status_of(&message);
	assert_true(clock_ticks_ms() - before < 500);
}

static void a_question_is_written_as_the_rfc_says(void **state)
{
	static const char wanted[] = "\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\7example\0\0\x10\0\1\0\0\x29\4\xd0\0\0\0\0\0\0";
	uint8_t query[DNS_QUERY_SIZE];
	struct dns_key key;

	(void)state;
	assert_true(dns_key_make(&key, DNS_TXT, "A.Example"));
	assert_int_equal(dns_query_write(query, 0x1234, &key), sizeof(wanted) - 1);
	assert_memory_equal(query, wanted, sizeof(wanted) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_of_each_kind_of_header_is_judged),
		cmocka_unit_test(records_of_another_class_type_or_name_do_not_count),
		cmocka_unit_test(a_message_cut_anywhere_is_a_failure),
		cmocka_unit_test(a_message_with_any_octet_changed_is_read_without_harm),
		cmocka_unit_test(data_of_the_wrong_size_is_a_failure),
		cmocka_unit_test(a_ttl_with_its_highest_bit_set_is_0),
		cmocka_unit_test(names_that_unfold_without_end_are_a_failure),
		cmocka_unit_test(a_message_full_of_pointers_costs_little_time),
		cmocka_unit_test(a_question_is_written_as_the_rfc_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
