/*
 * Logging in, rights, settings, and what an admin is told about the server.
 */
#include <stdio.h>
#include <string.h>
#include <signal.h>

#include "log.h"
#include "test/unit/store_fixture.h"

static void passwords(void **state)
{
	struct fixture *f = *state;
	char path[128], error[256] = "";

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store)); /* once the password is set, a lost answer cannot be asked for again */
	assert_int_equal(
		ask(f->store, 2000, 4, (const char *const[]){ "CONFIG", "SET", "requirepass", "right % \xff" }),
		STORE_OK);
	store_close(&f->store, 0);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);

	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_DENIED, 5000));
	assert_true(trouble_is(f->store, "NOAUTH", 100));
	assert_true(down_at_once(f->store));
	store_close(&f->store, 0);

	write_password(f, path, "wrong", 0600);
	f->options.password_file = path;
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_DENIED, 5000));
	assert_true(trouble_is(f->store, "WRONGPASS", 100));
	store_close(&f->store, 0);

	write_password(f, path, "right % \xff", 0644);
	assert_null(store_open(&f->options, f->server.socket, error, sizeof(error)));
	assert_non_null(strstr(error, "chmod o="));
	write_password(f, path, "right % \xff", 0640);
	f->options.user = "default";
	open_store(f);
	assert_true(answers(f->store));
}

/* What a finding says, for those that look for a word in all of them. */
struct findings {
	char all[4096];
	int worst;
};

static void note_finding(void *arg, int severity, const char *sentence)
{
	struct findings *findings = arg;
	const size_t len = strlen(findings->all);

	if (severity > findings->worst)
		findings->worst = severity;
	snprintf(findings->all + len, sizeof(findings->all) - len, "%d %s\n", severity, sentence);
}

/* Asked again where the machine is too busy for an answer. */
static void examine(struct fixture *f, struct findings *findings)
{
	for (int i = 0; i < 10; i++) {
		memset(findings, 0, sizeof(*findings));
		store_examine(f->store, note_finding, findings, 2000);
		if (!strstr(findings->all, "does not answer"))
			return;
		wait_ms(200);
	}
}

static void an_acl_user_has_what_it_needs_and_no_more(void **state)
{
	struct fixture *f = *state;
	static const char *const rules[] = {
		"ACL",	 "SETUSER", "leumund",	       "on",	       ">secret",	 "-@all",  "+auth",    "+hello",
		"+ping", "+info",   "+client|setname", "+select",      "+scan",		 "+time",  "+exists",  "+type",
		"+ttl",	 "+expire", "+evalsha",	       "+script|load", "+script|exists", "+@hash", "+@set", "+@stream", "~leu:*"
	};
	struct findings findings = { .worst = 0 };
	struct seen seen = { 0 };
	char path[128];

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(decide(f->store, sizeof(rules) / sizeof(*rules), rules), STORE_OK);
	store_close(&f->store, 0);
	write_password(f, path, "secret", 0600);
	f->options.password_file = path;
	f->options.user = "leumund";
	f->options.address = f->server.socket;
	open_store(f);
	post(f, "a", 1, "default_domain");
	assert_true(written(f->store, 1, 20000));
	assert_int_equal(store_explain(f->store, "0000000000000", see, &seen, 2000), STORE_NONE);
	assert_int_equal(decide(f->store, 1, (const char *const[]){ "FLUSHALL" }), STORE_REFUSED);
	assert_int_equal(decide(f->store, 3, (const char *const[]){ "HGET", "other", "x" }), STORE_REFUSED);
	examine(f, &findings);
	assert_null(strstr(findings.all, "may change the server's settings"));
	assert_non_null(strstr(findings.all, "keeps nothing on disk"));
}

static void an_examination_says_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct findings findings = { .worst = 0 };

	NEEDS_SERVER(f);
	open_store(f);
	examine(f, &findings);
	print_message("%s", findings.all);
	assert_non_null(strstr(findings.all, "2 it keeps nothing on disk"));
	assert_non_null(strstr(findings.all, f->server.dir));
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "appendonly", "yes" }), STORE_OK);
	assert_int_equal(decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory", "100mb" }), STORE_OK);
	assert_int_equal(
		decide(f->store, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory-policy", "allkeys-lru" }),
		STORE_OK);
	assert_int_equal(decide(f->store, 3, (const char *const[]){ "REPLICAOF", "127.0.0.1", "1" }), STORE_OK);
	f->options.address = f->server.socket;
	examine(f, &findings);
	print_message("%s", findings.all);
	assert_non_null(strstr(findings.all, "0 it keeps its data on disk"));
	assert_non_null(strstr(findings.all, "2 maxmemory-policy is allkeys-lru"));
	assert_non_null(strstr(findings.all, "2 it is a replica of 127.0.0.1"));
	assert_non_null(strstr(findings.all, "1 our user \"default\" may change"));
	server_kill(&f->server, SIGKILL);
	memset(&findings, 0, sizeof(findings));
	store_examine(f->store, note_finding, &findings, 1000);
	assert_int_equal(findings.worst, 2);
	assert_non_null(strstr(findings.all, "does not answer"));
}

static void wrong_settings_are_refused(void **state)
{
	struct fixture *f = *state;
	char error[256];

	f->options.address = "nonsense";
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	assert_non_null(strstr(error, "host:port"));
	f->options.address = "127.0.0.1:1";
	f->options.user = "x";
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	assert_non_null(strstr(error, "password_file"));
	f->options.user = "";
	f->options.password_file = "/nowhere";
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	assert_non_null(strstr(error, "/nowhere"));
	f->options.password_file = "";
	f->options.address = "/tmp/x.sock";
	f->options.tls = true;
	assert_null(store_open(&f->options, "", error, sizeof(error)));
	assert_non_null(strstr(error, "store.tls"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(passwords),
		STORE_TEST(an_acl_user_has_what_it_needs_and_no_more),
		STORE_TEST(an_examination_says_what_is_wrong),
		STORE_TEST(wrong_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
