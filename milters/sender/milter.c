/*
 * `sender`: a customer sends only as a domain that is his. Finds the facts in session and
 * directory; what follows from them is said by the policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "address/pattern.h"
#include "directory/directory.h"
#include "exempt.h"
#include "milter.h"
#include "milters/sender/policy.h"
#include "setup.h"

struct sender_options {
	struct milter_options common;
	int action[SENDER_RULES];
	struct string_list default_domains;
	struct string_list platform_domains;
	bool own_subdomains;
	struct string_list exempt_accounts;
	struct string_list exempt_uids;
	struct string_list exempt_networks;
};

struct patterns {
	struct pattern **at;
	size_t count;
};

struct sender {
	const struct sender_options *options;
	struct sender_limits limits;
	struct patterns default_domains, platform_domains;
	struct exemptions *accounts, *uids, *networks;
	domain_name host;	      /* this server's own name, "" when it has none */
	char forged[DOMAIN_MAX + 16]; /* an address under a default domain, "" when none can be told */
};

static const char *check_pattern(const char *value)
{
	const char *why = NULL;
	struct pattern *pattern = pattern_new(value, &why);

	pattern_free(&pattern);
	return why;
}

/* clang-format off */
#define OPTION_AT(member) offsetof(struct sender_options, member)
#define RULE_ROW(rule, name, preset, text) \
	{ OPTION_CHOICE, name, preset, 0, 0, action_names, NULL, OPTION_AT(action) + (rule) * sizeof(int), text }

static const struct option rows[] = {
	MILTER_ROWS(struct sender_options, "\"outbound\""),
	RULE_ROW(SENDER_DEFAULT_DOMAIN, "default_domain", "reject",
	  "Mail whose MAIL FROM, From or Sender lies under a default domain of the panel."),
	RULE_ROW(SENDER_DEFAULT_DOMAIN_RECIPIENT, "default_domain_recipient", "observe",
	  "Mail to an address under a default domain, so that mailboxes and forwarders there die out."),
	RULE_ROW(SENDER_ENVELOPE_OWNER, "envelope_owner", "reject",
	  "MAIL FROM under a domain that the account does not own; the null sender passes."),
	RULE_ROW(SENDER_AUTHOR_OWNER, "author_owner", "reject",
	  "Any mailbox of From or Sender under a domain that the account does not own; a missing, repeated, ambiguous or unreadable From."),
	RULE_ROW(SENDER_DISPLAY_SPOOF, "display_spoof", "observe",
	  "A name or comment in From or Sender that shows a foreign address."),
	RULE_ROW(SENDER_HIDDEN_ACCOUNT, "hidden_account", "defer",
	  "Mail of this server whose account the sender hides: the client closes its connection before it can be told, or feeds sendmail's queue through a socket."),
	RULE_ROW(SENDER_UNKNOWN_ACCOUNT, "unknown_account", "observe",
	  "Mail submitted on this server or with SMTP AUTH whose account cannot be told."),
	{ OPTION_LIST, "default_domains", "{}", 0, 0, NULL, check_pattern, OPTION_AT(default_domains),
	  "The panel's default domains and addresses, such as \"cp1server.example.com\", \"*.cp1server.example.com\", \"cp[0-9]+@*\"." },
	{ OPTION_LIST, "platform_domains", "{}", 0, 0, NULL, check_pattern, OPTION_AT(platform_domains),
	  "Domains of the platform that every account may send from, such as the host of its mailing lists." },
	{ OPTION_BOOL, "own_subdomains", "true", 0, 0, NULL, NULL, OPTION_AT(own_subdomains),
	  "Whether the owner of a domain owns its subdomains that no line of the directory names." },
	{ OPTION_LIST, "exempt_accounts", "{}", 0, 0, NULL, exempt_check_account, OPTION_AT(exempt_accounts),
	  "Accounts that no rule concerns: \"cp1005 until 2027-01-31: moves its shop\"." },
	{ OPTION_LIST, "exempt_uids", "{\"0-999: the system's own mail\"}", 0, 0, NULL, exempt_check_uid, OPTION_AT(exempt_uids),
	  "Users whose local mail no rule concerns, by name, number or range; a web server's user is not exempt by this." },
	{ OPTION_LIST, "exempt_networks", "{}", 0, 0, NULL, exempt_check_network, OPTION_AT(exempt_networks),
	  "Clients whose mail no rule concerns: \"192.0.2.0/24: our ticket system\"." },
	{ .name = NULL }
};
/* clang-format on */

static const struct section sender_section = {
	.name = "sender",
	.summary = "A customer sends only as a domain that is his.",
	.options = rows,
	.size = sizeof(struct sender_options),
};

static void patterns_free(struct patterns *patterns)
{
	for (size_t i = 0; i < patterns->count; i++)
		pattern_free(&patterns->at[i]);
	free(patterns->at);
	patterns->at = NULL;
	patterns->count = 0;
}

static int patterns_read(struct patterns *patterns, const struct string_list *list)
{
	const char *why;

	/* pointers are meant: NOLINTNEXTLINE(bugprone-sizeof-expression) */
	patterns->at = calloc(list->count + 1, sizeof(struct pattern *));
	if (!patterns->at)
		return -1;
	for (size_t i = 0; i < list->count; i++) {
		struct pattern *pattern = pattern_new(list->at[i], &why);

		if (!pattern)
			return -1;
		patterns->at[patterns->count++] = pattern;
	}
	return 0;
}

static bool patterns_match(const struct patterns *patterns, struct span local, const char *domain)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (pattern_match(patterns->at[i], local.at, local.len, domain))
			return true;
	return false;
}

static void sender_stop(void *state)
{
	struct sender *sender = state;

	patterns_free(&sender->default_domains);
	patterns_free(&sender->platform_domains);
	exemptions_free(&sender->accounts);
	exemptions_free(&sender->uids);
	exemptions_free(&sender->networks);
	free(sender);
}

/* The canary needs one address that a default domain covers: the first that is a plain name. */
static void forged_address(struct sender *sender)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";

	for (size_t i = 0; i < sender->default_domains.count; i++) {
		const char *name = pattern_text(sender->default_domains.at[i]);
		struct text text;

		if (!strncmp(name, "*.", 2))
			name += 2;
		if (name[0] == '\0' || name[strspn(name, plain)] != '\0')
			continue;
		text_init(&text, sender->forged, sizeof(sender->forged));
		text_str(&text, "forged@");
		text_str(&text, name);
		return;
	}
}

static void host_read(domain_name host)
{
	char name[DOMAIN_MAX + 1] = "";

	host[0] = '\0';
	if (gethostname(name, sizeof(name) - 1) == 0)
		(void)domain_canonical(name, strlen(name), host);
}

static void *sender_start(const struct setup *setup, const void *options, char *error, size_t size)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	(void)setup;
	if (!sender) {
		snprintf(error, size, "sender: out of memory");
		return NULL;
	}
	sender->options = options;
	for (size_t i = 0; i < SENDER_RULES; i++)
		sender->limits.action[i] = (enum action)sender->options->action[i];
	sender->accounts = exemptions_new(EXEMPT_ACCOUNT, &sender->options->exempt_accounts);
	sender->uids = exemptions_new(EXEMPT_UID, &sender->options->exempt_uids);
	sender->networks = exemptions_new(EXEMPT_NETWORK, &sender->options->exempt_networks);
	if (patterns_read(&sender->default_domains, &sender->options->default_domains) < 0 ||
	    patterns_read(&sender->platform_domains, &sender->options->platform_domains) < 0 || !sender->accounts ||
	    !sender->uids || !sender->networks) {
		snprintf(error, size, "sender: out of memory");
		sender_stop(sender);
		return NULL;
	}
	forged_address(sender);
	host_read(sender->host);
	return sender;
}

/* ---- facts ------------------------------------------------------------------------------------- */

static bool is_exempt(const struct sender *sender, const struct view *view)
{
	return exempt_identity(sender->accounts, sender->uids, &view->session->who, view->now_ms) ||
	       exempt_network(sender->networks, (const struct sockaddr *)&view->session->connection.client,
			      view->now_ms);
}

/* Incoming mail, and what the MTA itself writes, is not the customer's sending. */
static bool is_judged(const struct view *view)
{
	return view->session->who.path != PATH_REMOTE && view->session->who.path != PATH_INTERNAL;
}

static bool may_use(const struct sender *sender, const struct view *view, const char *domain)
{
	static const struct span nobody = { "", 0 };

	return directory_owns(view->directory, view->session->who.account, domain, sender->options->own_subdomains) ||
	       patterns_match(&sender->platform_domains, nobody, domain);
}

/* Whether ownership can be judged at all: an empty directory must not refuse everybody's mail. */
static bool ownership_is_known(const struct view *view)
{
	return view->session->who.account[0] != '\0' && directory_size(view->directory) > 0;
}

static void find(struct sender_facts *facts, enum sender_rule rule, struct span about)
{
	if (!facts->found[rule].at)
		facts->found[rule] = about;
}

/* A bare name is completed by the MTA with the server's own, default domain. */
static bool is_default(const struct sender *sender, const struct mail_path *path)
{
	if (path->domain[0] == '\0')
		return sender->default_domains.count > 0;
	return patterns_match(&sender->default_domains, path->local, path->domain);
}

static void find_in_envelope(const struct sender *sender, const struct view *view, struct sender_facts *facts)
{
	const struct message *message = &view->session->message;
	const struct mail_path *path = &message->sender;
	struct span about = span_of(message_sender_text(message));

	if (view->session->who.account[0] == '\0')
		find(facts, view->session->who.hidden ? SENDER_HIDDEN_ACCOUNT : SENDER_UNKNOWN_ACCOUNT, about);
	if (path->null && !message->sender_broken)
		return;
	if (!message->sender_broken && is_default(sender, path))
		find(facts, SENDER_DEFAULT_DOMAIN, about);
	if (ownership_is_known(view) && (message->sender_broken || !may_use(sender, view, path->domain)))
		find(facts, SENDER_ENVELOPE_OWNER, about);
}

struct reading {
	const struct sender *sender;
	const struct view *view;
	struct sender_facts *facts;
	struct span field; /* the field's value: what a verdict may point into */
	bool is_sender_field;
};

static bool read_shown(void *arg, const char *domain)
{
	struct reading *reading = arg;

	if (may_use(reading->sender, reading->view, domain))
		return true;
	find(reading->facts, SENDER_DISPLAY_SPOOF, reading->field);
	return false;
}

/* Does the MTA complete its own addresses so: with a default domain, the host's name, or the domain that this is in? */
static bool is_of_this_server(const struct sender *sender, const struct author *author)
{
	return patterns_match(&sender->default_domains, author->local, author->domain) ||
	       (strchr(author->domain, '.') && domain_is_below(sender->host, author->domain));
}

/*
 * Exim adds "Sender: login@host" when a local user's From is another address (local_from_check).
 * That line is the MTA's, and names the account truly.
 */
static bool is_written_by_exim(const struct reading *reading, const struct author *author)
{
	const struct session *session = reading->view->session;

	return reading->is_sender_field && session->connection.mta == MTA_EXIM && session->who.path == PATH_COMMAND &&
	       span_is(author->local, session->who.account) && is_of_this_server(reading->sender, author);
}

/*
 * sendmail's MSP writes its bounces as the customer: null sender, From MAILER-DAEMON@host, to the customer
 * himself. A forged one reaches nobody else, and shows nobody's address, whereto ever he forwards his mail.
 */
static bool is_bounce_to_itself(const struct reading *reading, const struct author *author)
{
	const struct session *session = reading->view->session;
	const struct recipient *recipient = session->message.recipients;

	if (!session->message.sender.null || session->message.sender_broken || !recipient ||
	    (session->who.path != PATH_LOOPBACK && session->who.path != PATH_COMMAND) ||
	    !span_is(author->local, "mailer-daemon") || !is_of_this_server(reading->sender, author))
		return false;
	for (; recipient; recipient = recipient->next)
		if (!may_use(reading->sender, reading->view, recipient->path.domain) &&
		    !patterns_match(&reading->sender->default_domains, recipient->path.local, recipient->path.domain))
			return false;
	return true;
}

static bool read_author(void *arg, const struct author *author)
{
	struct reading *reading = arg;
	const struct sender *sender = reading->sender;

	if (is_written_by_exim(reading, author) || is_bounce_to_itself(reading, author))
		return true;
	if (patterns_match(&sender->default_domains, author->local, author->domain))
		find(reading->facts, SENDER_DEFAULT_DOMAIN, reading->field);
	if (ownership_is_known(reading->view)) {
		if (!may_use(sender, reading->view, author->domain))
			find(reading->facts, SENDER_AUTHOR_OWNER, reading->field);
		if (author->display.len > 0)
			display_addresses(author->display, read_shown, reading);
	}
	return true;
}

static void find_in_field(const struct sender *sender, const struct view *view, const char *name, bool required,
			  struct sender_facts *facts)
{
	const struct message *message = &view->session->message;
	const struct header *header = message_find(message, name, NULL);
	struct reading reading = { sender, view, facts, { "", 0 }, !required };
	enum author_fault fault;

	if (!header) {
		if (required && ownership_is_known(view))
			find(facts, SENDER_AUTHOR_OWNER, span_of("missing From"));
		return;
	}
	reading.field = (struct span){ header->value, header->len };
	if (message_find(message, name, header) && ownership_is_known(view))
		find(facts, SENDER_AUTHOR_OWNER, span_of(required ? "more than one From" : "more than one Sender"));
	/* every copy is read: readers differ in which they show */
	for (; header; header = message_find(message, name, header)) {
		reading.field = (struct span){ header->value, header->len };
		fault = author_parse(header->value, header->len, read_author, &reading);
		if (fault != AUTHOR_OK && ownership_is_known(view))
			find(facts, SENDER_AUTHOR_OWNER, span_of(author_fault_name(fault)));
	}
}

/* A From that the MTA may show to the reader but not to us. */
static void find_what_is_not_seen(const struct view *view, struct sender_facts *facts)
{
	const struct message *message = &view->session->message;

	if (!ownership_is_known(view))
		return;
	if (message->author_hidden)
		find(facts, SENDER_AUTHOR_OWNER, span_of("a From or Sender hidden in another field"));
	if (message->headers_cut)
		find(facts, SENDER_AUTHOR_OWNER, span_of("more header fields than can be looked at"));
}

static void decide(const struct sender *sender, const struct sender_facts *facts, struct decision *decision)
{
	for (int rule = 0; rule < SENDER_RULES; rule++)
		if (facts->found[rule].at)
			decision_add(decision, sender_decide((enum sender_rule)rule, facts, &sender->limits));
}

static void sender_check(const void *state, const struct view *view, struct decision *decision)
{
	const struct sender *sender = state;
	struct sender_facts facts = { .found = { { NULL, 0 } } };

	if (view->session->who.path == PATH_INTERNAL || is_exempt(sender, view))
		return;
	switch (view->stage) {
	case STAGE_MAIL:
		if (is_judged(view))
			find_in_envelope(sender, view, &facts);
		break;
	case STAGE_RCPT:
		if (view->recipient->path.domain[0] != '\0' &&
		    patterns_match(&sender->default_domains, view->recipient->path.local, view->recipient->path.domain))
			find(&facts, SENDER_DEFAULT_DOMAIN_RECIPIENT, span_of(view->recipient->rcpt_to));
		break;
	case STAGE_END:
		if (is_judged(view)) {
			find_what_is_not_seen(view, &facts);
			find_in_field(sender, view, "From", true, &facts);
			find_in_field(sender, view, "Sender", false, &facts);
		}
		break;
	default:
		break;
	}
	decide(sender, &facts, decision);
}

static bool sender_forge(const void *state, const struct directory *directory, struct forgery *forgery)
{
	const struct sender *sender = state;
	const enum action *action = sender->limits.action;
	bool by_owner = directory_size(directory) > 0 &&
			(action[SENDER_ENVELOPE_OWNER] != ACTION_OFF || action[SENDER_AUTHOR_OWNER] != ACTION_OFF);
	bool by_name = sender->forged[0] != '\0' && action[SENDER_DEFAULT_DOMAIN] != ACTION_OFF;

	/* owned by nobody: RFC 2606 keeps .invalid free */
	forgery->mail_from = forgery->header_from = by_owner ? "forged@canary.invalid" : sender->forged;
	forgery->rcpt_to = "nobody@canary.invalid";
	return by_owner || by_name;
}

static const char *const sender_headers[] = { "From", "Sender", NULL };

const struct milter milter_sender = {
	.name = "sender",
	.summary = "a customer sends only as a domain that is his",
	.section = &sender_section,
	.rules = sender_rules,
	.needs = NEED_IDENTITY | NEED_RCPT | NEED_HEADERS,
	.headers = sender_headers,
	.start = sender_start,
	.stop = sender_stop,
	.check = sender_check,
	.forge = sender_forge,
};
