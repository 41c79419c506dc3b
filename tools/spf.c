/*
 * `leumund spf check`: what SPF (RFC 7208) says about a client, its HELO and an envelope sender.
 */
#include <stdlib.h>
#include <string.h>

#include "dns/dns.h"
#include "spf/check.h"
#include "spf_ask.h"
#include "system/clock.h"
#include "tool.h"

struct who {
	const char *ip, *helo, *mail_from;
};

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
	union inet_address client;
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

	if (!inet_address_read(who->ip, &client))
		return "the client is no IP address, such as 192.0.2.1 or 2001:db8::1";
	check = spf_check_run(dns, &query, clock_ticks_ms() + SPF_DEADLINE_MS);
	if (!check)
		return "no memory";
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

static int check_call(const struct call *call)
{
	int status = EX_OK;
	struct dns *dns = spf_dns_open(call, NULL, &status);

	if (!dns)
		return status;
	status = (call->batch ? check_lines : check_words)(dns, call);
	dns_close(&dns);
	return status;
}

int command_spf(const struct call *call)
{
	const bool check = strcmp(call->words[0], "check") == 0;

	if (check && !call->egress && call->count == (call->batch ? 1 : 4))
		return check_call(call);
	if (!check && !call->batch && call->count == 1)
		return command_spf_domain(call);
	complain("'spf' needs: DOMAIN, or: check IP HELO MAILFROM, or: check --batch");
	return EX_USAGE;
}
