/*
 * Contacts learnt from incoming mail (newcomers.h).
 */
#include "milters/signup/newcomers.h"

#include <pthread.h>
#include <stdlib.h>

#include "contact.h"
#include "directory/directory.h"
#include "hash.h"
#include "store/contact.h"

/*
 * A sender is forged easily: whoever writes to a forum in its victims' names could have it write to them as to old
 * friends. So an account learns at most so many in an hour and in a day: more than a busy office gets of new ones, and
 * no flood.
 */
#define AN_HOUR 60
#define A_DAY 200
#define HOUR_MS 3600000
#define DAY_HOURS 24
#define PLACES 2048 /* accounts; those that share one share what they may */
#define ACCOUNTS 8  /* of one message */

struct newcomers {
	pthread_mutex_t lock;
	struct place {
		uint32_t hour, of_hour, of_day;
	} at[PLACES];
};

struct newcomers *newcomers_new(void)
{
	struct newcomers *newcomers = calloc(1, sizeof(*newcomers));

	if (newcomers)
		pthread_mutex_init(&newcomers->lock, NULL);
	return newcomers;
}

void newcomers_free(struct newcomers **newcomers)
{
	if (*newcomers)
		pthread_mutex_destroy(&(*newcomers)->lock);
	free(*newcomers);
	*newcomers = NULL;
}

bool newcomers_may(struct newcomers *newcomers, const char *account, int64_t now_ms)
{
	struct place *place = &newcomers->at[hash_lower(account, strlen(account)) % PLACES];
	const uint32_t hour = (uint32_t)(now_ms / HOUR_MS);
	bool may;

	pthread_mutex_lock(&newcomers->lock);
	if (place->hour / DAY_HOURS != hour / DAY_HOURS)
		place->of_day = 0;
	if (place->hour != hour)
		place->of_hour = 0;
	place->hour = hour;
	may = place->of_hour < AN_HOUR && place->of_day < A_DAY;
	place->of_hour += may;
	place->of_day += may;
	pthread_mutex_unlock(&newcomers->lock);
	return may;
}

static const char *account_of(const struct directory *directory, const struct recipient *recipient)
{
	const char *account = directory_login(directory, recipient->rcpt_to);
	const char *owner;

	if (account)
		return account;
	return recipient->path.domain[0] != '\0' &&
			       directory_owners(directory, recipient->path.domain, false, &owner, 1) > 0
		       ? owner
		       : NULL;
}

static void learn(const struct view *view, const struct store_secret *secret, const char *account)
{
	const struct mail_path *sender = &view->session->message.sender;
	struct contact_request contact = { .mode = CONTACT_ADD, .account = span_of(account) };
	char TEXT_BUFFER buffer[CONTACT_MAX];
	struct store_request request;
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	contact_fold(sender->local, sender->domain, &text);
	(void)contact_put(&contact, secret, (struct span){ text.at, text.len });
	request = contact_ask(&contact);
	(void)store_post(view->store, &request);
}

static bool is_listed(const char *const *list, size_t count, const char *account)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(list[i], account))
			return true;
	return false;
}

/* A null sender, or a customer's own domain, tells nobody new. */
void newcomers_learn(struct newcomers *newcomers, const struct view *view)
{
	const struct message *message = &view->session->message;
	const char *accounts[ACCOUNTS];
	struct store_secret secret;
	size_t count = 0;

	if (message->sender.null || message->sender_broken || message->sender.domain[0] == '\0' ||
	    directory_size(view->directory) == 0)
		return;
	for (const struct recipient *one = message->recipients; one && count < ACCOUNTS; one = one->next) {
		const char *account = one->refused ? NULL : account_of(view->directory, one);

		if (account && !is_listed(accounts, count, account))
			accounts[count++] = account;
	}
	if (count == 0 || !store_secret(view->store, &secret))
		return;
	for (size_t i = 0; i < count; i++)
		if (!directory_owns(view->directory, accounts[i], message->sender.domain, true) &&
		    newcomers_may(newcomers, accounts[i], view->now_ms))
			learn(view, &secret, accounts[i]);
}
