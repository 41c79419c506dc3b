/*
 * Notices on their way (common/notice/): whoever posts never waits, a way that is stuck or gone holds up no other, and
 * the end comes in time.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "notice/lane.h"
#include "notice/program.h"
#include "notice/transfer.h"
#include "system/clock.h"

#define POSTED_MS 20 /* a post of ours takes microseconds; a busy machine has its own mind */

static char place[64];
static const int64_t short_pauses[LANE_TRIES - 1] = { 10, 20 };

static int place_make(void **state)
{
	(void)state;
	snprintf(place, sizeof(place), "/tmp/leumund-notice-XXXXXX");
	log_open("test", LOG_TO_STDERR, LEVEL_INFO);
	return mkdtemp(place) ? 0 : -1;
}

static int place_remove(void **state)
{
	static const char *const names[] = { "hook", "out", "pid" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s/%s", place, names[i]);
		unlink(path);
	}
	return rmdir(place);
}

static const char *in_place(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return path;
}

/* A script that may name its folder: "%s". */
static void hook_write(const char *body)
{
	FILE *file = fopen(in_place("hook"), "we");

	assert_non_null(file);
	fprintf(file, "#!/bin/sh\ncd %s || exit 9\n%s\n", place, body);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	assert_int_equal(fclose(file), 0);
}

static size_t file_read(const char *name, char *out, size_t size)
{
	int fd = open(in_place(name), O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

static unsigned lines_in(const char *name)
{
	char buffer[65536];
	unsigned lines = 0;

	file_read(name, buffer, sizeof(buffer));
	for (const char *at = buffer; *at; at++)
		lines += *at == '\n';
	return lines;
}

static bool await_lines(const char *name, unsigned lines)
{
	for (int i = 0; i < 3000 && lines_in(name) < lines; i++)
		(void)poll(NULL, 0, 10);
	return lines_in(name) == lines;
}

static struct notice_options hook_options(void)
{
	static char hook[128];

	snprintf(hook, sizeof(hook), "%s/hook word", place);
	return (struct notice_options){
		.repeat = 3600, .hook = hook, .webhook = "", .webhook_token_file = "", .mail = "", .mail_by = ""
	};
}

static struct notices *notices_with(const struct notice_options *options)
{
	char error[256] = "";
	struct notices *notices = notices_open(options, "outbound", error, sizeof(error));

	if (!notices)
		fail_msg("%s", error);
	return notices;
}

static void post(struct notices *notices, const char *kind, const char *account)
{
	struct notice notice = { .kind = kind, .account = account, .rule = "r", .text = "A sentence." };

	notice_post(notices, &notice);
}

/* ---- lanes, with ways of their own ------------------------------------------------------------- */

static atomic_int tries, outcome_now;
static atomic_bool stuck;

static bool always(const struct notice_options *options)
{
	(void)options;
	return true;
}

static enum outcome fake_send(const struct attempt *attempt)
{
	struct pollfd stop = { .fd = attempt->stop_fd, .events = POLLIN };

	atomic_fetch_add(&tries, 1);
	text_str(attempt->said, "as told");
	while (atomic_load(&stuck) && poll(&stop, 1, 5) == 0)
		;
	return (enum outcome)atomic_load(&outcome_now);
}

static const struct sink fake = { "fake", "ask the test", always, fake_send };

static struct lane *lane_with(enum outcome outcome, bool is_stuck)
{
	struct notice_options options = {
		.hook = "", .webhook = "", .webhook_token_file = "", .mail = "", .mail_by = ""
	};
	struct settings *settings = settings_new(&options);
	struct lane *lane = lane_open(&fake, short_pauses, 100);

	assert_non_null(settings);
	assert_non_null(lane);
	atomic_store(&tries, 0);
	atomic_store(&outcome_now, (int)outcome);
	atomic_store(&stuck, is_stuck);
	assert_true(lane_configure(lane, settings));
	settings_unref(settings);
	return lane;
}

static void put(struct lane *lane)
{
	struct notice notice = { .kind = "k" };
	struct item *item = item_new(&notice, "outbound", 0);

	assert_non_null(item);
	lane_put(lane, item);
	item_unref(item);
}

static void await_figures(struct lane *lane, uint64_t delivered, uint64_t failed)
{
	struct lane_figures figures = { 0 };

	for (int i = 0; i < 3000; i++) {
		figures = lane_figures(lane);
		if (figures.delivered == delivered && figures.failed == failed)
			return;
		(void)poll(NULL, 0, 10);
	}
	fail_msg("%llu delivered, %llu failed", (unsigned long long)figures.delivered,
		 (unsigned long long)figures.failed);
}

static void what_fails_is_tried_three_times_and_what_is_hopeless_once(void **state)
{
	struct lane *lane = lane_with(FAILED, false);

	(void)state;
	put(lane);
	await_figures(lane, 0, 1);
	assert_int_equal(atomic_load(&tries), LANE_TRIES);
	atomic_store(&outcome_now, HOPELESS);
	put(lane);
	await_figures(lane, 0, 2);
	assert_int_equal(atomic_load(&tries), LANE_TRIES + 1);
	atomic_store(&outcome_now, DELIVERED);
	put(lane);
	await_figures(lane, 1, 2);
	assert_true(lane_end(lane, clock_ticks_ms() + 1000));
	lane_free(lane);
}

static void beyond_a_thousand_waiting_are_lost_and_counted(void **state)
{
	struct lane *lane = lane_with(DELIVERED, true);
	int64_t begin;

	(void)state;
	put(lane);
	while (atomic_load(&tries) == 0)
		(void)poll(NULL, 0, 1);
	begin = clock_ticks_ms();
	for (int i = 0; i < LANE_ROOM + 7; i++)
		put(lane);
	assert_true(clock_ticks_ms() - begin < 1000);
	assert_int_equal(lane_figures(lane).lost, 7);
	atomic_store(&stuck, false);
	await_figures(lane, LANE_ROOM + 1, 0);
	assert_true(lane_end(lane, clock_ticks_ms() + 1000));
	lane_free(lane);
}

static void the_end_breaks_off_a_try_that_is_stuck(void **state)
{
	struct lane *lane = lane_with(FAILED, true);
	int64_t begin;

	(void)state;
	for (int i = 0; i < 100; i++)
		put(lane);
	while (atomic_load(&tries) == 0)
		(void)poll(NULL, 0, 1);
	begin = clock_ticks_ms();
	assert_true(lane_end(lane, begin + 200));
	assert_true(clock_ticks_ms() - begin >= 200);
	assert_true(clock_ticks_ms() - begin < 1500);
	lane_free(lane);
}

static void the_end_lets_what_waits_try_once(void **state)
{
	struct lane *lane = lane_with(DELIVERED, false);

	(void)state;
	for (int i = 0; i < 50; i++)
		put(lane);
	assert_true(lane_end(lane, clock_ticks_ms() + 5000));
	assert_int_equal(lane_figures(lane).delivered, 50);
	put(lane);
	assert_int_equal(lane_figures(lane).lost, 1);
	lane_free(lane);
}

/* ---- hook -------------------------------------------------------------------------------------- */

static void hook_gets_words_environment_and_json_and_nothing_else(void **state)
{
	struct notice_options options = hook_options();
	struct notices *notices;
	char out[8192];
	int secret = dup2(STDERR_FILENO, 77); /* without O_CLOEXEC */

	(void)state;
	assert_int_equal(secret, 77);
	setenv("LEUMUND_SECRET", "s", 1);
	hook_write("{ echo \"$# $1 $LEUMUND_KIND $LEUMUND_ACCOUNT [$LEUMUND_SECRET] $(umask)\"; cat; echo; ls "
		   "/proc/$$/fd; } "
		   ">new; mv new out");
	notices = notices_with(&options);
	post(notices, "limit_near", "cp1001");
	for (int i = 0; i < 3000 && file_read("out", out, sizeof(out)) == 0; i++)
		(void)poll(NULL, 0, 10);
	close(secret);
	unsetenv("LEUMUND_SECRET");
	notices_close(&notices, 1000);
	assert_non_null(strstr(out, "1 word limit_near cp1001 [] 0077\n"));
	assert_non_null(strstr(out, "\n{\"kind\":\"limit_near\",\"account\":\"cp1001\",\"rule\":\"r\","));
	assert_non_null(strstr(out, "\"facts\":{}}\n0\n1\n"));
	assert_null(strstr(out, "\n77\n"));
}

static void the_same_runs_the_hook_once(void **state)
{
	struct notice_options options = hook_options();
	struct notices *notices;

	(void)state;
	hook_write("echo $LEUMUND_KIND >>out");
	notices = notices_with(&options);
	for (int i = 0; i < 50; i++) {
		post(notices, "limit_near", "cp1001");
		post(notices, "limit_full", "cp1001");
	}
	assert_true(await_lines("out", 2));
	notices_close(&notices, 1000);
	assert_int_equal(lines_in("out"), 2);
}

static void *post_many(void *arg)
{
	char account[16];

	for (int i = 0; i < 25; i++) {
		snprintf(account, sizeof(account), "cp%d", i);
		post(arg, "limit_near", account);
	}
	return NULL;
}

static void many_threads_may_post(void **state)
{
	struct notice_options options = hook_options();
	struct notices *notices;
	pthread_t threads[4];

	(void)state;
	hook_write("echo x >>out");
	notices = notices_with(&options);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, notices), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_true(notices_configure(notices, &options));
		pthread_join(threads[i], NULL);
	}
	assert_true(await_lines("out", 25));
	notices_close(&notices, 1000);
}

/* Messages still come while a service ends. */
static void posting_goes_on_while_it_ends(void **state)
{
	struct notice_options options = hook_options();
	struct notices *notices;
	pthread_t thread;

	(void)state;
	hook_write("exit 0");
	notices = notices_with(&options);
	assert_int_equal(pthread_create(&thread, NULL, post_many, notices), 0);
	notices_end(notices, 100);
	pthread_join(thread, NULL);
	post(notices, "limit_full", "cp1");
	notices_close(&notices, 0);
}

static pid_t pid_written(void)
{
	char buffer[32];

	for (int i = 0; i < 3000 && (file_read("pid", buffer, sizeof(buffer)) == 0 || !strchr(buffer, '\n')); i++)
		(void)poll(NULL, 0, 10);
	return (pid_t)atoi(buffer);
}

/* Its children too. */
static void a_hook_that_hangs_makes_nobody_wait_and_ends_with_us(void **state)
{
	struct notice_options options = hook_options();
	struct notices *notices;
	int64_t begin, longest = 0;
	pid_t pid;

	(void)state;
	hook_write("sleep 300 & echo $! >pid; wait");
	notices = notices_with(&options);
	for (int i = 0; i < 2000; i++) {
		char account[16];

		snprintf(account, sizeof(account), "cp%d", i);
		begin = clock_ticks_ms();
		post(notices, "limit_near", account);
		longest = clock_ticks_ms() - begin > longest ? clock_ticks_ms() - begin : longest;
	}
	pid = pid_written();
	begin = clock_ticks_ms();
	notices_close(&notices, 300);
	assert_true(clock_ticks_ms() - begin < 1800);
	assert_true(longest < POSTED_MS * 50);
	assert_true(pid > 0);
	for (int i = 0; i < 500 && kill(pid, 0) == 0; i++)
		(void)poll(NULL, 0, 10);
	assert_true(kill(pid, 0) < 0 && errno == ESRCH);
}

static enum outcome run(const char *body, char *out, size_t size)
{
	char *argv[] = { (char *)(uintptr_t)in_place("hook"), NULL }, *environment[] = { NULL };
	struct program program = { argv, environment, "x", 1 };
	struct text said;

	if (body)
		hook_write(body);
	text_init(&said, out, size);
	return program_run(&program, -1, &said);
}

static void how_a_program_ends_is_told(void **state)
{
	char said[1000];
	int64_t begin = clock_ticks_ms();

	(void)state;
	assert_int_equal(run("echo fine", said, sizeof(said)), DELIVERED);
	assert_string_equal(said, "it says: fine");
	assert_int_equal(run("echo no\\\\033 >&2; exit 3", said, sizeof(said)), FAILED);
	assert_string_equal(said, "ended with status 3, saying: no\\x1b");
	assert_int_equal(run("kill -9 $$", said, sizeof(said)), FAILED);
	assert_string_equal(said, "ended by signal 9");
	assert_int_equal(run("yes | head -c 3000000", said, sizeof(said)), DELIVERED);
	assert_true(strlen(said) < 700);
	/* a child that keeps the output open is not waited for */
	assert_int_equal(run("sleep 3 &", said, sizeof(said)), DELIVERED);
	unlink(in_place("hook"));
	assert_int_equal(run(NULL, said, sizeof(said)), HOPELESS);
	assert_true(clock_ticks_ms() - begin < 30000);
}

static void a_program_is_killed_after_its_time(void **state)
{
	char said[1000];
	int64_t begin = clock_ticks_ms();

	(void)state;
	assert_int_equal(run("trap '' TERM INT HUP; exec sleep 300", said, sizeof(said)), FAILED);
	assert_string_equal(said, "was killed, it had not ended after 10 s");
	assert_true(clock_ticks_ms() - begin >= TRY_MS && clock_ticks_ms() - begin < TRY_MS + 5000);
}

/* ---- webhook ----------------------------------------------------------------------------------- */

static int listen_on_loopback(char *url, size_t size)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(url, size, "http://127.0.0.1:%u/", (unsigned)ntohs(in.sin_port));
	return fd;
}

/* One request, up to the end of its JSON. */
static void *serve(void *arg)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n";
	static char request[8192];
	int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	while (fd >= 0 && !strstr(request, "}}") && (got = read(fd, request + len, sizeof(request) - 1 - len)) > 0)
		len += (size_t)got;
	if (fd >= 0 && write(fd, answer, strlen(answer)) < 0)
		request[0] = '\0';
	close(fd);
	return request;
}

static void webhook_posts_while_the_hook_hangs(void **state)
{
	struct notice_options options = hook_options();
	char url[64];
	int fd = listen_on_loopback(url, sizeof(url));
	struct notices *notices;
	pthread_t server;
	void *request;

	(void)state;
	if (!LEUMUND_WITH_CURL)
		skip();
	hook_write("exec sleep 300");
	options.webhook = url;
	notices = notices_with(&options);
	assert_int_equal(pthread_create(&server, NULL, serve, &fd), 0);
	post(notices, "limit_near", "cp1001");
	pthread_join(server, &request);
	notices_close(&notices, 200);
	close(fd);
	assert_non_null(strstr(request, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(request, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(request, "\r\n\r\n{\"kind\":\"limit_near\",\"account\":\"cp1001\","));
}

/* The kernel takes the connection, and nobody ever answers. */
static void a_silent_webhook_does_not_hold_up_the_end(void **state)
{
	struct notice_options options = hook_options();
	char url[64];
	int fd = listen_on_loopback(url, sizeof(url));
	struct notices *notices;
	int64_t begin;

	(void)state;
	if (!LEUMUND_WITH_CURL)
		skip();
	options.hook = "";
	options.webhook = url;
	notices = notices_with(&options);
	for (int i = 0; i < 10; i++)
		post(notices, i % 2 ? "a" : "b", "cp1001");
	(void)poll(NULL, 0, 300);
	begin = clock_ticks_ms();
	notices_close(&notices, 200);
	assert_true(clock_ticks_ms() - begin < 1700);
	close(fd);
}

static void nothing_configured_is_only_logged(void **state)
{
	struct notice_options options = hook_options();
	struct notices *notices;

	(void)state;
	options.hook = "";
	notices = notices_with(&options);
	post(notices, "limit_near", "cp1001");
	post(NULL, "limit_near", "cp1001");
	notices_end(notices, 0);
	post(notices, "limit_full", "cp1001");
	notices_close(&notices, 0);
	assert_null(notices);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_fails_is_tried_three_times_and_what_is_hopeless_once),
		TEST(beyond_a_thousand_waiting_are_lost_and_counted),
		TEST(the_end_breaks_off_a_try_that_is_stuck),
		TEST(the_end_lets_what_waits_try_once),
		TEST(hook_gets_words_environment_and_json_and_nothing_else),
		TEST(the_same_runs_the_hook_once),
		TEST(many_threads_may_post),
		TEST(posting_goes_on_while_it_ends),
		TEST(a_hook_that_hangs_makes_nobody_wait_and_ends_with_us),
		TEST(how_a_program_ends_is_told),
		TEST(a_program_is_killed_after_its_time),
		TEST(webhook_posts_while_the_hook_hangs),
		TEST(a_silent_webhook_does_not_hold_up_the_end),
		TEST(nothing_configured_is_only_logged),
	};

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	return cmocka_run_group_tests_name("notice_ways", tests, NULL, NULL);
}
