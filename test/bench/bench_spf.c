/*
 * Warm SPF evaluations a second: ours, and libspf2 by itself with its own cache, on the same answers out of memory.
 * Interleaved rounds of CPU time; exit status 1 when ours makes less than half of libspf2's.
 *
 *     cc -std=c11 -O2 -D_GNU_SOURCE -Icommon -I. test/bench/bench_spf.c BUILD/libleumund.a -lspf2 -lidn2
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* evaluate.h and libspf2 have names in common */
#define SPF_RESULT_NEUTRAL LIBSPF2_NEUTRAL
#define SPF_RESULT_PASS LIBSPF2_PASS
#define SPF_RESULT_FAIL LIBSPF2_FAIL
#define SPF_RESULT_SOFTFAIL LIBSPF2_SOFTFAIL
#define SPF_RESULT_NONE LIBSPF2_NONE
#define SPF_RESULT_TEMPERROR LIBSPF2_TEMPERROR
#define SPF_RESULT_PERMERROR LIBSPF2_PERMERROR
#include <spf2/spf.h>
#include <spf2/spf_dns_cache.h>
#undef SPF_RESULT_NEUTRAL
#undef SPF_RESULT_PASS
#undef SPF_RESULT_FAIL
#undef SPF_RESULT_SOFTFAIL
#undef SPF_RESULT_NONE
#undef SPF_RESULT_TEMPERROR
#undef SPF_RESULT_PERMERROR

#include "spf/spf.h"

#define ROUNDS 9
#define EVALUATIONS 20000
#define AIM 0.5

/* Three includes, 25 networks, four look-ups. */
static struct {
	const char *name, *txt;
	struct dns_record record;
	struct dns_answer answer;
} zone[] = {
	{ .name = "sender.example",
	  .txt = "v=spf1 ip4:198.51.100.0/24 include:a.example include:b.example include:c.example -all" },
	{ .name = "a.example",
	  .txt = "v=spf1 ip4:203.0.113.0/28 ip4:203.0.113.16/28 ip4:203.0.113.32/28 ip4:203.0.113.48/28 "
		 "ip4:203.0.113.64/28 ip4:203.0.113.80/28 ip4:203.0.113.96/28 ip4:203.0.113.112/28 ~all" },
	{ .name = "b.example",
	  .txt = "v=spf1 ip4:198.51.101.0/28 ip4:198.51.102.0/28 ip4:198.51.103.0/28 ip4:198.51.104.0/28 "
		 "ip4:198.51.105.0/28 ip4:198.51.106.0/28 ip4:198.51.107.0/28 ip4:198.51.108.0/28 ~all" },
	{ .name = "c.example",
	  .txt = "v=spf1 ip4:198.51.109.0/28 ip4:198.51.110.0/28 ip4:198.51.111.0/28 ip4:198.51.112.0/28 "
		 "ip4:198.51.113.0/28 ip4:198.51.114.0/28 ip4:198.51.115.0/28 ip4:192.0.2.0/28 ~all" },
};

#define ZONE (sizeof(zone) / sizeof(zone[0]))

static double cpu_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- ours ---------------------------------------------------------------------------------------- */

static const struct dns_answer *lookup(void *arg, enum dns_type type, const char *name)
{
	(void)arg;
	for (size_t i = 0; i < ZONE; i++)
		if (type == DNS_TXT && !strcasecmp(name, zone[i].name))
			return &zone[i].answer;
	abort();
}

static void zone_init(void)
{
	for (size_t i = 0; i < ZONE; i++) {
		zone[i].record.txt = (struct span){ zone[i].txt, strlen(zone[i].txt) };
		zone[i].answer = (struct dns_answer){ DNS_TXT, DNS_FOUND, 1, &zone[i].record, 3600 };
	}
}

static double ours(void)
{
	struct sockaddr_in client = { .sin_family = AF_INET, .sin_addr = { htonl(0xc0000201) } };
	struct spf_query query = { .client = (const void *)&client,
				   .helo = "mail.sender.example",
				   .mail_from = "user@sender.example",
				   .receiver = "",
				   .want_explanation = true,
				   .limits = SPF_LIMITS };
	struct spf_outcome outcome;
	double start = cpu_s();

	for (unsigned i = 0; i < EVALUATIONS; i++) {
		spf_evaluate(&query, lookup, NULL, &outcome);
		if (outcome.result != SPF_RESULT_PASS)
			abort();
	}
	return EVALUATIONS / (cpu_s() - start);
}

/* ---- libspf2 ------------------------------------------------------------------------------------- */

static SPF_dns_rr_t *give(SPF_dns_server_t *server, const char *name, ns_type type, int should_cache)
{
	SPF_dns_rr_t *answer = SPF_dns_rr_new_init(server, name, type, 3600, NO_DATA);

	(void)should_cache;
	for (size_t i = 0; i < ZONE; i++) {
		if (!answer || type != ns_t_txt || strcasecmp(name, zone[i].name) != 0)
			continue;
		if (SPF_dns_rr_buf_realloc(answer, 0, strlen(zone[i].txt) + 1) != SPF_E_SUCCESS)
			abort();
		memcpy(answer->rr[0]->txt, zone[i].txt, strlen(zone[i].txt) + 1);
		answer->num_rr = 1;
		answer->herrno = NETDB_SUCCESS;
	}
	return answer;
}

static double libspf2(SPF_server_t *server)
{
	double start = cpu_s();

	for (unsigned i = 0; i < EVALUATIONS; i++) {
		SPF_request_t *request = SPF_request_new(server);
		SPF_response_t *response = NULL;

		SPF_request_set_ipv4_str(request, "192.0.2.1");
		SPF_request_set_helo_dom(request, "mail.sender.example");
		SPF_request_set_env_from(request, "user@sender.example");
		SPF_request_query_mailfrom(request, &response);
		if (!response || SPF_response_result(response) != LIBSPF2_PASS)
			abort();
		SPF_response_free(response);
		SPF_request_free(request);
	}
	return EVALUATIONS / (cpu_s() - start);
}

/* ---- both ---------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	SPF_dns_server_t source = { .lookup = give, .name = "memory" };
	SPF_dns_server_t *cache = SPF_dns_cache_new(&source, NULL, 0, 8);
	SPF_server_t *server = cache ? SPF_server_new_dns(cache, 0) : NULL;
	double own[ROUNDS], raw[ROUNDS], ratio[ROUNDS];

	if (!server)
		return 2;
	zone_init();
	for (unsigned i = 0; i < ROUNDS; i++) {
		own[i] = ours();
		raw[i] = libspf2(server);
		ratio[i] = own[i] / raw[i];
	}
	qsort(own, ROUNDS, sizeof(own[0]), by_value);
	qsort(raw, ROUNDS, sizeof(raw[0]), by_value);
	qsort(ratio, ROUNDS, sizeof(ratio[0]), by_value);
	printf("warm evaluations a second, median of %d: ours %.0f, libspf2 with its cache %.0f, ratio %.2f (aim "
	       "%.1f)\n",
	       ROUNDS, own[ROUNDS / 2], raw[ROUNDS / 2], ratio[ROUNDS / 2], AIM);
	SPF_server_free(server);
	SPF_dns_free(cache);
	return ratio[ROUNDS / 2] < AIM;
}
