/*
 * Mail through the policy of `signup` (replay.h).
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

#include "milters/signup/alike.h"
#include "contact.h"
#include "milters/signup/localpart.h"
#include "milters/signup/sketch.h"
#include "model.h"
#include "subject_words.h"

/* clang-format off */
const struct signup_limits replay_defaults = {
	.action = { ACTION_DEFER, ACTION_DEFER, ACTION_DEFER, ACTION_DEFER, ACTION_DEFER },
	.limit = {
		[SIGNUP_VICTIM] = { 3, 4 },
		[SIGNUP_CLIENT] = { 5, 10 },
		[SIGNUP_SCRIPT] = { 20, 40 },
		[SIGNUP_PROVIDER] = { 20, 60 },
		[SIGNUP_ACCOUNT] = { 40, 120 },
	},
	.weight = {
		[SIGNUP_MACHINE] = 100, [SIGNUP_PERSONAL] = 400, [SIGNUP_SUBJECT] = 40, [SIGNUP_TRADE] = 1600,
		[SIGNUP_LIST] = 10000, [SIGNUP_REPLY] = 200, [SIGNUP_ALIKE] = 100, [SIGNUP_RANDOM] = 33,
	},
	.usual_percent = 200,
	.usual_most = 500,
	.sales_percent = 75,
	.calm_ms = 2 * INT64_C(3600000),
};

/* Domains by whom they are run; the milter asks the MX of the domain. */
static const struct {
	const char *domain, *group;
} providers[] = {
	{ "gmail.com", "google" }, { "googlemail.com", "google" },
	{ "hotmail.com", "microsoft" }, { "hotmail.de", "microsoft" }, { "hotmail.fr", "microsoft" }, { "hotmail.es", "microsoft" },
	{ "hotmail.it", "microsoft" }, { "outlook.com", "microsoft" }, { "outlook.de", "microsoft" }, { "outlook.fr", "microsoft" },
	{ "outlook.es", "microsoft" }, { "outlook.it", "microsoft" }, { "live.com", "microsoft" },
	{ "yahoo.com", "yahoo" }, { "yahoo.de", "yahoo" }, { "yahoo.fr", "yahoo" }, { "yahoo.es", "yahoo" }, { "yahoo.it", "yahoo" },
	{ "yahoo.com.vn", "yahoo" }, { "aol.com", "yahoo" },
	{ "gmx.de", "united" }, { "web.de", "united" }, { "t-online.de", "t-online" },
	{ "mail.ru", "mail.ru" }, { "bk.ru", "mail.ru" }, { "list.ru", "mail.ru" }, { "inbox.ru", "mail.ru" },
	{ "yandex.ru", "yandex" }, { "yandex.com.tr", "yandex" }, { "icloud.com", "apple" },
	{ "orange.fr", "orange" }, { "wanadoo.fr", "orange" }, { "free.fr", "free" }, { "wp.pl", "wp" }, { "o2.pl", "wp" },
	{ "libero.it", "libero" },
};
/* clang-format on */

/* Addresses that providers make up for their customers: nobody should think worse of them. */
static const char *const relays[] = { "privaterelay.appleid.com", "marketplace.amazon.de", NULL };

/* What kinds of mail the contacts of the past were; all others are programs'. */
static const struct {
	const char *text;
	enum signup_kind kind;
} past[] = {
	{ "forum_register", SIGNUP_CONFIRM },
	{ "shop_register", SIGNUP_CONFIRM },
	{ "wp_register", SIGNUP_CONFIRM },
	{ "cms_register", SIGNUP_CONFIRM },
	{ "optin", SIGNUP_CONFIRM },
	{ "reset", SIGNUP_CONFIRM },
	{ "list_confirm", SIGNUP_CONFIRM },
	{ "order", SIGNUP_SALE },
	{ "invoice", SIGNUP_SALE },
	{ "shipped", SIGNUP_SALE },
	{ "issue", SIGNUP_BULK },
	{ "list_post", SIGNUP_BULK },
	{ "personal", SIGNUP_PERSON },
	{ "quote", SIGNUP_PERSON },
	{ "club", SIGNUP_PERSON },
};

#define WORDS_MAX 400
#define COUNTERS_MAX (RECIPIENTS_MAX + 8)

struct counter {
	enum signup_rule rule;
	uint64_t key;
	struct span about;
	uint32_t adds;
};

/* One message under way. */
struct mail {
	const struct line *line;
	unsigned count, fresh;
	char buffer[RECIPIENTS_MAX][CONTACT_MAX];
	struct span contact[RECIPIENTS_MAX];
	uint64_t pair[RECIPIENTS_MAX];
	bool is_fresh[RECIPIENTS_MAX];
	uint64_t usual;
	unsigned counters;
	struct counter counter[COUNTERS_MAX];
};

struct replay {
	struct replay_settings settings;
	struct model *model;
	struct alike *alike;
	char *presets[3]; /* what the stems point into */
	struct stems *subject, *trade, *copy;
	struct evidence_words words;
};

/* A preset, {"a", "b"}, as conf.d will hand it over. */
static struct stems *stems_of(const char *preset, char **text)
{
	const char *words[WORDS_MAX];
	size_t count = 0;
	struct stems *stems;

	*text = strdup(preset);
	for (char *at = *text ? strchr(*text, '"') : NULL, *end; at && count < WORDS_MAX; at = strchr(end + 1, '"')) {
		end = strchr(at + 1, '"');
		if (!end)
			break;
		*end = '\0';
		words[count++] = at + 1;
	}
	stems = stems_new(words, count);
	if (!*text || !stems)
		abort();
	return stems;
}

struct replay *replay_new(const struct replay_settings *settings)
{
	struct replay *replay = calloc(1, sizeof(*replay));

	if (!replay)
		abort();
	replay->settings = *settings;
	replay->model = model_new();
	replay->alike = alike_new(256);
	replay->subject = stems_of(subject_words_preset, &replay->presets[0]);
	replay->trade = stems_of(trade_words_preset, &replay->presets[1]);
	replay->copy = stems_of(copy_words_preset, &replay->presets[2]);
	replay->words = (struct evidence_words){ replay->subject, replay->trade, replay->copy };
	return replay;
}

void replay_free(struct replay *replay)
{
	model_free(replay->model);
	alike_free(&replay->alike);
	stems_free(&replay->subject);
	stems_free(&replay->trade);
	stems_free(&replay->copy);
	for (size_t i = 0; i < sizeof(replay->presets) / sizeof(*replay->presets); i++)
		free(replay->presets[i]);
	free(replay);
}

static const char *provider_of(struct span contact)
{
	const char *at = memchr(contact.at, '@', contact.len);

	for (size_t i = 0; at && i < sizeof(providers) / sizeof(*providers); i++)
		if (!strcmp(providers[i].domain, at + 1))
			return providers[i].group;
	return NULL;
}

static void read_contacts(const struct replay *replay, const struct line *line, struct mail *mail)
{
	mail->line = line;
	mail->count = line->recipient_count;
	mail->fresh = mail->counters = 0;
	for (unsigned i = 0; i < mail->count; i++) {
		struct span whole = line->recipients[i];
		const char *at = memchr(whole.at, '@', whole.len);
		struct text text;

		text_init(&text, mail->buffer[i], sizeof(mail->buffer[i]));
		contact_fold((struct span){ whole.at, (size_t)(at - whole.at) }, at + 1, &text);
		mail->contact[i] = (struct span){ text.at, text.len };
		mail->pair[i] = model_key("pair", line->account, mail->contact[i]);
		mail->is_fresh[i] = (!line->domain || strcmp(at + 1, line->domain) != 0) &&
				    !model_knows(replay->model, mail->pair[i], line->time);
		mail->fresh += mail->is_fresh[i];
	}
}

static void meet(struct replay *replay, const struct mail *mail)
{
	for (unsigned i = 0; i < mail->count; i++)
		model_meet(replay->model, mail->pair[i], mail->line->time);
}

static bool looks_random(const struct mail *mail)
{
	unsigned random = 0;

	for (unsigned i = 0; i < mail->count; i++) {
		struct span local = mail->line->recipients[i];
		const char *at = memchr(local.at, '@', local.len);
		bool is_relay = false;

		if (!mail->is_fresh[i])
			continue;
		local.len = (size_t)(at - local.at);
		for (const char *const *relay = relays; *relay; relay++)
			is_relay |= !strcmp(at + 1, *relay);
		random += !is_relay && localpart_is_random(local);
	}
	return random * 2 > mail->fresh;
}

static unsigned evidence_now(struct replay *replay, const struct mail *mail)
{
	const struct line *line = mail->line;
	struct evidence_facts facts = { .has_login = line->has_login };
	uint64_t account = model_key("alike", line->account, (struct span){ "", 0 });

	for (unsigned i = 0; i < line->header_count; i++)
		facts.headers |= evidence_of_header(line->headers[i].name, line->headers[i].value);
	if (!replay->settings.has_no_words)
		facts.subject = line->subject;
	if (!replay->settings.has_no_local)
		facts.has_random = looks_random(mail);
	/* what a form sends has one recipient, or a copy to the owner */
	if (!replay->settings.has_no_alike && mail->count <= 3)
		facts.alike = alike_add(replay->alike, account, sketch_make(line->subject, line->body), mail->fresh,
					line->time * 1000);
	return evidence_of(&facts, &replay->words);
}

static void count_by(struct mail *mail, enum signup_rule rule, uint64_t key, struct span about, uint32_t adds)
{
	for (unsigned i = 0; i < mail->counters; i++) {
		if (mail->counter[i].rule == rule && mail->counter[i].key == key) {
			mail->counter[i].adds += adds;
			return;
		}
	}
	mail->counter[mail->counters++] = (struct counter){ rule, key, about, adds };
}

/* By kind: see enum signup_kind. */
static uint64_t key_of(const char *what, enum signup_kind kind, const char *account, struct span name)
{
	char words[32];

	snprintf(words, sizeof(words), "%s %s", what, signup_kind_names[kind]);
	return model_key(words, account, name);
}

/*
 * Whoever was met minutes ago is a stranger still: a form that is fed the same victim again and again must not go on
 * because it has met him. So one who has the victim's counter is counted on.
 */
static void find_victim(const struct replay *replay, struct mail *mail, enum signup_kind kind)
{
	struct span local = mail->line->recipients[0];
	const char *at = memchr(local.at, '@', local.len);
	char buffer[CONTACT_MAX];
	uint32_t used[SIGNUP_WINDOWS];
	struct text box;
	uint64_t key;

	if (mail->count != 1)
		return;
	local.len = (size_t)(at - local.at);
	text_init(&box, buffer, sizeof(buffer));
	contact_box(local, at + 1, &box);
	key = model_key("victim", "", (struct span){ box.at, box.len });
	model_used(replay->model, key, mail->line->time, used);
	if (mail->fresh > 0 || (kind == SIGNUP_CONFIRM && used[SIGNUP_DAY] > 0))
		count_by(mail, SIGNUP_VICTIM, key, mail->contact[0], 1);
}

static void find_counters(const struct replay *replay, struct mail *mail, unsigned evidence)
{
	const struct line *line = mail->line;
	enum signup_kind kind = signup_kind_of(evidence);
	bool is_form = kind == SIGNUP_CONFIRM || kind == SIGNUP_PROGRAM;

	if (is_form)
		find_victim(replay, mail, kind);
	if (mail->fresh == 0)
		return;
	if (is_form && line->client[0] != '\0') {
		struct span net = { line->client, (size_t)(strrchr(line->client, '.') - line->client) };

		count_by(mail, SIGNUP_CLIENT, model_key("client", "", net), net, mail->fresh);
	}
	/* a program that logs in is known by its login */
	if (kind != SIGNUP_PERSON) {
		struct span script = span_of(line->script[0] != '\0' ? line->script : line->domain);

		count_by(mail, SIGNUP_SCRIPT, key_of("script", kind, line->account, script), script, mail->fresh);
	}
	for (unsigned i = 0; i < mail->count; i++) {
		const char *provider = provider_of(mail->contact[i]);

		if (mail->is_fresh[i] && provider)
			count_by(mail, SIGNUP_PROVIDER, key_of("provider", kind, line->account, span_of(provider)),
				 span_of(provider), 1);
	}
	count_by(mail, SIGNUP_ACCOUNT, key_of("account", kind, line->account, span_of("")), span_of(line->account),
		 mail->fresh);
}

static struct outcome judge(struct replay *replay, struct mail *mail)
{
	int64_t time = mail->line->time;
	struct outcome outcome = { .fresh = mail->fresh, .evidence = evidence_now(replay, mail) };
	struct signup_facts facts = { .evidence = outcome.evidence, .now_ms = time * 1000 };

	facts.learning = time < replay->settings.learning_until;
	mail->usual = key_of("usual", signup_kind_of(outcome.evidence), mail->line->account, span_of(""));
	facts.usual = model_usual(replay->model, mail->usual, time);
	model_used(replay->model, key_of("account", SIGNUP_SALE, mail->line->account, span_of("")), time, facts.sales);
	find_counters(replay, mail, outcome.evidence);
	for (unsigned i = 0; i < mail->counters; i++) {
		const struct counter *counter = &mail->counter[i];
		struct signup_tally tally = { .about = counter->about, .adds = counter->adds };
		struct signup_finding found;

		model_used(replay->model, counter->key, time, tally.used);
		tally.refused_ms = model_refused(replay->model, counter->key) * 1000;
		found = signup_decide(counter->rule, &tally, &facts, &replay->settings.limits);
		if (found.verdict.action > outcome.finding.verdict.action)
			outcome.finding = found;
		if (found.verdict.action > ACTION_OBSERVE)
			model_refuse(replay->model, counter->key, time);
	}
	return outcome;
}

/* A contact of the past, as the milter would have learned it. */
static void find_usual_of_past(struct mail *mail)
{
	enum signup_kind kind = SIGNUP_PROGRAM;

	for (size_t i = 0; i < sizeof(past) / sizeof(*past); i++)
		if (!strcmp(past[i].text, mail->line->text))
			kind = past[i].kind;
	mail->usual = key_of("usual", kind, mail->line->account, span_of(""));
}

struct outcome replay_line(struct replay *replay, const struct line *line)
{
	struct outcome outcome = { .fresh = 0 };
	static struct mail mail;

	if (replay->settings.is_cold && line->event == EVENT_CONTACT)
		return outcome;
	read_contacts(replay, line, &mail);
	if (line->event == EVENT_MAIL)
		outcome = judge(replay, &mail);
	else
		find_usual_of_past(&mail);
	if (outcome.finding.verdict.action > ACTION_OBSERVE)
		return outcome;
	meet(replay, &mail);
	if (line->event != EVENT_IN && mail.fresh > 0)
		model_usual_add(replay->model, mail.usual, line->time, mail.fresh);
	for (unsigned i = 0; line->event == EVENT_MAIL && i < mail.counters; i++)
		model_add(replay->model, mail.counter[i].key, line->time, mail.counter[i].adds);
	return outcome;
}
