/*
 * `leumund spf check`: what SPF (RFC 7208) says about a client, its HELO and an envelope sender.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dns.h"
#include "milters/spf/check.h"
#include "tool.h"

#define DEADLINE_MS 5000

static const struct dns_options lookups = {
	.timeout_ms = 1500,
	.tries = 2,
	.cache_bytes = (size_t)8 << 20,
	.queries_max = 1000,
};

struct who {
	const char *ip, *helo, *mail_from;
};

union client {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool client_read(const char *ip, union client *client)
{
	memset(client, 0, sizeof(*client));
	client->any.sa_family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	if (client->any.sa_family == AF_INET6)
		return inet_pton(AF_INET6, ip, &client->in6.sin6_addr) == 1;
	return inet_pton(AF_INET, ip, &client->in.sin_addr) == 1;
}

static void outcome_json(const struct spf_outcome *outcome)
{
	printf("{\"result\":\"%s\",\"domain\":", spf_result_names[outcome->result]);
	print_json(stdout, outcome->domain);
	fputs(",\"explanation\":", stdout);
	print_json(stdout, outcome->explanation);
	fputs(",\"problem\":", stdout);
	print_json(stdout, outcome->problem);
	printf(",\"terms\":%u,\"voids\":%u,\"queries\":%u}\n", outcome->terms, outcome->voids, outcome->queries);
}

static void outcome_show(const struct spf_outcome *outcome)
{
	printf("%s\t%s\n", spf_result_names[outcome->result], outcome->explanation);
}

/* NULL, or what is wrong. */
static const char *who_check(struct dns *dns, const struct call *call, const struct who *who)
{
	union client client;
	struct spf_query query = {
		.client = &client.any,
		.helo = who->helo,
		.mail_from = strcmp(who->mail_from, "<>") != 0 ? who->mail_from : "",
		.receiver = "",
		.now_s = clock_wall_ms() / 1000,
		.want_explanation = true,
		.limits = SPF_LIMITS,
	};
	struct spf_check *check;

	if (!client_read(who->ip, &client))
		return "the client is no IP address, such as 192.0.2.1 or 2001:db8::1";
	check = spf_check_start(dns, &query, clock_ticks_ms() + DEADLINE_MS);
	if (!check)
		return "no memory";
	while (!spf_check_wait(check, INT64_MAX))
		;
	const struct spf_outcome *outcome = spf_check_outcome(check);
	(call->json ? outcome_json : outcome_show)(outcome);
	if (!call->json && !call->batch && outcome->problem[0])
		complain("%s", outcome->problem);
	spf_check_unref(&check);
	return NULL;
}

/* "IP<TAB>HELO<TAB>MAILFROM" */
static bool line_read(char *line, struct who *who)
{
	line[strcspn(line, "\r\n")] = '\0';
	who->ip = strsep(&line, "\t");
	who->helo = strsep(&line, "\t");
	who->mail_from = strsep(&line, "\t");
	return who->mail_from && !line;
}

/* Each line gets its answer before the next is read. */
static int check_lines(struct dns *dns, const struct call *call)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, stdin) >= 0) {
		struct who who;
		const char *wrong = "not a line IP<TAB>HELO<TAB>MAILFROM";

		if (line_read(line, &who))
			wrong = who_check(dns, call, &who);
		if (wrong)
			printf(call->json ? "{\"error\":\"%s\"}\n" : "error\t%s\n", wrong);
		fflush(stdout);
	}
	free(line);
	return EX_OK;
}

static int check_words(struct dns *dns, const struct call *call)
{
	const struct who who = { call->words[1], call->words[2], call->words[3] };
	const char *wrong = who_check(dns, call, &who);

	if (wrong)
		complain("%s", wrong);
	return wrong ? EX_USAGE : EX_OK;
}

int command_spf(const struct call *call)
{
	struct dns_options options = lookups;
	char error[256];
	struct dns *dns;
	int status;

	if (strcmp(call->words[0], "check") != 0 || call->count != (call->batch ? 1 : 4)) {
		complain("'spf' needs: check IP HELO MAILFROM, or: check --batch");
		return EX_USAGE;
	}
	options.servers = call->dns;
	dns = dns_open(&options, error, sizeof(error));
	if (!dns) {
		complain("%s", error);
		return call->dns ? EX_USAGE : EX_OSERR;
	}
	status = (call->batch ? check_lines : check_words)(dns, call);
	dns_close(&dns);
	return status;
}
