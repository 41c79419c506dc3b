/*
 * `spf`: may this client send for that domain (RFC 7208)? Finds the results; what follows from them is said by the
 * policy.
 *
 * The look-ups begin at MAIL. A recipient waits for them only where a result could refuse it; the rest waits for the
 * end of the message, when they have long been answered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth_results.h"
#include "dns/shared.h"
#include "exempt.h"
#include "milter.h"
#include "milters/spf/header.h"
#include "milters/spf/inquiry.h"
#include "milters/spf/note.h"
#include "milters/spf/override.h"
#include "milters/spf/policy.h"
#include "setup.h"
#include "spf/figures.h"
#include "system/clock.h"

_Static_assert(SPF_RESULT_PENDING == SPF_POLICY_RESULTS && SPF_RESULT_FAIL == SPF_POLICY_FAIL,
	       "policy.h counts the results as spf/spf.h does");

#define HEADER_BYTES 4096 /* four values of 400 bytes, perhaps escaped, and two problems */

struct spf_options {
	struct milter_options common;
	int action[SPF_RULES];
	int64_t timeout; /* seconds */
	int64_t void_limit;
	int explanation; /* enum spf_explanation */
	const char *authserv_id;
	bool received_spf;
	struct string_list overrides;
	struct string_list exempt_networks;
	struct string_list exempt_spf;
	struct string_list exempt_recipients;
};

struct spf {
	const struct spf_options *options;
	struct spf_policy policy;
	struct overrides *overrides;
	struct exemptions *networks, *relays, *recipients;
	struct dns *dns;
	char host[DOMAIN_MAX + 1]; /* of this server; "unknown" when it has none */
	const char *authserv_id;
};

/* It stands in a header as it is. */
static const char *check_authserv_id(const char *value)
{
	domain_name name;

	if (value[0] != '\0' && domain_canonical(value, strlen(value), name) < 0)
		return "it must be a host name, such as mx.example.com";
	return NULL;
}

static const char *const pass_action_names[] = { "off", "mark", NULL };

/* clang-format off */
#define OPTION_AT(member) offsetof(struct spf_options, member)
#define RULE_ROW(identity, result, name, preset, names, text) \
	{ OPTION_CHOICE, name, preset, 0, 0, names, NULL, \
	  OPTION_AT(action) + ((size_t)(identity) * SPF_POLICY_RESULTS + (result)) * sizeof(int), text }
#define MAIL_FROM_ROW(result, name, preset, text) \
	RULE_ROW(SPF_MAIL_FROM, result, "mail_from_" name, preset, spf_action_names, text)
#define HELO_ROW(result, name, preset, text) RULE_ROW(SPF_HELO, result, "helo_" name, preset, spf_action_names, text)

static const struct option rows[] = {
	MILTER_ROWS(struct spf_options, "\"inbound\""),
	MAIL_FROM_ROW(SPF_RESULT_FAIL, "fail", "reject",
	  "The domain of MAIL FROM says that the client may not send for it; of the null sender, the name given with HELO."),
	MAIL_FROM_ROW(SPF_RESULT_SOFTFAIL, "softfail", "mark",
	  "The domain says that the client probably may not."),
	MAIL_FROM_ROW(SPF_RESULT_NEUTRAL, "neutral", "mark",
	  "The domain does not say."),
	MAIL_FROM_ROW(SPF_RESULT_NONE, "none", "mark",
	  "The domain has no SPF record, or there is no such domain."),
	MAIL_FROM_ROW(SPF_RESULT_TEMPERROR, "temperror", "mark",
	  "The DNS gave no answer in time."),
	MAIL_FROM_ROW(SPF_RESULT_PERMERROR, "permerror", "mark",
	  "The SPF record is broken, or needs more look-ups than allowed."),
	RULE_ROW(SPF_MAIL_FROM, SPF_RESULT_PASS, "mail_from_pass", "mark", pass_action_names,
	  "The client may send for the domain."),
	HELO_ROW(SPF_RESULT_FAIL, "fail", "mark", "As above, of the name given with HELO."),
	HELO_ROW(SPF_RESULT_SOFTFAIL, "softfail", "mark", "As above."),
	HELO_ROW(SPF_RESULT_NEUTRAL, "neutral", "mark", "As above."),
	HELO_ROW(SPF_RESULT_NONE, "none", "mark", "As above."),
	HELO_ROW(SPF_RESULT_TEMPERROR, "temperror", "mark", "As above."),
	HELO_ROW(SPF_RESULT_PERMERROR, "permerror", "mark", "As above."),
	RULE_ROW(SPF_HELO, SPF_RESULT_PASS, "helo_pass", "mark", pass_action_names, "As above."),
	{ OPTION_TIME, "timeout", "5s", 1, 20, NULL, NULL, OPTION_AT(timeout),
	  "How long a message waits for the DNS at most, counted from MAIL (on Exim for each question anew); what is not answered then is temperror." },
	{ OPTION_NUMBER, "void_limit", "2", 0, 10, NULL, NULL, OPTION_AT(void_limit),
	  "Look-ups of one evaluation that may find nothing; one more is permerror." },
	{ OPTION_CHOICE, "explanation", "quote", 0, 0, spf_explanation_names, NULL, OPTION_AT(explanation),
	  "What the refusal of a fail makes of the explanation that the domain publishes: it quotes it behind its own text, is that alone, or leaves it out." },
	{ OPTION_STRING, "authserv_id", "\"\"", 0, 0, NULL, check_authserv_id, OPTION_AT(authserv_id),
	  "The name by which this server signs Authentication-Results, and by which it knows forged ones; empty means its host name." },
	{ OPTION_BOOL, "received_spf", "false", 0, 0, NULL, NULL, OPTION_AT(received_spf),
	  "Whether a Received-SPF field is added, too." },
	{ OPTION_LIST, "overrides", "{}", 0, 0, NULL, override_check, OPTION_AT(overrides),
	  "Actions of their own for some domains: \"bank.example softfail=reject neutral=reject\"; the first that names domain and result counts." },
	{ OPTION_LIST, "exempt_networks", "{}", 0, 0, NULL, exempt_check_network, OPTION_AT(exempt_networks),
	  "Clients that are not judged, such as a backup MX: \"192.0.2.0/24 until 2027-01-31: relays for us\"." },
	{ OPTION_LIST, "exempt_spf", "{}", 0, 0, NULL, exempt_check_domain, OPTION_AT(exempt_spf),
	  "The same, by domains whose SPF record names the clients, such as a filter in front of this server: \"spf.filter.example: filters for us\"; at most 8." },
	{ OPTION_LIST, "exempt_recipients", "{}", 0, 0, NULL, exempt_check_address, OPTION_AT(exempt_recipients),
	  "Recipients to whom nothing is refused, as a forwarder elsewhere sends their mail on: \"info@shop.example until 2027-01-31: old provider\"." },
	{ .name = NULL }
};
/* clang-format on */

static const struct section spf_section = {
	.name = "spf",
	.summary = "Only clients that a domain names may send for it (RFC 7208).",
	.options = rows,
	.size = sizeof(struct spf_options),
};

static void spf_stop(void *state)
{
	struct spf *spf = state;

	dns_unshare(&spf->dns);
	overrides_free(&spf->overrides);
	exemptions_free(&spf->networks);
	exemptions_free(&spf->relays);
	exemptions_free(&spf->recipients);
	free(spf);
}

static void *spf_start(const struct setup *setup, const void *options, char *error, size_t size)
{
	struct spf *spf = calloc(1, sizeof(*spf));
	char why[256];

	if (!spf) {
		snprintf(error, size, "spf: out of memory");
		return NULL;
	}
	spf->options = options;
	if (spf->options->exempt_spf.count > INQUIRY_RELAYS) {
		snprintf(error, size, "spf.exempt_spf: %zu domains, %d are allowed: each costs an evaluation a message",
			 spf->options->exempt_spf.count, INQUIRY_RELAYS);
		spf_stop(spf);
		return NULL;
	}
	for (int i = 0; i < SPF_RULES; i++)
		spf->policy.action[i] = spf_actions[spf->options->action[i]];
	if (gethostname(spf->host, sizeof(spf->host) - 1) < 0)
		snprintf(spf->host, sizeof(spf->host), "unknown");
	spf->authserv_id = spf->options->authserv_id[0] != '\0' ? spf->options->authserv_id : spf->host;
	spf->overrides = overrides_new(&spf->options->overrides);
	spf->networks = exemptions_new(EXEMPT_NETWORK, &spf->options->exempt_networks);
	spf->relays = exemptions_new(EXEMPT_DOMAIN, &spf->options->exempt_spf);
	spf->recipients = exemptions_new(EXEMPT_ADDRESS, &spf->options->exempt_recipients);
	snprintf(why, sizeof(why), "out of memory");
	if (spf->overrides && spf->networks && spf->relays && spf->recipients)
		spf->dns = dns_share(setup->dns, why, sizeof(why));
	if (!spf->dns) {
		snprintf(error, size, "dns.servers: %s", why);
		spf_stop(spf);
		return NULL;
	}
	return spf;
}

/* Only what comes from elsewhere without a login: a customer's client is in nobody's SPF record. */
static bool is_judged(const struct spf *spf, const struct view *view)
{
	return view->session->who.path == PATH_REMOTE &&
	       !exempt_network(spf->networks, (const struct sockaddr *)&view->session->connection.client, view->now_ms);
}

static bool is_asked(const struct spf *spf, enum spf_identity identity)
{
	return spf_is_asked(identity, &spf->policy) || overrides_reach(spf->overrides, ACTION_OBSERVE);
}

static void *spf_begin(const void *state, const struct view *view)
{
	const struct spf *spf = state;
	struct inquiry_terms terms = {
		.dns = spf->dns,
		.receiver = spf->host,
		.deadline_ms = clock_ticks_ms() + spf->options->timeout * 1000,
		.now_s = view->now_ms / 1000,
		.voids = (unsigned)spf->options->void_limit,
		.asked = { is_asked(spf, SPF_MAIL_FROM), is_asked(spf, SPF_HELO) },
		.want_explanation = spf->options->explanation != SPF_EXPLANATION_OFF,
	};

	if (!is_judged(spf, view))
		return NULL;
	for (size_t i = 0, at = 0; i < INQUIRY_RELAYS; i++) {
		terms.relays[i] = exempt_next_domain(spf->relays, &at, view->now_ms);
		if (!terms.relays[i])
			break;
	}
	return inquiry_begin(&terms, view->session);
}

static void spf_end(void *memo)
{
	inquiry_end(memo);
}

/* Without an inquiry there was no memory for one. */
static struct spf_fact find(const struct spf *spf, const struct view *view, enum spf_identity identity,
			    enum action *action)
{
	const char *domain = "";
	struct spf_fact fact = { true, SPF_RESULT_TEMPERROR, span_of("this message"), { "", 0 }, false };
	const struct spf_outcome *outcome;

	outcome = view->memo ? inquiry_outcome(view->memo, identity) : NULL;
	fact.known = outcome || !view->memo;
	if (outcome) {
		domain = outcome->domain;
		fact.result = outcome->result;
		fact.about = span_of(inquiry_about(view->memo, identity));
		fact.quote = span_of(outcome->explanation);
		fact.alone = spf->options->explanation == SPF_EXPLANATION_ALONE;
	}
	*action = override_action(spf->overrides, domain, fact.result,
				  spf->policy.action[spf_rule(identity, fact.result)]);
	return fact;
}

static bool is_exempt(const struct spf *spf, const struct view *view, const struct recipient *recipient)
{
	return exempt_address(spf->recipients, recipient->path.local, recipient->path.domain, view->now_ms);
}

/* Is there nobody who could be refused this? At the end: of those who were not refused before. */
static bool none_concerned(const struct spf *spf, const struct view *view)
{
	const struct recipient *one = view->session->message.recipients;

	if (view->stage == STAGE_RCPT)
		return is_exempt(spf, view, view->recipient);
	for (; one; one = one->next)
		if (!one->refused && !is_exempt(spf, view, one))
			return false;
	return view->session->message.recipients != NULL;
}

static bool can_refuse(const struct spf *spf, enum spf_identity identity)
{
	return spf_can_refuse(identity, &spf->policy) || overrides_reach(spf->overrides, ACTION_DEFER);
}

/* Nothing is for good while it is not known whether the client is a relay of ours. */
static enum action relay_spares(const struct view *view, enum action action)
{
	const enum inquiry_relay relay = view->memo ? inquiry_relay(view->memo) : RELAY_NO;

	if (relay == RELAY_YES)
		return ACTION_OFF;
	return relay == RELAY_UNKNOWN && action == ACTION_REJECT ? ACTION_DEFER : action;
}

static void spf_check(const void *state, const struct view *view, struct decision *decision)
{
	const struct spf *spf = state;
	bool may_refuse;

	if (view->stage == STAGE_MAIL || !is_judged(spf, view))
		return;
	may_refuse = !none_concerned(spf, view);
	if (view->stage == STAGE_RCPT && !may_refuse)
		return;
	for (int i = 0; i < SPF_IDENTITIES; i++) {
		const enum spf_identity identity = (enum spf_identity)i;
		struct spf_fact fact;
		struct verdict verdict;
		enum action action;

		if (view->stage == STAGE_RCPT && !can_refuse(spf, identity))
			continue;
		fact = find(spf, view, identity, &action);
		if (!may_refuse && action > ACTION_OBSERVE)
			action = ACTION_OBSERVE;
		if (view->stage == STAGE_END || action >= ACTION_DEFER)
			action = relay_spares(view, action);
		verdict = spf_decide(identity, &fact, action);
		/* what concerns the message only is said once */
		if (view->stage == STAGE_END || verdict.action >= ACTION_DEFER)
			decision_add(decision, verdict);
	}
}

/* ---- the header -------------------------------------------------------------------------------- */

/*
 * RFC 8601 5: whoever reads our name in such a field takes it as ours, so it must not come from elsewhere, nor from a
 * customer. A relay of ours may write it.
 */
static bool forged_remove(const struct spf *spf, const struct view *view, struct arena *memory, struct marks *marks)
{
	const struct message *message = &view->session->message;
	const struct header *header = NULL;
	unsigned index = 0;

	while ((header = message_find(message, auth_results_name, header))) {
		index++;
		if (auth_results_is_of(header->value, header->len, spf->authserv_id) &&
		    !marks_remove(marks, memory, auth_results_name, index))
			return false;
	}
	/* what was not shown cannot be told from a forged one */
	return !message->headers_cut || marks_remove(marks, memory, auth_results_name, index + 1);
}

static bool results_add(const struct spf *spf, const struct view *view, struct arena *memory, struct marks *marks)
{
	struct spf_header header = {
		.inquiry = view->memo,
		.authserv_id = spf->authserv_id,
		.client_addr = view->session->connection.client_addr,
		.helo = view->session->connection.helo,
	};
	char TEXT_BUFFER buffer[HEADER_BYTES];
	struct text text;

	for (int i = 0; i < SPF_IDENTITIES; i++) {
		enum action action;
		const struct spf_fact fact = find(spf, view, (enum spf_identity)i, &action);

		header.shown[i] = fact.known && action != ACTION_OFF;
		if (!header.shown[i] || !spf->options->received_spf)
			continue;
		text_init(&text, buffer, sizeof(buffer));
		header_received(&header, (enum spf_identity)i, &text);
		if (!marks_add(marks, memory, "Received-SPF", buffer))
			return false;
	}
	text_init(&text, buffer, sizeof(buffer));
	header_results(&header, &text);
	return text.len == 0 || marks_add(marks, memory, auth_results_name, buffer);
}

static bool spf_mark(const void *state, const struct view *view, struct arena *memory, struct marks *marks)
{
	const struct spf *spf = state;

	if (view->session->who.path == PATH_INTERNAL ||
	    exempt_network(spf->networks, (const struct sockaddr *)&view->session->connection.client, view->now_ms))
		return true;
	if (view->memo && inquiry_relay(view->memo) == RELAY_YES)
		return true;
	return forged_remove(spf, view, memory, marks) && (!view->memo || results_add(spf, view, memory, marks));
}

/* Without an inquiry it was not judged; nor is what a relay of ours brings. */
static void spf_note(const void *state, const struct view *view, struct text *line)
{
	(void)state;
	if (view->memo && inquiry_relay(view->memo) != RELAY_YES)
		note_results(view->memo, line);
}

static void spf_status(const void *state, struct text *json)
{
	const struct spf *spf = state;

	spf_figures(spf->dns, json);
}

static const char *const spf_headers[] = { auth_results_name, NULL };

const struct milter milter_spf = {
	.name = "spf",
	.summary = "only clients that a domain names may send for it",
	.section = &spf_section,
	.rules = spf_rules,
	.needs = NEED_HELO | NEED_RCPT | NEED_HEADERS | NEED_MARK,
	.headers = spf_headers,
	.start = spf_start,
	.stop = spf_stop,
	.begin = spf_begin,
	.end = spf_end,
	.check = spf_check,
	.mark = spf_mark,
	.note = spf_note,
	.status = spf_status,
};
