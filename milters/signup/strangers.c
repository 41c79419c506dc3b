/*
 * Whom does the account not know (strangers.h).
 */
#include "milters/signup/strangers.h"

#include <stdlib.h>

#include "address/address.h"
#include "contact.h"
#include "directory/directory.h"
#include "hash.h"
#include "milters/signup/localpart.h"
#include "provider/provider.h"

/*
 * Only mail to the providers that section `provider` knows has a counter: an account has room for 40 counters
 * (limit.lua), and an honest forum writes to more domains than that on one day.
 */
static const char *group_of(struct providers *providers, struct store *store, const char *domain)
{
	return provider_of(providers, store, domain);
}

/* ---- recipients -------------------------------------------------------------------------------- */

static void path_set(struct mail_path *path, struct span local, struct span domain)
{
	const size_t len = domain.len < DOMAIN_MAX ? domain.len : DOMAIN_MAX;

	path->local = local;
	if (domain_canonical(domain.at, domain.len, path->domain) == 0)
		return;
	/* an address literal, say */
	for (size_t i = 0; i < len; i++)
		path->domain[i] = ascii_lower(domain.at[i]);
	path->domain[len] = '\0';
}

struct mail_path stranger_path(const struct recipient *recipient)
{
	struct mail_path path = recipient->path;
	const char *text = recipient->rcpt_to, *route = text[0] == '@' ? strchr(text, ':') : NULL, *at;

	if (path.domain[0] != '\0')
		return path;
	text = route ? route + 1 : text;
	at = strrchr(text, '@');
	at = at ? at : strrchr(text, '%');
	if (at)
		path_set(&path, (struct span){ text, (size_t)(at - text) }, span_of(at + 1));
	else if ((at = strchr(text, '!')))
		path_set(&path, span_of(at + 1), (struct span){ text, (size_t)(at - text) });
	return path;
}

/*
 * A name without a domain is the server's own user. What has a percent sign in front of an own domain may go on to
 * another.
 */
static bool is_own(const struct view *view, const struct mail_path *path)
{
	if (path->domain[0] == '\0')
		return true;
	return directory_owns(view->directory, view->session->who.account, path->domain, true) &&
	       !memchr(path->local.at, '%', path->local.len) && !memchr(path->local.at, '!', path->local.len);
}

static void put_contact(struct strangers *strangers, const struct store_secret *secret, struct span kind,
			const struct mail_path *path)
{
	char TEXT_BUFFER buffer[CONTACT_MAX];
	struct contact_request *look;
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	contact_fold(path->local, path->domain, &text);
	strangers->sum += hash_keyed(secret->key, text.at, text.len);
	if (strangers->count > STRANGERS_LOOKED)
		return;
	strangers->look_count = (strangers->count + CONTACTS - 1) / CONTACTS;
	look = &strangers->looks[strangers->look_count - 1];
	look->account = strangers->account;
	look->kind = kind;
	(void)contact_put(look, secret, (struct span){ text.at, text.len });
}

bool strangers_read(struct strangers *strangers, const struct view *view, struct providers *providers,
		    const struct store_secret *secret, struct span kind)
{
	const struct message *message = &view->session->message;
	const size_t most = message->recipient_count;
	const size_t looked = most < STRANGERS_LOOKED ? most : STRANGERS_LOOKED;

	*strangers = (struct strangers){ .account = span_of(view->session->who.account) };
	strangers->at = calloc(most + 1, sizeof(*strangers->at));
	strangers->looks = calloc((looked + CONTACTS - 1) / CONTACTS + 1, sizeof(*strangers->looks));
	if (!strangers->at || !strangers->looks) {
		strangers_free(strangers);
		return false;
	}
	for (const struct recipient *one = message->recipients; one; one = one->next) {
		const struct mail_path path = stranger_path(one);

		if (one->refused || is_own(view, &path))
			continue;
		strangers->at[strangers->count++] =
			(struct stranger){ .recipient = one, .group = group_of(providers, view->store, path.domain) };
		if (secret)
			put_contact(strangers, secret, kind, &path);
	}
	return true;
}

void strangers_free(struct strangers *strangers)
{
	free(strangers->at);
	free(strangers->looks);
	strangers->at = NULL;
	strangers->looks = NULL;
	strangers->count = strangers->look_count = 0;
}

static bool is_new(const struct strangers *strangers, size_t i, struct acquaintances *acquaintances)
{
	const struct contact_request *look = &strangers->looks[i / CONTACTS];

	if (i >= strangers->look_count * CONTACTS || i % CONTACTS >= look->count)
		return true;
	if (!strangers->answered)
		return !acquaintances_have(acquaintances, look->prints[i % CONTACTS]);
	if (!look->is_new[i % CONTACTS])
		acquaintances_add(acquaintances, look->prints[i % CONTACTS]);
	return look->is_new[i % CONTACTS];
}

void strangers_take(struct strangers *strangers, const struct store_answer *const *answers,
		    struct acquaintances *acquaintances)
{
	strangers->answered = strangers->look_count > 0 && answers;
	for (size_t i = 0; i < strangers->look_count && strangers->answered; i++)
		strangers->answered = contact_answer(&strangers->looks[i], answers[i]);
	strangers->usual = strangers->answered ? strangers->looks[0].usual : 0;
	for (size_t i = 0; i < strangers->count; i++) {
		strangers->at[i].is_new = is_new(strangers, i, acquaintances);
		strangers->new_count += strangers->at[i].is_new;
	}
}

/* ---- evidence ---------------------------------------------------------------------------------- */

/* Addresses that providers make up for their customers: nobody should think worse of them. */
static const char *const relays[] = { "privaterelay.appleid.com", "duck.com", "mozmail.com", NULL };

static bool is_relay(const char *domain)
{
	for (const char *const *relay = relays; *relay; relay++)
		if (!strcmp(domain, *relay))
			return true;
	/* buyers' addresses: marketplace.amazon.de and those of other countries */
	return !strncmp(domain, "marketplace.amazon.", strlen("marketplace.amazon."));
}

bool strangers_look_random(const struct strangers *strangers)
{
	size_t random = 0;

	for (size_t i = 0; i < strangers->count; i++) {
		const struct mail_path *path = &strangers->at[i].recipient->path;

		if (strangers->at[i].is_new && !is_relay(path->domain) && localpart_is_random(path->local))
			random++;
	}
	return random * 2 > strangers->new_count;
}

void strangers_meet(struct strangers *strangers, struct store *store, struct acquaintances *acquaintances)
{
	for (size_t i = 0; i < strangers->look_count; i++) {
		struct store_request request;

		strangers->looks[i].mode = CONTACT_ADD;
		request = contact_ask(&strangers->looks[i]);
		(void)store_post(store, &request);
		for (size_t j = 0; j < strangers->looks[i].count; j++)
			acquaintances_add(acquaintances, strangers->looks[i].prints[j]);
	}
}
