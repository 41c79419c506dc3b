/*
 * What the commands about SPF ask the DNS for (spf_ask.h).
 */
#include "spf_ask.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "dns/dns.h"
#include "org_domain.h"
#include "spf/check.h"
#include "system/clock.h"
#include "tool.h"

/* A question beyond queries_max fails at once: an audit of many domains must stay below it. */
static const struct dns_options lookups = {
	.timeout_ms = 1500,
	.tries = 2,
	.cache_bytes = (size_t)8 << 20,
	.queries_max = 4000,
};

struct dns *spf_dns_open(const struct call *call, int *status)
{
	struct dns_options options = lookups;
	char error[256];
	struct dns *dns;

	options.servers = call->dns;
	dns = dns_open(&options, error, sizeof(error));
	if (dns)
		return dns;
	complain("%s", error);
	*status = call->dns ? EX_USAGE : EX_OSERR;
	return NULL;
}

/* ---- from where mail leaves -------------------------------------------------------------------- */

/* NULL, or what is wrong. The same address twice is one. */
static const char *egress_add(struct egress *egress, const char *from)
{
	const char *wrong = egress_check(from);
	union inet_address at;
	char words[INET6_ADDRSTRLEN];

	if (wrong)
		return wrong;
	inet_address_read(from, &at);
	inet_ntop(at.any.sa_family, at.any.sa_family == AF_INET6 ? (void *)&at.in6.sin6_addr : &at.in.sin_addr, words,
		  sizeof(words));
	for (size_t i = 0; i < egress->count; i++)
		if (!strcmp(egress->words[i], words))
			return NULL;
	if (egress->count == EGRESS_MAX)
		return "more than 64 addresses";
	egress->at[egress->count] = at;
	memcpy(egress->words[egress->count++], words, sizeof(words));
	return NULL;
}

static const char *egress_split(struct egress *egress, const char *list)
{
	char *copy = strdup(list), *rest = copy, *word;
	const char *wrong = copy ? NULL : "no memory";

	while (!wrong && (word = strsep(&rest, ",")))
		wrong = egress_add(egress, word + strspn(word, " "));
	free(copy);
	return wrong;
}

int egress_find(const struct call *call, const struct egress_options *options, struct egress *egress)
{
	const char *wrong = NULL;

	memset(egress, 0, sizeof(*egress));
	if (call->egress) {
		wrong = egress_split(egress, call->egress);
		if (wrong)
			complain("--egress: %s", wrong);
		return wrong ? EX_USAGE : 0;
	}
	for (size_t i = 0; options && i < options->addresses.count && !wrong; i++)
		wrong = egress_add(egress, options->addresses.at[i]);
	if (wrong) {
		complain("egress.addresses: %s", wrong);
		return EX_CONFIG;
	}
	if (egress->count > 0)
		return 0;
	complain("it is not known from which addresses mail leaves this server: write egress { addresses = "
		 "{\"192.0.2.1\", \"2001:db8::1\"} } into conf.d, or name them with --egress");
	return EX_CONFIG;
}

/* ---- TXT records ------------------------------------------------------------------------------- */

enum question { OF_DOMAIN, DMARC, DMARC_ABOVE, QUESTIONS };

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t change;
	unsigned awaited;
	struct awaited {
		struct answers *all;
		const struct dns_answer *answer;
	} of[QUESTIONS];
};

/* dns_done_fn */
static void answer_come(void *arg, const struct dns_answer *answer)
{
	struct awaited *awaited = arg;

	pthread_mutex_lock(&awaited->all->lock);
	awaited->answer = dns_ref(answer);
	awaited->all->awaited--;
	pthread_cond_signal(&awaited->all->change);
	pthread_mutex_unlock(&awaited->all->lock);
}

static void answers_ask(struct answers *answers, struct dns *dns, enum question question, const char *before,
			const char *domain)
{
	char name[sizeof("_dmarc.") + DOMAIN_MAX];
	struct text text;

	text_init(&text, name, sizeof(name));
	text_str(&text, before);
	text_str(&text, domain);
	answers->of[question].all = answers;
	pthread_mutex_lock(&answers->lock);
	answers->awaited++;
	pthread_mutex_unlock(&answers->lock);
	dns_ask(dns, DNS_TXT, name, answer_come, &answers->of[question]);
}

/* Each question ends: dns/dns.h bounds tries and their time. */
static void answers_wait(struct answers *answers)
{
	pthread_mutex_lock(&answers->lock);
	while (answers->awaited > 0)
		pthread_cond_wait(&answers->change, &answers->lock);
	pthread_mutex_unlock(&answers->lock);
}

static void answers_start(struct answers *answers, struct dns *dns, const char *domain, const char *organisation)
{
	memset(answers, 0, sizeof(*answers));
	pthread_mutex_init(&answers->lock, NULL);
	pthread_cond_init(&answers->change, NULL);
	answers_ask(answers, dns, OF_DOMAIN, "", domain);
	answers_ask(answers, dns, DMARC, "_dmarc.", domain);
	if (strcmp(domain, organisation) != 0)
		answers_ask(answers, dns, DMARC_ABOVE, "_dmarc.", organisation);
}

static void answers_end(struct answers *answers)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		dns_unref(&answers->of[i].answer);
	pthread_cond_destroy(&answers->change);
	pthread_mutex_destroy(&answers->lock);
}

/* ---- one domain -------------------------------------------------------------------------------- */

static struct spf_check *evaluation_start(struct dns *dns, const union inet_address *client, const char *domain,
					  const struct spf_limits *limits)
{
	char mail_from[sizeof("postmaster@") + DOMAIN_MAX];
	const struct spf_query query = {
		.client = &client->any,
		.helo = domain,
		.mail_from = mail_from,
		.receiver = "",
		.now_s = clock_wall_ms() / 1000,
		.limits = *limits,
	};
	struct text text;

	text_init(&text, mail_from, sizeof(mail_from));
	text_str(&text, "postmaster@");
	text_str(&text, domain);
	return spf_check_start(dns, &query, clock_ticks_ms() + SPF_DEADLINE_MS);
}

/* The last evaluation is nobody's. False: no memory. */
static bool evaluations_start(struct spf_check **checks, struct dns *dns, const struct egress *egress,
			      const char *domain)
{
	const struct spf_limits whole = SPF_AUDIT_LIMITS, limits = SPF_LIMITS;
	union inet_address nobody;
	bool good;

	inet_address_read(SPF_AUDIT_NOBODY, &nobody);
	checks[egress->count] = evaluation_start(dns, &nobody, domain, &whole);
	good = checks[egress->count] != NULL;
	for (size_t i = 0; i < egress->count; i++) {
		checks[i] = evaluation_start(dns, &egress->at[i], domain, &limits);
		good &= checks[i] != NULL;
	}
	return good;
}

static void address_take(struct address_report *report, const struct spf_outcome *outcome)
{
	report->result = outcome->result;
	report->terms = outcome->terms;
	report->voids = outcome->voids;
	memcpy(report->problem, outcome->problem, sizeof(report->problem));
}

static const struct spf_outcome *outcome_of(struct spf_check *check)
{
	while (!spf_check_wait(check, INT64_MAX))
		;
	return spf_check_outcome(check);
}

static bool report_find(struct domain_report *report, struct spf_check **checks, const struct answers *answers,
			const char *organisation)
{
	struct spf_audit_address addresses[EGRESS_MAX];
	const struct spf_audit_facts facts = {
		.domain = report->domain,
		.organisation = organisation,
		.txt = answers->of[OF_DOMAIN].answer,
		.dmarc = answers->of[DMARC].answer,
		.dmarc_above = answers->of[DMARC_ABOVE].answer,
		.addresses = addresses,
		.count = report->egress->count,
		.whole = outcome_of(checks[report->egress->count]),
	};

	for (size_t i = 0; i < report->egress->count; i++) {
		addresses[i] = (struct spf_audit_address){ report->egress->words[i], outcome_of(checks[i]) };
		address_take(&report->addresses[i], addresses[i].outcome);
	}
	return spf_audit(&facts, &report->audit);
}

bool domain_report_make(struct dns *dns, const struct egress *egress, const char *domain, struct domain_report *out)
{
	const char *organisation = org_domain(domain);
	struct spf_check *checks[EGRESS_MAX + 1];
	struct answers answers;
	bool good;

	*out = (struct domain_report){ .domain = domain, .egress = egress };
	out->addresses = calloc(egress->count + 1, sizeof(*out->addresses));
	answers_start(&answers, dns, domain, organisation);
	good = evaluations_start(checks, dns, egress, domain) && out->addresses;
	answers_wait(&answers);
	good = good && report_find(out, checks, &answers, organisation);
	for (size_t i = 0; i <= egress->count; i++)
		spf_check_unref(&checks[i]);
	answers_end(&answers);
	return good;
}

void domain_report_free(struct domain_report *report)
{
	spf_audit_free(&report->audit);
	free(report->addresses);
	report->addresses = NULL;
}
