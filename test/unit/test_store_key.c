/*
 * Decision ids, keys, errors and the buffer of posts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/key.h"
#include "store/post.h"
#include "store/target.h"
#include "store/trouble.h"

static void decision_id_holds_time_and_chance(void **state)
{
	const int64_t times[] = { 0, 1, 1764066217123, 2821109907455 };
	char id[16];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		decision_id(times[i], 4000000000u, id);
		assert_int_equal(strlen(id), 13);
		assert_int_equal(decision_id_ms(id), times[i]);
		assert_int_equal(decision_id_chance(id), 4000000000u % DECISION_CHANCES);
	}
}

static void decision_ids_sort_by_time(void **state)
{
	char a[16], b[16];

	(void)state;
	decision_id(1764066217123, DECISION_CHANCES - 1, a);
	decision_id(1764066217124, 0, b);
	assert_true(strcmp(a, b) < 0);
}

static void what_is_no_id_has_no_time(void **state)
{
	const char *const none[] = {
		"", "abc", "00000000000000", "0000000000-00", "0000000A00000", "000000000000 ", "*", "0000000000000\n"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_int_equal(decision_id_ms(none[i]), -1);
}

static void names_become_harmless_keys(void **state)
{
	static const char *const rows[][2] = {
		{ "cp1098@Srv03.Example", "leu:hist:{cp1098@srv03.example}" },
		{ "", "leu:hist:{unknown}" },
		{ "a}b:c", "leu:hist:{a%7db%3ac}" },
		{ "x\r\ny z\033", "leu:hist:{x%0d%0ay%20z%1b}" },
		{ "\303\274ser", "leu:hist:{%c3%bcser}" },
		{ "50%", "leu:hist:{50%25}" },
		{ "a_b+c-d", "leu:hist:{a_b+c-d}" },
	};
	char key[STORE_KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		store_key(key, "hist", rows[i][0]);
		assert_string_equal(key, rows[i][1]);
	}
}

static void keys_have_parts_that_cannot_be_forged(void **state)
{
	static const char *const rows[][4] = {
		{ "limit", "CP1098@Srv03.Example", "", "leu:limit:{cp1098@srv03.example}" },
		{ "limit", "a", "script", "leu:limit:{a}:script" },
		{ "limit", "a", "/Home/a/x:y.php", "leu:limit:{a}:%2fhome%2fa%2fx%3ay.php" },
		{ "seen", "", "2026-11", "leu:seen:{unknown}:2026-11" },
		{ "x", "a}:b", "{\r\n*", "leu:x:{a%7d%3ab}:%7b%0d%0a%2a" },
	};
	char buffer[STORE_KEY_SIZE], name[1000];
	struct text key;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		text_init(&key, buffer, sizeof(buffer));
		store_key_write(&key, rows[i][0], (struct span){ rows[i][1], strlen(rows[i][1]) },
				(struct span){ rows[i][2], strlen(rows[i][2]) });
		assert_string_equal(buffer, rows[i][3]);
	}
	text_init(&key, buffer, sizeof(buffer));
	store_key_write(&key, "limit", (struct span){ "a", 1 }, (struct span){ "net", 3 });
	store_key_part(&key, (struct span){ "2001:db8::", 10 });
	assert_string_equal(buffer, "leu:limit:{a}:net:2001%3adb8%3a%3a");
	/* both parts as long as they may be, and NULs in them */
	memset(name, 0, sizeof(name));
	text_init(&key, buffer, sizeof(buffer));
	store_key_write(&key, "override", (struct span){ name, sizeof(name) }, (struct span){ name, sizeof(name) });
	assert_false(key.cut);
	assert_int_equal(strlen(buffer), key.len);
}

static void long_names_stay_different(void **state)
{
	char a[400], b[400], one[STORE_KEY_SIZE], two[STORE_KEY_SIZE], entity[STORE_ENTITY_SIZE];

	(void)state;
	for (size_t len = 150; len < 399; len++) {
		memset(a, len % 2 ? 'x' : '\377', len);
		a[len] = '\0';
		memcpy(b, a, len + 1);
		b[len - 1] = 'y';
		store_key(one, "refused", a);
		store_key(two, "refused", b);
		assert_string_not_equal(one, two);
		assert_true(strlen(one) < 191 + sizeof("leu:refused:{}"));
		store_key_entity(entity, one, strlen(one));
		assert_memory_equal(entity, one + strlen("leu:refused:{"), strlen(entity));
	}
}

static void errors_are_known_by_their_first_word(void **state)
{
	static const struct {
		const char *text;
		enum trouble trouble;
	} rows[] = {
		{ "NOSCRIPT No matching script.", TROUBLE_SCRIPT },
		{ "LOADING Redis is loading the dataset in memory", TROUBLE_PASSING },
		{ "OOM command not allowed when used memory > 'maxmemory'. script: 12ab, on @user_script:31.",
		  TROUBLE_PASSING },
		{ "ERR Error running script (call to f_12): @user_script:31: @user_script: 31: -OOM command not "
		  "allowed",
		  TROUBLE_PASSING },
		{ "ERR Error running script (call to f_12): @user_script:31: -READONLY You can't write",
		  TROUBLE_PASSING },
		{ "READONLY You can't write against a read only replica.", TROUBLE_PASSING },
		{ "MISCONF Redis is configured to save RDB snapshots", TROUBLE_PASSING },
		{ "NOAUTH Authentication required.", TROUBLE_DENIED },
		{ "NOPERM this user has no permissions", TROUBLE_DENIED },
		{ "ERR The user executing the script can't run this command or subcommand", TROUBLE_DENIED },
		{ "ERR ACL failure in script: No permissions to access a key", TROUBLE_DENIED },
		{ "WRONGTYPE Operation against a key holding the wrong kind of value", TROUBLE_OTHER },
		{ "OOMPH", TROUBLE_OTHER },
		{ "", TROUBLE_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(store_trouble(rows[i].text), rows[i].trouble);
}

static void addresses_are_split(void **state)
{
	char host[32], port[8];

	(void)state;
	assert_true(store_address_split("/run/redis.sock", host, sizeof(host), port, sizeof(port)));
	assert_string_equal(host, "");
	assert_true(store_address_split("redis.example:6379", host, sizeof(host), port, sizeof(port)));
	assert_string_equal(host, "redis.example");
	assert_string_equal(port, "6379");
	assert_true(store_address_split("[::1]:7", host, sizeof(host), port, sizeof(port)));
	assert_string_equal(host, "::1");
	assert_false(store_address_split("redis.example", host, sizeof(host), port, sizeof(port)));
	assert_false(store_address_split("redis.example:x", host, sizeof(host), port, sizeof(port)));
	assert_false(store_address_split(":6379", host, sizeof(host), port, sizeof(port)));
	assert_false(store_address_split("a-name-longer-than-the-buffer-of-this-test:1", host, sizeof(host), port,
					 sizeof(port)));
	assert_false(store_address_split(
		"/a/path/that/does/not/fit/into/the/108/bytes/of/a/unix/socket/address/because/it/is/"
		"just/too/long/by/far/redis.sock",
		host, sizeof(host), port, sizeof(port)));
}

static struct store_decision numbered(char text[600], unsigned number, size_t len)
{
	snprintf(text, 600, "%u ", number);
	memset(text + strlen(text), 'x', 599 - strlen(text));
	return (struct store_decision){ .account = "acct",
					.id = "0000000000000",
					.at_ms = number,
					.rule = "rule",
					.action = "reject",
					.text = { text, len } };
}

static void posts_come_out_as_they_went_in(void **state)
{
	struct posts posts;
	uint64_t end;
	char text[600];

	(void)state;
	assert_true(posts_init(&posts, 65536));
	for (unsigned i = 0; i < 20000; i++) { /* many times round the ring, never quite empty */
		const struct store_decision decision = numbered(text, i, 10 + i % 500);
		assert_int_equal(posts_put(&posts, &decision), 0);
		if (i < 3)
			continue;
		const struct post *post = posts_next(&posts, &end);
		assert_int_equal(post->at_ms, i - 3);
		assert_string_equal(post->bytes, "acct");
		assert_string_equal(post->bytes + post->id, "0000000000000");
		assert_string_equal(post->bytes + post->rule, "rule");
		assert_string_equal(post->bytes + post->action, "reject");
		assert_int_equal(strlen(post->bytes + post->text), 10 + (i - 3) % 500);
		assert_int_equal(strtoul(post->bytes + post->text, NULL, 10), i - 3);
		assert_true(posts_acknowledge(&posts, end));
		assert_int_equal(posts_count(&posts), 3);
	}
	posts_free(&posts);
}

static void oldest_posts_go_first(void **state)
{
	struct posts posts;
	unsigned dropped = 0;
	uint64_t end, early = 0;
	char text[600];

	(void)state;
	assert_true(posts_init(&posts, 65536));
	for (unsigned i = 0; i < 1000; i++) {
		const struct store_decision decision = numbered(text, i, 300);
		dropped += posts_put(&posts, &decision);
		if (i == 0)
			posts_next(&posts, &early);
	}
	assert_true(dropped > 700 && dropped < 900);
	assert_int_equal(posts_count(&posts), 1000 - dropped);
	assert_false(posts_acknowledge(&posts, early));
	for (unsigned i = dropped; i < 1000; i++)
		assert_int_equal(posts_next(&posts, &end)->at_ms, i);
	assert_null(posts_next(&posts, &end));
	posts_rewind(&posts);
	assert_int_equal(posts_next(&posts, &end)->at_ms, dropped);
	posts_free(&posts);
}

static void huge_posts_are_cut(void **state)
{
	struct posts posts;
	uint64_t end;
	char *text = malloc(100000);
	const struct store_decision decision = { .account = "a", .id = "0000000000000", .text = { text, 100000 } };

	(void)state;
	memset(text, 'x', 100000);
	assert_true(posts_init(&posts, 65536));
	assert_int_equal(posts_put(&posts, &decision), 0);
	const struct post *post = posts_next(&posts, &end);
	assert_true(post->size <= POST_MAX);
	assert_true(strlen(post->bytes + post->text) > 3900);
	assert_int_equal(post->refused, 0);
	posts_free(&posts);
	free(text);
}

static void a_post_becomes_a_command(void **state)
{
	struct post_form form = { .keep = 3600, .max = 5000 };
	struct posts posts;
	struct text text;
	uint64_t end;
	char buffer[POST_COMMAND_SIZE], id[16];

	(void)state;
	decision_id(1764066217123, 42, id);
	assert_true(posts_init(&posts, 65536));
	struct store_decision decision = {
		.account = "A}", .id = id, .at_ms = 1764066217123, .rule = "r", .action = "hold", .text = { "a\nb", 3 }
	};
	posts_put(&posts, &decision);
	text_init(&text, buffer, sizeof(buffer));
	post_command(&text, posts_next(&posts, &end), &form);
	/* 40 digits that change with the script */
	memset(strstr(buffer, "$40\r\n") + 5, '#', 40);
	assert_string_equal(buffer, "*12\r\n$7\r\nEVALSHA\r\n$40\r\n########################################\r\n$"
				    "1\r\n2\r\n$15\r\nleu:hist:{a%7d}\r\n"
				    "$18\r\nleu:refused:{a%7d}\r\n$13\r\n1764066217123\r\n$2\r\n42\r\n"
				    "$17\r\nmiefh8kj00016 a?b\r\n$4\r\n3600\r\n$4\r\n5000\r\n$6\r\nr.hold\r\n"
				    "$30\r\n2025-11-25 10:23:37 UTC r.hold\r\n");
	decision.rule = NULL;
	posts_put(&posts, &decision);
	text_init(&text, buffer, sizeof(buffer));
	post_command(&text, posts_next(&posts, &end), &form);
	assert_non_null(strstr(buffer, "5000\r\n$0\r\n\r\n$0\r\n\r\n"));
	posts_free(&posts);
}

/* Whatever a post holds: the lengths that the server is told must be true. */
static void commands_are_well_formed(void **state)
{
	struct post_form form = { .keep = 3600, .max = 5000 };
	struct posts posts;
	struct text text;
	uint64_t end;
	char buffer[POST_COMMAND_SIZE], bytes[6000];

	(void)state;
	assert_true(posts_init(&posts, 65536));
	srand(1);
	for (unsigned i = 0; i < 3000; i++) {
		char account[400], id[20], rule[100], action[40];
		const struct {
			char *at;
			size_t size;
		} fields[] = { { account, sizeof(account) },
			       { id, sizeof(id) },
			       { rule, sizeof(rule) },
			       { action, sizeof(action) } };
		for (size_t k = 0; k < 4; k++) {
			const size_t len = (size_t)rand() % fields[k].size;
			for (size_t n = 0; n < len; n++)
				fields[k].at[n] = (char)(1 + rand() % 255);
			fields[k].at[len] = '\0';
		}
		for (size_t n = 0; n < sizeof(bytes); n++)
			bytes[n] = (char)rand();
		const struct store_decision decision = { .account = account,
							 .id = id,
							 .at_ms = rand(),
							 .rule = i % 3 ? rule : NULL,
							 .action = action,
							 .text = { bytes, (size_t)rand() % sizeof(bytes) } };
		assert_int_equal(posts_put(&posts, &decision), 0);
		text_init(&text, buffer, sizeof(buffer));
		post_command(&text, posts_next(&posts, &end), &form);
		posts_acknowledge(&posts, end);
		assert_false(text.cut);
		char *at = buffer + 5;
		for (unsigned k = 0; k < 12; k++) {
			assert_int_equal(*at, '$');
			const size_t len = strtoul(at + 1, &at, 10);
			assert_memory_equal(at, "\r\n", 2);
			at += 2 + len;
			assert_memory_equal(at, "\r\n", 2);
			at += 2;
		}
		assert_int_equal(at - buffer, text.len);
	}
	posts_free(&posts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decision_id_holds_time_and_chance),
		cmocka_unit_test(decision_ids_sort_by_time),
		cmocka_unit_test(what_is_no_id_has_no_time),
		cmocka_unit_test(names_become_harmless_keys),
		cmocka_unit_test(keys_have_parts_that_cannot_be_forged),
		cmocka_unit_test(long_names_stay_different),
		cmocka_unit_test(errors_are_known_by_their_first_word),
		cmocka_unit_test(addresses_are_split),
		cmocka_unit_test(posts_come_out_as_they_went_in),
		cmocka_unit_test(oldest_posts_go_first),
		cmocka_unit_test(huge_posts_are_cut),
		cmocka_unit_test(a_post_becomes_a_command),
		cmocka_unit_test(commands_are_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
