/*
 * The rules of `recipient` (policy.h): their codes and texts, and the decisions. The texts are ASCII because SMTP
 * replies are. A website may show them to its visitor, so they say what he can do. {about} is the address, its domain
 * or the provider, {detail} what came out (detail.h).
 */
#include "policy.h"

/* clang-format off */
const struct rule recipient_rules[] = {
	[RECIPIENT_DEAD] = {
		"dead_mailbox", "RCP10", "5.1.1", "4.1.1",
		{ "this mailbox does not exist ({detail}), remove it from your lists",
		  "dieses Postfach gibt es nicht ({detail}), bitte aus allen Listen entfernen" } },
	[RECIPIENT_WAITING] = {
		"dead_waiting", "RCP11", "5.1.1", "4.1.1",
		{ "this mailbox does not exist ({detail}), remove it from your lists",
		  "dieses Postfach gibt es nicht ({detail}), bitte aus allen Listen entfernen" } },
	[RECIPIENT_COMPLAINED] = {
		"complained", "RCP40", "5.7.1", "4.7.1",
		{ "{about} has complained about newsletters of account {account}: remove this address from its lists",
		  "{about} hat sich ueber Rundschreiben von Konto {account} beschwert: bitte aus dessen Listen entfernen" } },
	[RECIPIENT_BLOCKED] = {
		"provider_blocked", "RCP21", "5.7.1", "4.7.1",
		{ "{about} takes no mail from this server at present ({detail}), please use an address elsewhere or try later",
		  "{about} nimmt von diesem Server zurzeit keine Mail an ({detail}), bitte andere Adresse nutzen oder spaeter senden" } },
	[RECIPIENT_SHARE] = {
		"account_share", "RCP31", "5.7.1", "4.7.1",
		{ "account {account} writes to too many mailboxes at {about} that do not exist ({detail}): clean its lists",
		  "Konto {account} schreibt an zu viele Postfaecher bei {about}, die es nicht gibt ({detail}): bitte Listen bereinigen" } },
	[RECIPIENT_BUDGET] = {
		"provider_budget", "RCP30", "5.7.1", "4.7.1",
		{ "too many mailboxes at {about} turned out not to exist, so newsletters and new contacts wait ({detail})",
		  "zu viele Postfaecher bei {about} gab es nicht, daher warten Rundschreiben und neue Kontakte ({detail})" } },
	[RECIPIENT_WARNED] = {
		"provider_warned", "RCP20", "5.7.1", "4.7.1",
		{ "{about} may soon block this server, so newsletters and new contacts there wait ({detail})",
		  "{about} sperrt diesen Server sonst bald, daher warten Rundschreiben und neue Kontakte dort ({detail})" } },
	[RECIPIENT_RULES] = { .name = NULL }
};

const char *const recipient_kind_names[] = {
	[RECIPIENT_FIRST] = "first", [RECIPIENT_KNOWN] = "known", [RECIPIENT_ORDER] = "order", [RECIPIENT_BULK] = "bulk",
	[RECIPIENT_EXEMPT] = "exempt", [RECIPIENT_KINDS] = NULL
};

#define KIND(kind) (1u << (kind))
#define RISKY (KIND(RECIPIENT_FIRST) | KIND(RECIPIENT_BULK))
#define ALL_BUT_EXEMPT (RISKY | KIND(RECIPIENT_KNOWN) | KIND(RECIPIENT_ORDER))

/* Whom a rule concerns. Nobody new is met by mail to a known correspondent or about an order, so it goes as long as it can. */
static const unsigned concerned[] = {
	[RECIPIENT_DEAD] = ALL_BUT_EXEMPT | KIND(RECIPIENT_EXEMPT), [RECIPIENT_WAITING] = ALL_BUT_EXEMPT | KIND(RECIPIENT_EXEMPT),
	[RECIPIENT_COMPLAINED] = KIND(RECIPIENT_BULK), [RECIPIENT_BLOCKED] = ALL_BUT_EXEMPT,
	[RECIPIENT_SHARE] = RISKY, [RECIPIENT_BUDGET] = RISKY, [RECIPIENT_WARNED] = RISKY,
};
/* clang-format on */

bool recipient_may_probe(const struct recipient_facts *facts)
{
	return facts->mailbox == MAILBOX_UNKNOWN && (facts->kind == RECIPIENT_KNOWN || facts->kind == RECIPIENT_ORDER);
}

/* ---- the weather of a pool of addresses ---------------------------------------------------------------------------
 */

enum sky { SKY_CLEAR, SKY_WARNED, SKY_CLOSED };

static enum sky sky_of(const struct recipient_egress *egress)
{
	switch (egress->weather) {
	case WEATHER_IS_YELLOW:
		return SKY_WARNED;
	case WEATHER_IS_HALF_OPEN:
		return egress->is_probe ? SKY_CLEAR : SKY_CLOSED;
	case WEATHER_IS_RED:
		return SKY_CLOSED;
	default:
		return SKY_CLEAR;
	}
}

/* One that can be chosen counts as the best of them: it is the one that is chosen; else the worst may be met. */
static const struct recipient_egress *egress_of(const struct recipient_facts *facts)
{
	const struct recipient_egress *found = NULL;

	for (unsigned i = 0; i < facts->egress_count; i++) {
		const struct recipient_egress *one = &facts->egress[i];

		if (!found || (facts->is_steered ? sky_of(one) < sky_of(found) : sky_of(one) > sky_of(found)))
			found = one;
	}
	return found;
}

/* ---- deciding -----------------------------------------------------------------------------------------------------
 */

struct objection {
	bool objects;
	struct span about;
	int64_t until_ms;
};

static struct objection weather_objection(enum sky sky, struct span about, const struct recipient_facts *facts)
{
	const struct recipient_egress *egress = egress_of(facts);

	return (struct objection){ egress && sky_of(egress) == sky, about, egress ? egress->until_ms : 0 };
}

static struct objection objection_of(enum recipient_rule rule, const struct recipient_facts *facts)
{
	switch (rule) {
	case RECIPIENT_DEAD:
		return (struct objection){ facts->mailbox == MAILBOX_DEAD, facts->address, RECIPIENT_NEVER };
	case RECIPIENT_WAITING:
		return (struct objection){ facts->mailbox == MAILBOX_WAITING, facts->address, facts->next_ms };
	case RECIPIENT_COMPLAINED:
		return (struct objection){ facts->complained, facts->address, RECIPIENT_NEVER };
	case RECIPIENT_BLOCKED:
		return weather_objection(SKY_CLOSED, facts->domain, facts);
	case RECIPIENT_WARNED:
		return weather_objection(SKY_WARNED, facts->provider, facts);
	case RECIPIENT_SHARE:
		return (struct objection){ facts->share.is_full, facts->provider, facts->share.free_ms };
	case RECIPIENT_BUDGET:
		return (struct objection){ facts->budget.is_full, facts->provider, facts->budget.free_ms };
	default:
		return (struct objection){ false, { "", 0 }, 0 };
	}
}

/* Nothing is taken and then forgotten: what nobody would send again, or not soon enough, is refused at once. */
static enum action action_now(enum action action, int64_t until_ms, const struct recipient_facts *facts,
			      const struct recipient_limits *limits)
{
	const int64_t wait_ms = limits->wait_ms[facts->kind];

	if (action != ACTION_DEFER && action != ACTION_HOLD)
		return action;
	if (until_ms == RECIPIENT_NEVER || wait_ms <= 0 || until_ms - facts->now_ms > wait_ms)
		return ACTION_REJECT;
	if (action == ACTION_HOLD || facts->path == RECIPIENT_HELD)
		return ACTION_HOLD;
	return facts->path == RECIPIENT_SHOWN ? ACTION_REJECT : ACTION_DEFER;
}

struct recipient_finding recipient_decide(enum recipient_rule rule, const struct recipient_facts *facts,
					  const struct recipient_limits *limits)
{
	const struct recipient_finding nothing = { VERDICT_NONE, 0 };
	const enum action action = limits->action[rule];

	if (action == ACTION_OFF || !(concerned[rule] & KIND(facts->kind)))
		return nothing;
	const struct objection found = objection_of(rule, facts);
	if (!found.objects)
		return nothing;
	return (struct recipient_finding){
		.verdict = { .action = action_now(action, found.until_ms, facts, limits),
			     .rule = &recipient_rules[rule],
			     .about = found.about },
		.until_ms = found.until_ms,
	};
}
