/*
 * What one message wants to know of SPF (inquiry.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "milters/spf/inquiry.h"
#include "spf/check.h"

static const char null_sender[] = "postmaster@";

struct inquiry {
	const char *about[SPF_IDENTITIES];
	struct spf_check *checks[SPF_IDENTITIES];
	bool asked[SPF_IDENTITIES];
	size_t relay_count;
	struct spf_check *relays[INQUIRY_RELAYS]; /* NULL: no memory */
	char postmaster[];			  /* the null sender's address */
};

/* Where no evaluation could begin. */
static const struct spf_outcome no_memory = { .result = SPF_RESULT_TEMPERROR, .problem = "no memory" };

static struct spf_check *check_begin(const struct inquiry_terms *terms, const struct session *session,
				     const char *mail_from, bool want_explanation)
{
	struct spf_query query = {
		.client = (const struct sockaddr *)&session->connection.client,
		.helo = session->connection.helo,
		.mail_from = mail_from,
		.receiver = terms->receiver,
		.now_s = terms->now_s,
		.want_explanation = want_explanation,
		.limits = SPF_LIMITS,
	};

	query.limits.voids = terms->voids;
	return spf_check_start(terms->dns, &query, terms->deadline_ms);
}

static void identity_begin(struct inquiry *inquiry, const struct inquiry_terms *terms, const struct session *session,
			   enum spf_identity identity)
{
	/* postmaster@HELO is what an evaluation of HELO is, RFC 7208 4.3 */
	const char *mail_from = identity == SPF_MAIL_FROM ? session->message.mail_from : "";

	inquiry->asked[identity] = true;
	inquiry->checks[identity] = check_begin(terms, session, mail_from, terms->want_explanation);
}

static void relays_begin(struct inquiry *inquiry, const struct inquiry_terms *terms, const struct session *session)
{
	for (const char *const *domain = terms->relays; *domain; domain++) {
		char mail_from[sizeof(null_sender) + DOMAIN_MAX];

		snprintf(mail_from, sizeof(mail_from), "%s%s", null_sender, *domain);
		inquiry->relays[inquiry->relay_count++] = check_begin(terms, session, mail_from, false);
	}
}

struct inquiry *inquiry_begin(const struct inquiry_terms *terms, const struct session *session)
{
	const char *helo = session->connection.helo, *mail_from = session->message.mail_from;
	const bool null = mail_from[0] == '\0';
	const size_t helo_size = strlen(helo) + 1;
	struct inquiry *inquiry = calloc(1, sizeof(*inquiry) + sizeof(null_sender) + helo_size);

	if (!inquiry)
		return NULL;
	memcpy(inquiry->postmaster, null_sender, sizeof(null_sender) - 1);
	memcpy(inquiry->postmaster + sizeof(null_sender) - 1, helo, helo_size);
	inquiry->about[SPF_MAIL_FROM] = null ? inquiry->postmaster : mail_from;
	inquiry->about[SPF_HELO] = helo;
	if (terms->asked[SPF_MAIL_FROM])
		identity_begin(inquiry, terms, session, SPF_MAIL_FROM);
	if (terms->asked[SPF_HELO] && !(null && terms->asked[SPF_MAIL_FROM]))
		identity_begin(inquiry, terms, session, SPF_HELO);
	relays_begin(inquiry, terms, session);
	return inquiry;
}

void inquiry_end(struct inquiry *inquiry)
{
	for (int i = 0; i < SPF_IDENTITIES; i++)
		spf_check_unref(&inquiry->checks[i]);
	for (size_t i = 0; i < inquiry->relay_count; i++)
		spf_check_unref(&inquiry->relays[i]);
	free(inquiry);
}

static const struct spf_outcome *check_outcome(struct spf_check *check)
{
	if (!check)
		return &no_memory;
	while (!spf_check_wait(check, INT64_MAX))
		;
	return spf_check_outcome(check);
}

const struct spf_outcome *inquiry_outcome(struct inquiry *inquiry, enum spf_identity identity)
{
	return inquiry->asked[identity] ? check_outcome(inquiry->checks[identity]) : NULL;
}

enum inquiry_relay inquiry_relay(struct inquiry *inquiry)
{
	enum inquiry_relay answer = RELAY_NO;

	for (size_t i = 0; i < inquiry->relay_count; i++) {
		const enum spf_result result = check_outcome(inquiry->relays[i])->result;

		if (result == SPF_RESULT_PASS)
			return RELAY_YES;
		if (result == SPF_RESULT_TEMPERROR)
			answer = RELAY_UNKNOWN;
	}
	return answer;
}

const char *inquiry_about(const struct inquiry *inquiry, enum spf_identity identity)
{
	return inquiry->about[identity];
}
