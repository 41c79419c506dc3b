/*
 * SPF evaluations a second: ours, as the milter makes them, and libspf2's by itself, both against the name servers of
 * /etc/resolv.conf. "warm": one sender, whose answers are in the own cache; "cold": all senders are distinct.
 *
 * usage: bench_spf WAY COUNT THREADS    prints evaluations a second and their CPU in microseconds
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* spf.h and libspf2 have names in common */
#define SPF_RESULT_NEUTRAL LIBSPF2_NEUTRAL
#define SPF_RESULT_PASS LIBSPF2_PASS
#define SPF_RESULT_FAIL LIBSPF2_FAIL
#define SPF_RESULT_SOFTFAIL LIBSPF2_SOFTFAIL
#define SPF_RESULT_NONE LIBSPF2_NONE
#define SPF_RESULT_TEMPERROR LIBSPF2_TEMPERROR
#define SPF_RESULT_PERMERROR LIBSPF2_PERMERROR
#include <spf2/spf.h>
#undef SPF_RESULT_NEUTRAL
#undef SPF_RESULT_PASS
#undef SPF_RESULT_FAIL
#undef SPF_RESULT_SOFTFAIL
#undef SPF_RESULT_NONE
#undef SPF_RESULT_TEMPERROR
#undef SPF_RESULT_PERMERROR

#include "dns/dns.h"
#include "spf/check.h"
#include "system/clock.h"

#define THREADS_MAX 64
#define BATCH 64

static const struct way {
	const char *name;
	void (*begin)(void);
	bool (*one)(unsigned number); /* of a sender; false: no pass */
	bool distinct;
	bool cached; /* by libspf2 */
} * way;

static atomic_uint next;
static unsigned count;

static void give_up(const char *why)
{
	fprintf(stderr, "bench_spf: %s\n", why);
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- ours ---------------------------------------------------------------------------------------- */

static struct dns *dns;

static void ours_begin(void)
{
	/* as common/dns/shared.c has it */
	const struct dns_options options = {
		.timeout_ms = 1500, .tries = 3, .cache_bytes = 32 << 20, .queries_max = 4000
	};
	char error[256];

	dns = dns_open(&options, error, sizeof(error));
	if (!dns)
		give_up(error);
}

static bool ours(unsigned number)
{
	const struct sockaddr_in client = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } };
	char mail_from[64];
	const struct spf_query query = { .client = (const void *)&client,
					 .helo = "mail.sender.test",
					 .mail_from = mail_from,
					 .receiver = "",
					 .want_explanation = true,
					 .limits = SPF_LIMITS };
	struct spf_check *check;
	bool pass;

	snprintf(mail_from, sizeof(mail_from), "user@%u.sender.test", number);
	check = spf_check_run(dns, &query, clock_ticks_ms() + 5000);
	pass = check && spf_check_outcome(check)->result == SPF_RESULT_PASS;
	spf_check_unref(&check);
	return pass;
}

/* ---- libspf2 ------------------------------------------------------------------------------------- */

static SPF_server_t *server;

static void libspf2_begin(void)
{
	server = SPF_server_new(way->cached ? SPF_DNS_CACHE : SPF_DNS_RESOLV, 0);
	if (!server)
		give_up("no SPF_server");
}

static bool libspf2(unsigned number)
{
	SPF_request_t *request = SPF_request_new(server);
	SPF_response_t *response = NULL;
	char mail_from[64];
	bool pass;

	snprintf(mail_from, sizeof(mail_from), "user@%u.sender.test", number);
	SPF_request_set_ipv4_str(request, "192.0.2.1");
	SPF_request_set_helo_dom(request, "mail.sender.test");
	SPF_request_set_env_from(request, mail_from);
	SPF_request_query_mailfrom(request, &response);
	pass = response && SPF_response_result(response) == LIBSPF2_PASS;
	if (response)
		SPF_response_free(response);
	SPF_request_free(request);
	return pass;
}

/* ---- the name server by itself ------------------------------------------------------------------- */

static int server_fd;

static void server_begin(void)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(53),
					.sin_addr = { htonl(INADDR_LOOPBACK) } };

	server_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (connect(server_fd, (const void *)&at, sizeof(at)) < 0)
		give_up("no name server on 127.0.0.1");
}

/* One question of a batch; the last of it waits for all answers. */
static bool server_one(unsigned number)
{
	static const char question[] = "\0\0\1\0\0\1\0\0\0\0\0\0\1d\6sender\4test\0\0\20\0\1";
	char bytes[2048];

	if (send(server_fd, question, sizeof(question) - 1, 0) < 0)
		return false;
	for (unsigned i = 0; number % BATCH == BATCH - 1 && i < BATCH; i++)
		if (recv(server_fd, bytes, sizeof(bytes), 0) < 0)
			return false;
	return true;
}

/* ---- all ----------------------------------------------------------------------------------------- */

static const struct way ways[] = {
	{ "warm", ours_begin, ours, false, false },
	{ "cold", ours_begin, ours, true, false },
	{ "libspf2-warm", libspf2_begin, libspf2, false, true },
	{ "libspf2-cold", libspf2_begin, libspf2, true, false },
	{ "server", server_begin, server_one, true, false },
	{ NULL, NULL, NULL, false, false },
};

static void *work(void *arg)
{
	unsigned number;

	(void)arg;
	while ((number = atomic_fetch_add(&next, 1)) < count)
		if (!way->one(way->distinct ? number : 0))
			give_up("an evaluation does not pass");
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	unsigned used = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
	double wall, cpu;

	for (way = ways; way->name && argc == 4 && strcmp(way->name, argv[1]) != 0; way++)
		;
	if (used < 1 || used > THREADS_MAX || !way->name)
		give_up("usage: bench_spf WAY COUNT THREADS");
	way->begin();
	way->one(0); /* the first makes what stays */
	count = (unsigned)atoi(argv[2]);
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned i = 0; i < used; i++)
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			give_up("no thread");
	for (unsigned i = 0; i < used; i++)
		pthread_join(threads[i], NULL);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	printf("%.0f %.2f\n", count / wall, cpu * 1e6 / count);
	dns_close(&dns);
	return 0;
}
