/*
 * `leumund status`: what each service says about itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "json_walk.h"
#include "setup.h"
#include "system/clock.h"
#include "tool.h"

#define WORD 160
#define VERDICTS 128

/* The members of the answer that are shown, and where they are kept. */
struct verdict_row {
	char milter[40], rule[40], action[12], count[24];
};

struct report {
	char version[32], pid[16], since_ms[24], config[WORD], milters[WORD];
	char connections[16], exim_connections[16], messages[24], accepted[24];
	char store_state[16], store_since_ms[24], store_server[64], store_trouble[WORD];
	char store_posted[24], store_written[24], store_dropped[24], store_local[24], store_forgotten[24];
	char domains[16], domains_changed_ms[24], canary[32], canary_ms[24], log_lines_lost[24];
	char dns_asked[24], dns_cached[24], dns_unanswered[24], dns_failed[24], dns_bytes[24], dns_bytes_max[24];
	char guard_recipients[24], guard_dead[24], guard_blocked[24], guard_waited[24], guard_away[24];
	char signup_until[24], signup_learning[24], signup_messages[24], signup_strangers[24], signup_local[24];
	char spf_under_way[16], spf_under_way_max[16], spf_refused[24], spf_late[24];
	struct verdict_row verdicts[VERDICTS];
	size_t verdict_count;
};

#define MEMBER(path, member)                                                                \
	{                                                                                   \
		path, offsetof(struct report, member), sizeof(((struct report *)0)->member) \
	}
#define VERDICT_MEMBER(path, member)                                                                  \
	{                                                                                             \
		path, offsetof(struct verdict_row, member), sizeof(((struct verdict_row *)0)->member) \
	}

struct place {
	const char *path;
	size_t offset, size;
};

/* clang-format off */
static const struct place places[] = {
	MEMBER("version", version),
	MEMBER("pid", pid),
	MEMBER("since_ms", since_ms),
	MEMBER("config", config),
	MEMBER("connections", connections),
	MEMBER("exim_connections", exim_connections),
	MEMBER("messages", messages),
	MEMBER("accepted", accepted),
	MEMBER("store.state", store_state),
	MEMBER("store.since_ms", store_since_ms),
	MEMBER("store.server", store_server),
	MEMBER("store.trouble", store_trouble),
	MEMBER("store.posted", store_posted),
	MEMBER("store.written", store_written),
	MEMBER("store.dropped", store_dropped),
	MEMBER("store.local", store_local),
	MEMBER("store.forgotten", store_forgotten),
	MEMBER("domains", domains),
	MEMBER("domains_changed_ms", domains_changed_ms),
	MEMBER("canary", canary),
	MEMBER("canary_ms", canary_ms),
	MEMBER("log_lines_lost", log_lines_lost),
	{ NULL, 0, 0 }
};

/* Of each milter, "figures.NAME." in front: what those share that ask the DNS is the same in all of them. */
static const struct place figure_places[] = {
	MEMBER("dns.asked", dns_asked),
	MEMBER("dns.cached", dns_cached),
	MEMBER("dns.unanswered", dns_unanswered),
	MEMBER("dns.failed", dns_failed),
	MEMBER("dns.cache_bytes", dns_bytes),
	MEMBER("dns.cache_bytes_max", dns_bytes_max),
	MEMBER("evaluations.under_way", spf_under_way),
	MEMBER("evaluations.under_way_max", spf_under_way_max),
	MEMBER("evaluations.refused", spf_refused),
	MEMBER("evaluations.late", spf_late),
	MEMBER("recipients", guard_recipients),
	MEMBER("dead_refused", guard_dead),
	MEMBER("blocked", guard_blocked),
	MEMBER("waited", guard_waited),
	MEMBER("store_away", guard_away),
	MEMBER("learning_until_ms", signup_until),
	MEMBER("learning_s", signup_learning),
	MEMBER("messages", signup_messages),
	MEMBER("first_contacts", signup_strangers),
	MEMBER("without_store", signup_local),
	{ NULL, 0, 0 }
};

static const struct place verdict_places[] = {
	VERDICT_MEMBER("verdicts[].milter", milter),
	VERDICT_MEMBER("verdicts[].rule", rule),
	VERDICT_MEMBER("verdicts[].action", action),
	VERDICT_MEMBER("verdicts[].count", count),
	{ NULL, 0, 0 }
};
/* clang-format on */

static void keep(void *base, const struct place *place, const char *path, const char *value)
{
	for (; place->path; place++)
		if (!strcmp(place->path, path))
			snprintf((char *)base + place->offset, place->size, "%s", value);
}

/* A member that is not known here is of a newer daemon: skipped. */
static bool member_take(void *arg, const char *path, const char *value)
{
	struct report *report = arg;
	const char *figure = strncmp(path, "figures.", 8) == 0 ? strchr(path + 8, '.') : NULL;

	if (!strcmp(path, "milters[]") && value) {
		size_t len = strlen(report->milters);

		snprintf(report->milters + len, sizeof(report->milters) - len, "%s%s", len ? ", " : "", value);
	} else if (!strcmp(path, "verdicts[]")) {
		if (report->verdict_count < VERDICTS - 1)
			report->verdict_count++;
	} else if (figure && value) {
		keep(report, figure_places, figure + 1, value);
	} else if (value) {
		keep(report, places, path, value);
		keep(&report->verdicts[report->verdict_count], verdict_places, path, value);
	}
	return true;
}

static int64_t number(const char *text)
{
	return strtoll(text, NULL, 10);
}

/* "12 s ago", or "" when it was never. */
static const char *ago(const char *ms, char *out, size_t size)
{
	char span[32];

	if (number(ms) <= 0)
		snprintf(out, size, "never");
	else
		snprintf(out, size, "%s ago", span_words(clock_wall_ms() - number(ms), span, sizeof(span)));
	return out;
}

static void label(const char *word)
{
	printf("  %-11s ", word);
}

static void verdicts_show(const struct report *report)
{
	label("verdicts");
	printf("%s accepted\n", report->accepted);
	for (size_t i = 0; i < report->verdict_count; i++) {
		const struct verdict_row *row = &report->verdicts[i];

		label("");
		printf("%-10s %-26s %-8s %10s\n", row->milter, row->rule, row->action, row->count);
	}
}

/* What the DNS of the milters that ask it has to do, and whether it keeps up. */
static void spf_show(const struct report *report)
{
	static const double mebibyte = 1 << 20;

	if (report->dns_asked[0] == '\0')
		return;
	label("dns");
	printf("%s asked, %s from cache, %s unanswered, %s failed; cache %.1f of %.0f MB\n", report->dns_asked,
	       report->dns_cached, report->dns_unanswered, report->dns_failed,
	       (double)number(report->dns_bytes) / mebibyte, (double)number(report->dns_bytes_max) / mebibyte);
	label("spf");
	printf("%s of %s evaluations under way, %s turned away, %s too late\n", report->spf_under_way,
	       report->spf_under_way_max, report->spf_refused, report->spf_late);
}

/* Why recipients were refused or told to wait. */
static void guard_show(const struct report *report)
{
	if (report->guard_recipients[0] == '\0')
		return;
	label("recipient");
	printf("%s recipients, %s dead, %s at a provider that blocks, %s others wait; %s messages without the store\n",
	       report->guard_recipients, report->guard_dead, report->guard_blocked, report->guard_waited,
	       report->guard_away);
}

/* First contacts, and whether they may be held against anybody already. */
static void signup_show(const struct report *report)
{
	char words[40];

	if (report->signup_messages[0] == '\0')
		return;
	label("signup");
	printf("%s messages with %s first contacts, %s without the store\n", report->signup_messages,
	       report->signup_strangers, report->signup_local);
	if (number(report->signup_until) == 0 && number(report->signup_learning) > 0) {
		label("");
		puts("its rules only observe; until when, is known after the first mail");
	}
	if (number(report->signup_until) <= clock_wall_ms())
		return;
	label("");
	printf("learning until %s: rules only observe\n",
	       time_words(number(report->signup_until), words, sizeof(words)));
}

static void store_show(const struct report *report)
{
	char words[40];

	label("store");
	print_safe(stdout, report->store_state[0] ? report->store_state : "none");
	if (report->store_server[0]) {
		fputs(", ", stdout);
		print_safe(stdout, report->store_server);
	}
	if (number(report->store_since_ms) > 0)
		printf(", since %s", time_words(number(report->store_since_ms), words, sizeof(words)));
	putchar('\n');
	if (report->store_trouble[0] && strcmp(report->store_state, "up") != 0) {
		label("");
		print_safe(stdout, report->store_trouble);
		putchar('\n');
	}
	label("to store");
	printf("%s records, %s written, %s dropped\n", report->store_posted, report->store_written,
	       report->store_dropped);
	if (number(report->store_local) > 0) {
		label("limits");
		printf("%s decided without the store, %s counts of them lost\n", report->store_local,
		       report->store_forgotten);
	}
}

/* True when there is something to look at. */
static bool canary_show(const struct report *report)
{
	bool passed = !strcmp(report->canary, "PASSED"), mute = !strcmp(report->canary, "no answer");
	char words[40];

	label("canary");
	if (passed)
		fputs("PASSED: A FORGED MESSAGE WAS ACCEPTED, THIS SERVICE DOES NOT FILTER", stdout);
	else
		fputs(report->canary, stdout);
	if (number(report->canary_ms) > 0)
		printf(", %s", ago(report->canary_ms, words, sizeof(words)));
	putchar('\n');
	if (!strcmp(report->canary, "nothing to test")) {
		label("");
		puts("no rule can refuse anything: see `leumund check`");
	}
	return passed || mute;
}

static bool report_show(const char *service, const struct report *report)
{
	char words[40], span[40];

	printf("%s: serves since %s (%s), pid %s, version %s\n", service,
	       time_words(number(report->since_ms), words, sizeof(words)),
	       span_words(clock_wall_ms() - number(report->since_ms), span, sizeof(span)), report->pid,
	       report->version);
	label("milters");
	puts(report->milters);
	label("config");
	print_safe(stdout, report->config);
	putchar('\n');
	label("connections");
	/* our own question is one of the latter */
	printf("%s from Postfix or sendmail (%s messages so far), %lld from Exim\n", report->connections,
	       report->messages, (long long)number(report->exim_connections) - 1);
	verdicts_show(report);
	spf_show(report);
	guard_show(report);
	signup_show(report);
	store_show(report);
	label("directory");
	printf("%s domains and logins, changed %s\n", report->domains,
	       ago(report->domains_changed_ms, words, sizeof(words)));
	if (number(report->log_lines_lost) > 0) {
		label("log");
		printf("%s lines were lost: `leumund check` says what to do\n", report->log_lines_lost);
	}
	return canary_show(report);
}

/* True when there is something to look at. */
static bool service_show(const char *service, bool first)
{
	static char answer[ASK_ANSWER_BYTES];
	struct report *report;
	bool finding = true;

	if (!first)
		putchar('\n');
	if (ask_status(service, answer, sizeof(answer)) < 0) {
		printf("%s: DOES NOT ANSWER: %s; `leumund check` says what to do\n", service,
		       errno == ENOENT ? "its socket is not there" : strerror(errno));
		return true;
	}
	report = calloc(1, sizeof(*report));
	if (!report || json_walk(answer, member_take, report) < 0)
		printf("%s: answers with what this version does not understand\n", service);
	else
		finding = report_show(service, report);
	free(report);
	return finding;
}

static bool canary_of(void *arg, const char *path, const char *value)
{
	bool *finding = arg;

	if (!strcmp(path, "canary") && value && (!strcmp(value, "PASSED") || !strcmp(value, "no answer")))
		*finding = true;
	return true;
}

/* The daemon's own object, unchanged. */
static bool service_json(const char *service, bool first)
{
	static char answer[ASK_ANSWER_BYTES];
	bool finding = false;

	if (!first)
		putchar(',');
	if (ask_status(service, answer, sizeof(answer)) == 0) {
		if (json_walk(answer, canary_of, &finding) == 0) {
			fputs(answer, stdout);
			return finding;
		}
		errno = EPROTO;
	}
	printf("{\"service\":\"%s\",\"error\":", service);
	print_json(stdout, strerror(errno));
	putchar('}');
	return true;
}

int command_status(const struct call *call)
{
	struct setup setup;
	int status = tool_setup(call, &setup);
	bool finding = false;

	if (status != 0)
		return status;
	status = tool_run_enter(tool_run(call, &setup));
	if (status == 0) {
		if (call->json)
			fputs("{\"services\":[", stdout);
		else if (setup.service_count == 0)
			puts("no service is enabled in conf.d: set enable = true in a milter's section");
		for (size_t i = 0; i < setup.service_count; i++)
			finding |= (call->json ? service_json : service_show)(setup.services[i], i == 0);
		if (call->json)
			puts("]}");
		status = finding ? EXIT_FINDING : EX_OK;
	}
	setup_free(&setup);
	return status;
}
