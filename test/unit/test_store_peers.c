/*
 * Peers that are no server, and addresses where none is.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/clock.h"
#include "test/unit/store_fixture.h"

struct peer {
	int listener;
	const char *answer; /* given once per connection, then closed; NULL: keeps silent */
	size_t len;
	atomic_bool stop;
	atomic_uint accepted;
	bool trickles; /* on and on, after the answer */
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
		atomic_fetch_add(&peer->accepted, 1);
		if (!atomic_load(&peer->stop) && peer->answer && read(fd, buffer, sizeof(buffer)) > 0)
			send(fd, peer->answer, peer->len, MSG_NOSIGNAL);
		while (peer->trickles && !atomic_load(&peer->stop) && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
			wait_ms(50);
		if (!peer->answer)
			wait_ms(400);
		/* what is left unread would make a reset of the close */
		while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)
			;
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
	atomic_store(&peer->accepted, 0);
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
	struct peer peer = { .trickles = false };

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

/* It lets us in and closes, each time: an overloaded proxy, a server that dies of what it has been sent. */
static void a_peer_that_throws_us_out_is_tried_less_and_less(void **state)
{
	struct fixture *f = *state;
	struct peer peer = { .trickles = false };

	NEEDS_SERVER(f);
	peer_start(&peer, f, "+OK\r\n$3\r\nabc\r\n$40\r\n0123456789012345678901234567890123456789\r\n+PONG\r\n");
	f->options.address = peer.path;
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	const unsigned before = atomic_load(&peer.accepted);
	wait_ms(1200);
	const unsigned tries = atomic_load(&peer.accepted) - before;
	store_close(&f->store, 0);
	peer_stop(&peer);
	print_message("%u tries\n", tries);
	assert_in_range(tries, 1, 10); /* 30 without pauses that grow */
}

/* Always a sign of life, never an end: nobody waits for it, and it is given up. */
static void a_peer_that_trickles_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct peer peer = { .trickles = true };
	const int64_t before = clock_ticks_ms();

	NEEDS_SERVER(f);
	peer_start(&peer, f, "+OK\r\n$1000000\r\n");
	f->options.address = peer.path;
	open_store(f);
	assert_int_equal(ping(f->store), STORE_DOWN);
	assert_true(clock_ticks_ms() - before < 1000);
	assert_true(down_at_once(f->store));
	assert_true(becomes(f->store, STORE_STATE_AWAY, 5000));
	assert_true(trouble_is(f->store, "greeting", 1000));
	store_close(&f->store, 0);
	peer_stop(&peer);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(strange_peers_are_away),
		STORE_TEST(a_peer_that_throws_us_out_is_tried_less_and_less),
		STORE_TEST(a_peer_that_trickles_is_given_up),
		STORE_TEST(hosts_without_server_are_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
