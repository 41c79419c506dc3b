/*
 * The store against a real server and its faults: killed, frozen, full, read-only, forgetful, talking nonsense.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include <cmocka.h>

#include "clock.h"
#include "log.h"
#include "store_call.h"
#include "store_key.h"
#include "test/unit/redis_server.h"

struct fixture {
	struct server server;
	struct store_options options;
	struct store *store;
	char address[128];
	uint32_t chance;
};

static int make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	log_open("test_store", LOG_TO_STDERR, LEVEL_ERROR);
	f->options = (struct store_options){ .address = "",
					     .user = "",
					     .password_file = "",
					     .tls_ca = "",
					     .deadline_ms = 100,
					     .history_keep = 259200,
					     .history_max = 5000,
					     .server = "",
					     .data = "" };
	*state = f;
	server_make(&f->server, NULL);
	return 0;
}

static int unmake(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store, 0);
	server_end(&f->server);
	free(f);
	return 0;
}

/* Skips where there is no server; one that does not start is a failure. */
static bool has_server(const struct fixture *f)
{
	const char *name;

	if (!f->server.pid && server_program(&name))
		fail_msg("%s does not start", name);
	if (!f->server.pid)
		print_message("no redis-server: apt-get install redis-tools\n");
	return f->server.pid != 0;
}

#define NEEDS_SERVER(f)             \
	do {                        \
		if (!has_server(f)) \
			skip();     \
	} while (0)

static void open_store(struct fixture *f)
{
	char error[256] = "";

	f->store = store_open(&f->options, f->server.socket, error, sizeof(error));
	if (!f->store)
		fail_msg("%s", error);
}

static enum store_state state_of(struct store *store)
{
	struct store_status status;

	store_status(store, &status);
	return status.state;
}

static bool becomes(struct store *store, enum store_state state, int64_t within_ms)
{
	const int64_t until = clock_ticks_ms() + within_ms;

	while (state_of(store) != state) {
		if (clock_ticks_ms() > until)
			return false;
		wait_ms(2);
	}
	return true;
}

static enum store_result ask(struct store *store, int64_t deadline_ms, int argc, const char *const *argv)
{
	struct redisReply *reply;
	const enum store_result result = store_ask(store, argc, argv, clock_ticks_ms() + deadline_ms, &reply);

	reply_free(&reply);
	return result;
}

static enum store_result ping(struct store *store)
{
	return ask(store, 100, 1, (const char *const[]){ "PING" });
}

/* A busy machine may make one call late; the next one is not. */
static bool answers(struct store *store)
{
	for (int i = 0; i < 30; i++) {
		if (ask(store, 300, 1, (const char *const[]){ "PING" }) == STORE_OK)
			return true;
		wait_ms(100);
	}
	return false;
}

static void post(struct fixture *f, const char *account, unsigned number, const char *rule)
{
	char id[16], text[64];
	const int64_t now = clock_wall_ms();

	decision_id(now, f->chance++, id);
	const int len = snprintf(text, sizeof(text), "mail=%u", number);
	const struct store_decision decision = { .account = account,
						 .id = id,
						 .at_ms = now,
						 .rule = rule,
						 .action = "reject",
						 .text = { text, (size_t)len } };
	store_post_decision(f->store, &decision);
}

static bool written(struct store *store, uint64_t count, int64_t within_ms)
{
	const int64_t until = clock_ticks_ms() + within_ms;
	struct store_status status;

	do {
		store_status(store, &status);
		if (status.written >= count)
			return status.written == count;
		wait_ms(2);
	} while (clock_ticks_ms() < until);
	return false;
}

struct seen {
	unsigned count, last, first;
	bool ordered;
	char text[128], account[STORE_ENTITY_SIZE];
	int64_t at_ms;
};

/* Newest first: numbers must fall by one. */
static bool see(void *arg, int64_t at_ms, const char *account, const char *text)
{
	struct seen *seen = arg;
	const char *mail = strstr(text, "mail=");
	const unsigned number = mail ? (unsigned)strtoul(mail + 5, NULL, 10) : 0;

	if (seen->count++ == 0) {
		seen->ordered = true;
		seen->first = number;
	} else if (number + 1 != seen->last) {
		seen->ordered = false;
	}
	seen->last = number;
	seen->at_ms = at_ms;
	snprintf(seen->text, sizeof(seen->text), "%s", text);
	snprintf(seen->account, sizeof(seen->account), "%s", account);
	return true;
}

static bool add_counts(void *arg, const char *account, const char *name, int64_t count)
{
	int64_t *sum = arg;

	(void)account;
	if (strcmp(name, "default_domain.reject") == 0)
		*sum += count;
	return true;
}

static void history_and_counters_come_back(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	int64_t sum = 0;
	char id[16];

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < 50; i++)
		post(f, i % 2 ? "CP1098@srv03" : "other{}", i / 2, i % 4 ? "default_domain" : NULL);
	assert_true(written(f->store, 50, 20000));
	assert_int_equal(store_history(f->store, "cp1098@srv03", 0, INT64_MAX, 1000, see, &seen, 2000), STORE_OK);
	assert_int_equal(seen.count, 25);
	assert_true(seen.ordered);
	assert_true(llabs(seen.at_ms - clock_wall_ms()) < 2000);

	snprintf(id, sizeof(id), "%.13s", seen.text);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(store_explain(f->store, id, see, &seen, 2000), STORE_OK);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.account, "cp1098@srv03");
	assert_int_equal(store_explain(f->store, "0000000000000", see, &seen, 2000), STORE_NONE);
	assert_int_equal(store_explain(f->store, "no id", see, &seen, 2000), STORE_NONE);
	assert_int_equal(store_history(f->store, "nobody", 0, INT64_MAX, 10, see, &seen, 2000), STORE_NONE);

	assert_int_equal(store_refusals(f->store, "Cp1098@srv03", add_counts, &sum, 2000), STORE_OK);
	assert_int_equal(sum, 25);
	assert_int_equal(store_refusals(f->store, NULL, add_counts, &sum, 2000), STORE_OK);
	assert_int_equal(sum, 25 + 37);
	assert_int_equal(store_refusals(f->store, "nobody", add_counts, &sum, 2000), STORE_NONE);
}

static void posts_are_written_within_50_ms(void **state)
{
	struct fixture *f = *state;
	int64_t worst = 0;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	for (unsigned i = 0; i < 20; i++) {
		const int64_t before = clock_ticks_ms();
		post(f, "a", i, NULL);
		assert_true(written(f->store, i + 1, 20000));
		if (clock_ticks_ms() - before > worst)
			worst = clock_ticks_ms() - before;
		wait_ms(7);
	}
	print_message("worst %lld ms\n", (long long)worst);
	assert_true(worst < 1000); /* 50, and a busy machine */
}

static void close_writes_out(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f); /* not even connected yet */
	for (unsigned i = 0; i < 300; i++)
		post(f, "a", i, NULL);
	store_close(&f->store, 2000);
	open_store(f);
	assert_int_equal(store_history(f->store, "a", 0, INT64_MAX, 1000, see, &seen, 1000), STORE_OK);
	assert_int_equal(seen.count, 300);
	assert_true(seen.ordered);
}

static int64_t us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The best of some tries is below 1 ms: the machine may be busy, the breaker may not. */
static bool down_at_once(struct store *store)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 10; i++) {
		const int64_t before = us();
		const enum store_result result = ping(store);
		const int64_t took = us() - before;
		if (result != STORE_DOWN)
			return false;
		if (took < best)
			best = took;
	}
	return best < 1000;
}

static void redis_is_dead(void **state)
{
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	server_kill(&f->server, SIGKILL);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(down_at_once(f->store));
	wait_ms(1100); /* the longest pause between tries */
	assert_true(down_at_once(f->store));
	assert_true(server_start(&f->server, NULL));
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	assert_true(answers(f->store));
}

static void redis_is_frozen(void **state)
{
	struct fixture *f = *state;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	kill(f->server.pid, SIGSTOP);
	const int64_t before = clock_ticks_ms();
	assert_int_equal(ping(f->store), STORE_UNSURE);
	const int64_t first = clock_ticks_ms() - before;
	assert_true(first >= 99 && first < 400);
	assert_true(down_at_once(f->store));
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	wait_ms(1100);
	assert_true(down_at_once(f->store));
	kill(f->server.pid, SIGCONT);
	const int64_t thawed = clock_ticks_ms();
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	print_message("first caller %lld ms, back after %lld ms\n", (long long)first,
		      (long long)(clock_ticks_ms() - thawed));
	assert_true(answers(f->store));
}

static void a_short_stall_keeps_the_connection(void **state)
{
	struct fixture *f = *state;
	struct store_status before, after;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	store_status(f->store, &before);
	kill(f->server.pid, SIGSTOP);
	const int64_t stopped = clock_ticks_ms();
	assert_int_equal(ping(f->store), STORE_UNSURE);
	assert_true(down_at_once(f->store));
	kill(f->server.pid, SIGCONT);
	const int64_t stall = clock_ticks_ms() - stopped;
	assert_true(answers(f->store));
	store_status(f->store, &after);
	assert_true(before.since_ms == after.since_ms || stall > 200); /* a busy machine */
}

static void script_flush_is_survived(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f);
	for (unsigned i = 0; i < 1000; i++) {
		post(f, "a", i, "default_domain");
		if (i % 200 == 100)
			assert_int_equal(ask(f->store, 2000, 2, (const char *const[]){ "SCRIPT", "FLUSH" }), STORE_OK);
	}
	assert_true(written(f->store, 1000, 20000));
	assert_int_equal(store_history(f->store, "a", 0, INT64_MAX, 2000, see, &seen, 2000), STORE_OK);
	assert_int_equal(seen.count, 1000);
	assert_true(seen.ordered);
}

static void a_call_of_an_unknown_script_is_tried_once_more(void **state)
{
	struct fixture *f = *state;
	const char *const none[] = { "EVALSHA", "0123456789012345678901234567890123456789", "0" };

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(ask(f->store, 2000, 3, none), STORE_REFUSED);
	assert_true(answers(f->store));
}

static void client_kill_is_survived(void **state)
{
	struct fixture *f = *state;
	const char *const words[] = { "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no" };
	struct seen seen = { 0 };

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (unsigned i = 0; i < 2000; i++) {
		post(f, "a", i, "default_domain");
		if (i % 1000 == 500) {
			wait_ms(600);
			const enum store_result result = ask(f->store, 2000, 6, words);
			assert_true(result == STORE_OK || result == STORE_UNSURE);
			wait_ms(20);
			assert_true(answers(f->store)); /* no call is refused for that */
		}
	}
	assert_true(written(f->store, 2000, 20000));
	assert_int_equal(store_history(f->store, "a", 0, INT64_MAX, 3000, see, &seen, 2000), STORE_OK);
	assert_int_equal(seen.count, 2000);
	assert_true(seen.ordered);
}

static bool trouble_is(struct store *store, const char *word, int64_t within_ms)
{
	const int64_t until = clock_ticks_ms() + within_ms;
	struct store_status status;

	do {
		store_status(store, &status);
		if (*word ? strstr(status.trouble, word) != NULL : !*status.trouble)
			return true;
		wait_ms(2);
	} while (clock_ticks_ms() < until);
	print_message("trouble: \"%s\" instead of \"%s\"\n", status.trouble, word);
	return false;
}

/* The server refuses writes for a while: `broken` and `healed` are commands that make it so. */
static void posts_wait_for(struct fixture *f, const char *word, const char *const broken[4],
			   const char *const healed[4])
{
	struct seen seen = { 0 };

	open_store(f);
	for (unsigned i = 0; i < 100; i++)
		post(f, "a", i, "default_domain");
	assert_true(written(f->store, 100, 20000));
	assert_int_equal(ask(f->store, 2000, broken[3] ? 4 : 3, broken), STORE_OK);
	for (unsigned i = 100; i < 600; i++)
		post(f, "a", i, "default_domain");
	assert_true(trouble_is(f->store, word, 5000));
	const int64_t before = clock_ticks_ms();
	assert_int_equal(ask(f->store, 2000, 3, (const char *const[]){ "SET", "x", "y" }), STORE_REFUSED);
	assert_true(clock_ticks_ms() - before < 1000);
	assert_int_equal(ask(f->store, 2000, healed[3] ? 4 : 3, healed), STORE_OK);
	assert_true(written(f->store, 600, 20000));
	assert_true(trouble_is(f->store, "", 1000));
	assert_int_equal(store_history(f->store, "a", 0, INT64_MAX, 2000, see, &seen, 2000), STORE_OK);
	assert_int_equal(seen.count, 600);
	assert_true(seen.ordered);
}

static void out_of_memory(void **state)
{
	struct fixture *f = *state;
	const char *const broken[] = { "CONFIG", "SET", "maxmemory", "1" }, *const healed[] = { "CONFIG", "SET",
												"maxmemory", "0" };

	NEEDS_SERVER(f);
	posts_wait_for(f, "OOM", broken, healed);
}

static void read_only(void **state)
{
	struct fixture *f = *state;
	const char *const broken[] = { "REPLICAOF", "127.0.0.1", "1", NULL }, *const healed[] = { "REPLICAOF", "NO",
												  "ONE", NULL };

	NEEDS_SERVER(f);
	posts_wait_for(f, "READONLY", broken, healed);
}

static void free_port(char port[8])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(port, 8, "%u", ntohs(address.sin_port));
	close(fd);
}

/* A failover moves the name, not the connection: without asking anew one would stay with the old master for ever. */
static void a_demoted_master_is_left_for_the_new_one(void **state)
{
	struct fixture *f = *state;
	struct server other = { .pid = 0 };
	char port[8];
	const char *const more[] = { "--port", port, "--bind", "127.0.0.1", NULL };
	struct store_status status;

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	free_port(port);
	assert_true(server_start(&f->server, more));
	snprintf(f->address, sizeof(f->address), "127.0.0.1:%s", port);
	f->options.address = f->address;
	open_store(f);
	assert_true(answers(f->store));
	/* Demoted, and its port taken over by another one while the old connection lives on. */
	assert_int_equal(ask(f->store, 2000, 3, (const char *const[]){ "REPLICAOF", "127.0.0.1", "1" }), STORE_OK);
	post(f, "a", 1, NULL);
	assert_true(trouble_is(f->store, "READONLY", 5000));
	assert_int_equal(ask(f->store, 2000, 4, (const char *const[]){ "CONFIG", "SET", "port", "0" }), STORE_OK);
	assert_true(server_make(&other, more));
	const bool done = written(f->store, 1, 10000);
	server_end(&other);
	assert_true(done);
	store_status(f->store, &status);
	assert_int_equal(status.dropped, 0);
}

static void a_key_of_another_type_stops_nobody_else(void **state)
{
	struct fixture *f = *state;
	struct store_status status;

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(ask(f->store, 2000, 3, (const char *const[]){ "SET", "leu:hist:{bad}", "x" }), STORE_OK);
	log_open("test_store", LOG_TO_STDERR, (enum log_level)0);
	post(f, "bad", 0, NULL);
	post(f, "good", 1, NULL);
	assert_true(written(f->store, 1, 20000));
	store_status(f->store, &status);
	assert_int_equal(status.dropped, 1);
}

static void write_password(struct fixture *f, char path[128], const char *password, mode_t mode)
{
	snprintf(path, 128, "%s/password", f->server.dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", password);
	fclose(file);
	chmod(path, mode);
}

static void passwords(void **state)
{
	struct fixture *f = *state;
	char path[128], error[256] = "";

	NEEDS_SERVER(f);
	open_store(f);
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

static void an_acl_user_has_what_it_needs_and_no_more(void **state)
{
	struct fixture *f = *state;
	static const char *const rules[] = {
		"ACL",	 "SETUSER", "leumund",	       "on",	       ">secret",	 "-@all",  "+auth",    "+hello",
		"+ping", "+info",   "+client|setname", "+select",      "+scan",		 "+time",  "+exists",  "+type",
		"+ttl",	 "+expire", "+evalsha",	       "+script|load", "+script|exists", "+@hash", "+@stream", "~leu:*"
	};
	struct findings findings = { .worst = 0 };
	struct seen seen = { 0 };
	char path[128];

	NEEDS_SERVER(f);
	open_store(f);
	assert_int_equal(ask(f->store, 2000, sizeof(rules) / sizeof(*rules), rules), STORE_OK);
	store_close(&f->store, 0);
	write_password(f, path, "secret", 0600);
	f->options.password_file = path;
	f->options.user = "leumund";
	f->options.address = f->server.socket;
	open_store(f);
	post(f, "a", 1, "default_domain");
	assert_true(written(f->store, 1, 20000));
	assert_int_equal(store_explain(f->store, "0000000000000", see, &seen, 2000), STORE_NONE);
	assert_int_equal(ask(f->store, 2000, 1, (const char *const[]){ "FLUSHALL" }), STORE_REFUSED);
	assert_int_equal(ask(f->store, 2000, 3, (const char *const[]){ "HGET", "other", "x" }), STORE_REFUSED);
	store_examine(f->store, note_finding, &findings, 500);
	assert_null(strstr(findings.all, "may change the server's settings"));
	assert_non_null(strstr(findings.all, "keeps nothing on disk"));
}

static void an_examination_says_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct findings findings = { .worst = 0 };

	NEEDS_SERVER(f);
	open_store(f);
	store_examine(f->store, note_finding, &findings, 1000);
	print_message("%s", findings.all);
	assert_non_null(strstr(findings.all, "2 it keeps nothing on disk"));
	assert_non_null(strstr(findings.all, f->server.dir));
	ask(f->store, 2000, 4, (const char *const[]){ "CONFIG", "SET", "appendonly", "yes" });
	ask(f->store, 2000, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory", "100mb" });
	ask(f->store, 2000, 4, (const char *const[]){ "CONFIG", "SET", "maxmemory-policy", "allkeys-lru" });
	ask(f->store, 2000, 3, (const char *const[]){ "REPLICAOF", "127.0.0.1", "1" });
	memset(&findings, 0, sizeof(findings));
	f->options.address = f->server.socket;
	store_examine(f->store, note_finding, &findings, 1000);
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

static void posts_survive_an_outage(void **state)
{
	struct fixture *f = *state;
	static const char *const more[] = { "--appendonly", "yes", "--appendfsync", "always", NULL };
	struct seen seen = { 0 };
	int64_t sum = 0;

	NEEDS_SERVER(f);
	server_kill(&f->server, SIGKILL);
	assert_true(server_start(&f->server, more));
	open_store(f);
	for (unsigned i = 0; i < 3000; i++) {
		post(f, "a", i, "default_domain");
		if (i == 500) { /* in the middle of writing */
			wait_ms(2);
			server_kill(&f->server, SIGKILL);
		}
		if (i == 2000) {
			wait_ms(300);
			assert_true(server_start(&f->server, more));
		}
		if (i % 100 == 50)
			wait_ms(3);
	}
	assert_true(written(f->store, 3000, 20000));
	assert_int_equal(store_history(f->store, "a", 0, INT64_MAX, 9999, see, &seen, 1000), STORE_OK);
	assert_int_equal(seen.count, 3000);
	assert_true(seen.ordered);
	assert_int_equal(store_refusals(f->store, "a", add_counts, &sum, 2000), STORE_OK);
	assert_int_equal(sum, 3000);
}

static void a_frozen_server_gets_nothing_twice(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	int64_t sum = 0;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (int round = 0; round < 2; round++) {
		kill(f->server.pid, SIGSTOP);
		for (unsigned i = 0; i < 500; i++)
			post(f, "a", (unsigned)round * 500 + i, "default_domain");
		wait_ms(700); /* sent, given up, perhaps sent again: all of it lies in sockets */
		kill(f->server.pid, SIGCONT);
		assert_true(written(f->store, ((unsigned)round + 1) * 500, 20000));
	}
	assert_int_equal(store_history(f->store, "a", 0, INT64_MAX, 9999, see, &seen, 1000), STORE_OK);
	assert_int_equal(seen.count, 1000);
	assert_true(seen.ordered);
	assert_int_equal(store_refusals(f->store, "a", add_counts, &sum, 2000), STORE_OK);
	assert_int_equal(sum, 1000);
}

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
	for (unsigned i = 0; i < 90000; i++)
		post(f, "a", i, NULL);
	store_status(f->store, &status);
	assert_int_equal(status.posted, 90000);
	assert_true(status.dropped > 1000 && status.dropped < 80000);
	assert_true(server_start(&f->server, NULL));
	assert_true(written(f->store, 90000 - status.dropped, 20000));
	for (int i = 0; i < 5 && seen.count != 90000 - status.dropped; i++) { /* a busy machine */
		memset(&seen, 0, sizeof(seen));
		answers(f->store);
		store_history(f->store, "a", 0, INT64_MAX, 100000, see, &seen, 5000);
	}
	assert_int_equal(seen.count, 90000 - status.dropped);
	assert_int_equal(seen.first, 89999);
	assert_true(seen.ordered);
}

/* ---- peers that are no Redis ----------------------------------------------------------------- */

struct peer {
	int listener;
	const char *answer; /* given once per connection, then closed; NULL: keeps silent */
	size_t len;
	atomic_bool stop;
	pthread_t thread;
	char path[96];
};

static void *peer_main(void *arg)
{
	struct peer *peer = arg;
	char buffer[4096];

	while (!atomic_load(&peer->stop)) {
		const int fd = accept(peer->listener, NULL, NULL);
		if (fd < 0)
			break;
		if (!atomic_load(&peer->stop) && peer->answer && read(fd, buffer, sizeof(buffer)) > 0)
			send(fd, peer->answer, peer->len, MSG_NOSIGNAL);
		else if (!peer->answer)
			wait_ms(400);
		close(fd);
	}
	return NULL;
}

static void peer_start(struct peer *peer, struct fixture *f, const char *answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(peer->path, sizeof(peer->path), "%s/peer.sock", f->server.dir);
	unlink(peer->path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", peer->path);
	peer->answer = answer;
	peer->len = answer ? strlen(answer) : 0;
	atomic_store(&peer->stop, false);
	peer->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(peer->listener, 16), 0);
	assert_int_equal(pthread_create(&peer->thread, NULL, peer_main, peer), 0);
}

static void peer_stop(struct peer *peer)
{
	atomic_store(&peer->stop, true);
	shutdown(peer->listener, SHUT_RDWR);
	pthread_join(peer->thread, NULL);
	close(peer->listener);
}

static void strange_peers_are_away(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *answer, *trouble;
	} rows[] = {
		{ "HTTP/1.1 400 Bad Request\r\n\r\n", "no Redis" },
		{ "+OK\r\n$1000\r\nredis_version:7", "closed" },
		{ "-LOADING Redis is loading\r\n-LOADING x\r\n-LOADING Redis is loading the dataset\r\n-LOADING x\r\n",
		  "LOADING" },
		{ "-ERR max number of clients reached\r\n", "max number" },
		{ "+OK\r\n$3\r\nabc\r\n$40\r\n0123456789012345678901234567890123456789\r\n+PONG\r\n:1\r\n",
		  "nobody asked" },
		{ "*-1\r\n*0\r\n*1\r\n:1\r\n-MASTERDOWN \033[2J\r\n", "unexpected" },
		{ "", "closed" },
		{ NULL, "no answer" },
	};
	struct peer peer;

	NEEDS_SERVER(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		peer_start(&peer, f, rows[i].answer);
		f->options.address = peer.path;
		open_store(f);
		assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
		assert_true(trouble_is(f->store, rows[i].trouble, 2000));
		assert_true(down_at_once(f->store) || i == 4);
		post(f, "a", 1, NULL);
		store_close(&f->store, 50);
		peer_stop(&peer);
	}
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

static void hosts_without_server_are_away(void **state)
{
	struct fixture *f = *state;
	static const char *const addresses[] = {
		"127.0.0.1:1", "[::1]:1", "localhost:1",
		/* a label too long to be asked for: fails without a name server */
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid:6379"
	};

	for (size_t i = 0; i < 4; i++) {
		f->options.address = addresses[i];
		open_store(f);
		assert_true(becomes(f->store, STORE_STATE_AWAY, 10000));
		assert_true(down_at_once(f->store));
		store_close(&f->store, 0);
	}
}

/* ---- many threads ---------------------------------------------------------------------------- */

struct worker {
	struct fixture *f;
	pthread_t thread;
	uint64_t results[STORE_REFUSED + 1];
	int64_t worst_us;
	int64_t until_ms;
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	while (clock_ticks_ms() < worker->until_ms) {
		const int64_t before = us();
		worker->results[ask(worker->f->store, 100, 2, (const char *const[]){ "INCR", "count" })]++;
		if (us() - before > worker->worst_us)
			worker->worst_us = us() - before;
		if (worker->results[STORE_DOWN])
			wait_ms(1);
	}
	return NULL;
}

static void many_threads_keep_their_deadlines(void **state)
{
	struct fixture *f = *state;
	struct worker workers[32] = { 0 };
	uint64_t results[STORE_REFUSED + 1] = { 0 };
	int64_t worst = 0;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(answers(f->store));
	for (size_t i = 0; i < 32; i++) {
		workers[i].f = f;
		workers[i].until_ms = clock_ticks_ms() + 2500;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	wait_ms(300);
	kill(f->server.pid, SIGSTOP);
	wait_ms(600);
	kill(f->server.pid, SIGCONT);
	wait_ms(500);
	server_kill(&f->server, SIGKILL);
	wait_ms(200);
	assert_true(server_start(&f->server, NULL));
	for (size_t i = 0; i < 32; i++) {
		pthread_join(workers[i].thread, NULL);
		for (size_t k = 0; k <= STORE_REFUSED; k++)
			results[k] += workers[i].results[k];
		if (workers[i].worst_us > worst)
			worst = workers[i].worst_us;
	}
	print_message("ok %llu, down %llu, unsure %llu, refused %llu, worst %.1f ms\n",
		      (unsigned long long)results[STORE_OK], (unsigned long long)results[STORE_DOWN],
		      (unsigned long long)results[STORE_UNSURE], (unsigned long long)results[STORE_REFUSED],
		      (double)worst / 1000);
	assert_true(results[STORE_OK] > 1000);
	assert_true(results[STORE_DOWN] > 0);
	assert_true(results[STORE_UNSURE] > 0 && results[STORE_UNSURE] <= 32 * 20);
	assert_true(worst < 500000);
	assert_true(answers(f->store));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(history_and_counters_come_back, make, unmake),
		cmocka_unit_test_setup_teardown(posts_are_written_within_50_ms, make, unmake),
		cmocka_unit_test_setup_teardown(close_writes_out, make, unmake),
		cmocka_unit_test_setup_teardown(redis_is_dead, make, unmake),
		cmocka_unit_test_setup_teardown(redis_is_frozen, make, unmake),
		cmocka_unit_test_setup_teardown(a_short_stall_keeps_the_connection, make, unmake),
		cmocka_unit_test_setup_teardown(script_flush_is_survived, make, unmake),
		cmocka_unit_test_setup_teardown(a_call_of_an_unknown_script_is_tried_once_more, make, unmake),
		cmocka_unit_test_setup_teardown(client_kill_is_survived, make, unmake),
		cmocka_unit_test_setup_teardown(out_of_memory, make, unmake),
		cmocka_unit_test_setup_teardown(read_only, make, unmake),
		cmocka_unit_test_setup_teardown(a_demoted_master_is_left_for_the_new_one, make, unmake),
		cmocka_unit_test_setup_teardown(a_key_of_another_type_stops_nobody_else, make, unmake),
		cmocka_unit_test_setup_teardown(passwords, make, unmake),
		cmocka_unit_test_setup_teardown(an_acl_user_has_what_it_needs_and_no_more, make, unmake),
		cmocka_unit_test_setup_teardown(an_examination_says_what_is_wrong, make, unmake),
		cmocka_unit_test_setup_teardown(posts_survive_an_outage, make, unmake),
		cmocka_unit_test_setup_teardown(a_frozen_server_gets_nothing_twice, make, unmake),
		cmocka_unit_test_setup_teardown(too_long_an_outage_costs_the_oldest, make, unmake),
		cmocka_unit_test_setup_teardown(strange_peers_are_away, make, unmake),
		cmocka_unit_test_setup_teardown(wrong_settings_are_refused, make, unmake),
		cmocka_unit_test_setup_teardown(hosts_without_server_are_away, make, unmake),
		cmocka_unit_test_setup_teardown(many_threads_keep_their_deadlines, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
