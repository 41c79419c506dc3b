/*
 * What tests of the store have in common (store_fixture.h).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "system/clock.h"
#include "log.h"
#include "test/unit/store_fixture.h"

int store_make(void **state)
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

int store_unmake(void **state)
{
	struct fixture *f = *state;

	store_close(&f->store, 0);
	server_end(&f->server);
	free(f);
	return 0;
}

/* Skips where there is no server; one that does not start is a failure. */
bool has_server(const struct fixture *f)
{
	const char *name;

	if (!f->server.pid && server_program(&name))
		fail_msg("%s does not start", name);
	if (!f->server.pid)
		print_message("no redis-server: apt-get install redis-tools\n");
	return f->server.pid != 0;
}

void open_store(struct fixture *f)
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

bool becomes(struct store *store, enum store_state state, int64_t within_ms)
{
	const int64_t until = clock_ticks_ms() + within_ms;

	while (state_of(store) != state) {
		if (clock_ticks_ms() > until)
			return false;
		wait_ms(2);
	}
	return true;
}

enum store_result ask(struct store *store, int64_t deadline_ms, int argc, const char *const *argv)
{
	struct redisReply *reply;
	const enum store_result result = store_ask(store, argc, argv, clock_ticks_ms() + deadline_ms, &reply);

	reply_free(&reply);
	return result;
}

enum store_result decide(struct store *store, int argc, const char *const *argv)
{
	enum store_result result = STORE_DOWN;

	for (int i = 0; i < 20; i++) {
		result = ask(store, 2000, argc, argv);
		if (result != STORE_DOWN && result != STORE_UNSURE)
			break;
		wait_ms(100);
	}
	return result;
}

enum store_result ping(struct store *store)
{
	return ask(store, 100, 1, (const char *const[]){ "PING" });
}

/* A busy machine may make one call late; the next one is not. */
bool answers(struct store *store)
{
	for (int i = 0; i < 30; i++) {
		if (ask(store, 300, 1, (const char *const[]){ "PING" }) == STORE_OK)
			return true;
		wait_ms(100);
	}
	return false;
}

bool trouble_is(struct store *store, const char *word, int64_t within_ms)
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

int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The best of some tries is below 1 ms: the machine may be busy, the breaker may not. */
bool down_at_once(struct store *store)
{
	int64_t best = INT64_MAX;

	for (int i = 0; i < 10; i++) {
		const int64_t before = now_us();
		const enum store_result result = ping(store);
		const int64_t took = now_us() - before;
		if (result != STORE_DOWN)
			return false;
		if (took < best)
			best = took;
	}
	return best < 1000;
}

void post(struct fixture *f, const char *account, unsigned number, const char *rule)
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

bool written(struct store *store, uint64_t count, int64_t within_ms)
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

/* Newest first: numbers must fall by one. */
bool see(void *arg, int64_t at_ms, const char *account, const char *text)
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

enum store_result history(struct fixture *f, const char *account, struct seen *seen)
{
	enum store_result result = STORE_DOWN;

	for (int i = 0; i < 10; i++) {
		memset(seen, 0, sizeof(*seen));
		result = store_history(f->store, account, 0, INT64_MAX, 100000, see, seen, 5000);
		if (result == STORE_OK || result == STORE_NONE)
			break;
		wait_ms(200);
	}
	return result;
}

static bool add_counts(void *arg, const char *account, const char *name, int64_t count)
{
	int64_t *sum = arg;

	(void)account;
	if (strcmp(name, "default_domain.reject") == 0)
		*sum += count;
	return true;
}

int64_t refusals(struct fixture *f, const char *account)
{
	enum store_result result = STORE_DOWN;
	int64_t sum = 0;

	for (int i = 0; i < 10; i++) {
		sum = 0;
		result = store_refusals(f->store, account, add_counts, &sum, 5000);
		if (result == STORE_OK || result == STORE_NONE)
			break;
		wait_ms(200);
	}
	return result == STORE_OK ? sum : -(int64_t)result;
}

void free_port(char port[8])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(address);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(port, 8, "%u", ntohs(address.sin_port));
	close(fd);
}

void write_password(struct fixture *f, char path[128], const char *password, mode_t mode)
{
	snprintf(path, 128, "%s/password", f->server.dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%s\n", password);
	fclose(file);
	chmod(path, mode);
}
