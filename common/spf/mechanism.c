/*
 * The mechanisms that look something up (mechanism.h).
 */
#include "spf/mechanism.h"

#include <string.h>

/* ---- names ------------------------------------------------------------------------------------- */

/* RFC 8616 4: no name of the DNS can be made of such a local part, so the term matches nothing. */
static bool cannot_match(const struct spf_evaluation *evaluation, struct span target)
{
	return !evaluation->local_is_ascii && spf_macro_uses(target, "sl");
}

enum spf_match spf_target_name(struct spf_evaluation *evaluation, const struct spf_step *step, spf_name name)
{
	struct spf_macros macros = evaluation->macros;
	spf_name validated;

	macros.domain = evaluation->policy[step->policy].domain;
	if (!step->target.at) {
		spf_name_finish(macros.domain, strlen(macros.domain), name);
		return SPF_MATCH_YES;
	}
	if (!evaluation->explaining && spf_macro_uses(step->target, "ls"))
		evaluation->outcome->by_mailbox = true;
	if (cannot_match(evaluation, step->target))
		return SPF_MATCH_NO;
	if (spf_macro_uses(step->target, "p")) {
		macros.validated = spf_validated_name(evaluation, macros.domain, validated);
		if (!macros.validated)
			return SPF_MATCH_STOPPED;
	}
	spf_macro_expand_name(&macros, step->target, name);
	return SPF_MATCH_YES;
}

/* ---- addresses --------------------------------------------------------------------------------- */

static bool has_address(const struct spf_evaluation *evaluation, const struct dns_answer *answer, unsigned bits)
{
	const struct spf_client *client = &evaluation->client;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (spf_client_in(client, client->ipv6 ? (const void *)&record->aaaa : (const void *)&record->a, bits))
			return true;
	}
	return false;
}

static unsigned bits_of(const struct spf_evaluation *evaluation, const struct spf_step *step)
{
	return evaluation->client.ipv6 ? step->bits6 : step->bits4;
}

/* The answer to what a term asks first, or NULL: stopped. */
static const struct dns_answer *ask_first(struct spf_evaluation *evaluation, enum dns_type type, const char *name)
{
	const struct dns_answer *answer = spf_ask(evaluation, type, name);

	if (!answer)
		return NULL;
	if (answer->status == DNS_FAILED)
		return spf_stop(evaluation, SPF_RESULT_TEMPERROR, "cannot be looked up at the moment", name);
	if (spf_is_void(answer) && spf_name_exists(name) && !spf_count_void(evaluation, name))
		return NULL;
	return answer;
}

/* 5.3 */
static enum spf_match match_a(struct spf_evaluation *evaluation, const struct spf_step *step, const char *name)
{
	const struct dns_answer *answer = ask_first(evaluation, spf_address_type(evaluation), name);

	if (!answer)
		return SPF_MATCH_STOPPED;
	return has_address(evaluation, answer, bits_of(evaluation, step)) ? SPF_MATCH_YES : SPF_MATCH_NO;
}

/* 5.7: an A record, whatever the client's family is */
static enum spf_match match_exists(struct spf_evaluation *evaluation, const struct spf_step *step, const char *name)
{
	const struct dns_answer *answer = ask_first(evaluation, DNS_A, name);

	(void)step;
	if (!answer)
		return SPF_MATCH_STOPPED;
	return answer->count ? SPF_MATCH_YES : SPF_MATCH_NO;
}

/* ---- mx ---------------------------------------------------------------------------------------- */

/*
 * The hosts by preference, at most `max` of them; how many there are. The DNS gives them in any order; sorted, the
 * result does not depend on it.
 */
static size_t sort_hosts(const struct dns_answer *answer, size_t max, const struct dns_record **hosts)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];
		size_t at = count < max ? count++ : max;

		for (; at > 0 && hosts[at - 1]->mx.preference > record->mx.preference; at--)
			if (at < max)
				hosts[at] = hosts[at - 1];
		if (at < max)
			hosts[at] = record;
	}
	return answer->count;
}

/*
 * A void look-up is a name that does not exist. A host of the other family only is none: RFC 7208 4.6.4 counts terms,
 * and a client of IPv6 would make a permerror of every domain with three hosts of IPv4.
 */
static enum spf_match match_host(struct spf_evaluation *evaluation, const struct spf_step *step, const char *host)
{
	const struct dns_answer *answer = spf_ask(evaluation, spf_address_type(evaluation), host);

	if (!answer)
		return SPF_MATCH_STOPPED;
	if (answer->status == DNS_FAILED) {
		spf_stop(evaluation, SPF_RESULT_TEMPERROR, "cannot be looked up at the moment", host);
		return SPF_MATCH_STOPPED;
	}
	if (answer->status == DNS_NO_NAME && spf_name_exists(host) && !spf_count_void(evaluation, host))
		return SPF_MATCH_STOPPED;
	return has_address(evaluation, answer, bits_of(evaluation, step)) ? SPF_MATCH_YES : SPF_MATCH_NO;
}

static void host_name(const char *from, spf_name name)
{
	size_t len = strlen(from);

	/* too long to exist: cutting it, as for macros, would make another name of it */
	if (len > DOMAIN_MAX + 1)
		len = 0;
	spf_name_finish(from, len, name);
}

/* 5.4; more than ten hosts are an error, 4.6.4, but not before they are needed */
static enum spf_match match_mx(struct spf_evaluation *evaluation, const struct spf_step *step, const char *name)
{
	const struct dns_record *hosts[SPF_NAMES_MAX] = { NULL };
	const struct dns_answer *answer = ask_first(evaluation, DNS_MX, name);
	enum spf_match match = SPF_MATCH_NO;
	size_t count, max = evaluation->limits.mx;
	spf_name host;

	if (!answer)
		return SPF_MATCH_STOPPED;
	count = sort_hosts(answer, max, hosts);
	for (size_t i = 0; i < count && i < max && match == SPF_MATCH_NO; i++) {
		host_name(hosts[i]->mx.name, host);
		match = match_host(evaluation, step, host);
		if (match == SPF_MATCH_STOPPED && evaluation->outcome->result == SPF_RESULT_PENDING) {
			for (size_t next = i + 1; next < count && next < max; next++) {
				host_name(hosts[next]->mx.name, host);
				spf_ask_ahead(evaluation, spf_address_type(evaluation), host);
			}
		}
	}
	if (match == SPF_MATCH_NO && count > max) {
		spf_stop(evaluation, SPF_RESULT_PERMERROR, "has too many mail exchangers, RFC 7208 4.6.4", name);
		return SPF_MATCH_STOPPED;
	}
	return match;
}

/* ---- ptr, %{p} --------------------------------------------------------------------------------- */

/* Which of the client's names may do, in this order. */
enum closeness { SAME, BELOW, OTHER, CLOSENESS };

static enum closeness closeness_of(const char *name, const char *domain)
{
	if (!spf_name_is_below(name, domain))
		return OTHER;
	return strlen(name) == strlen(domain) ? SAME : BELOW;
}

/*
 * 5.5: the first of the client's names, of those that are close enough, that leads back to it. SPF_MATCH_NO: none. All
 * that is not yet known is wanted at once. Errors make a name none.
 */
static enum spf_match find_validated(struct spf_evaluation *evaluation, const struct dns_answer *names,
				     const char *domain, enum closeness farthest, spf_name found)
{
	size_t count = names->count < evaluation->limits.ptr ? names->count : evaluation->limits.ptr;
	bool pending = false;

	for (unsigned closeness = SAME; closeness <= farthest; closeness++) {
		for (size_t i = 0; i < count; i++) {
			const struct dns_answer *answer;

			host_name(names->records[i].ptr, found);
			if (closeness_of(found, domain) != closeness)
				continue;
			answer = spf_ask(evaluation, spf_address_type(evaluation), found);
			if (!answer && evaluation->outcome->result != SPF_RESULT_PENDING)
				return SPF_MATCH_STOPPED;
			pending = pending || !answer;
			if (!pending && has_address(evaluation, answer, evaluation->client.ipv6 ? 128 : 32))
				return SPF_MATCH_YES;
		}
	}
	return pending ? SPF_MATCH_STOPPED : SPF_MATCH_NO;
}

/* The look-ups behind a name that the client's owner chose do not count as void: he could make any record fail. */
static enum spf_match match_ptr(struct spf_evaluation *evaluation, const struct spf_step *step, const char *name)
{
	char reverse[SPF_REVERSE_NAME];
	const struct dns_answer *names;
	spf_name found;

	(void)step;
	spf_client_reverse_name(&evaluation->client, reverse);
	names = spf_ask(evaluation, DNS_PTR, reverse);
	if (!names || (spf_is_void(names) && !spf_count_void(evaluation, reverse)))
		return SPF_MATCH_STOPPED;
	return find_validated(evaluation, names, name, BELOW, found);
}

/* 7.3; its PTR look-up counts as one of the ten terms, 4.6.4. */
const char *spf_validated_name(struct spf_evaluation *evaluation, const char *domain, spf_name buffer)
{
	char reverse[SPF_REVERSE_NAME];
	const struct dns_answer *names;

	if (!evaluation->validated_counted && !spf_count_term(evaluation))
		return NULL;
	evaluation->validated_counted = true;
	spf_client_reverse_name(&evaluation->client, reverse);
	names = spf_ask(evaluation, DNS_PTR, reverse);
	if (!names)
		return NULL;
	switch (find_validated(evaluation, names, domain, OTHER, buffer)) {
	case SPF_MATCH_YES:
		return buffer;
	case SPF_MATCH_NO:
		return "unknown";
	default:
		return NULL;
	}
}

/* ---- all of them ------------------------------------------------------------------------------- */

typedef enum spf_match match_fn(struct spf_evaluation *evaluation, const struct spf_step *step, const char *name);

enum spf_match spf_mechanism_match(struct spf_evaluation *evaluation, const struct spf_step *step)
{
	static match_fn *const match[] = {
		[SPF_TERM_A] = match_a,
		[SPF_TERM_MX] = match_mx,
		[SPF_TERM_PTR] = match_ptr,
		[SPF_TERM_EXISTS] = match_exists,
	};
	enum spf_match made;
	spf_name name;

	if (!spf_count_term(evaluation))
		return SPF_MATCH_STOPPED;
	made = spf_target_name(evaluation, step, name);
	return made == SPF_MATCH_YES ? match[step->kind](evaluation, step, name) : made;
}

/* Ahead at most two terms in the record itself, one in what it includes: three in vain. */
void spf_look_ahead(struct spf_evaluation *evaluation, const struct spf_step *step)
{
	const struct spf_policy *policy = &evaluation->policy[step->policy];
	const struct spf_step *end = &evaluation->step[policy->first + policy->count];
	unsigned ahead = policy->nesting < 2 ? 2 - policy->nesting : 0, terms = evaluation->outcome->terms;
	spf_name name;

	for (step++; ahead > 0 && step < end && ++terms <= evaluation->limits.terms; step++, ahead--) {
		if (step->target.at && spf_macro_uses(step->target, "p"))
			return;
		if (spf_target_name(evaluation, step, name) != SPF_MATCH_YES)
			continue;
		if (step->kind == SPF_TERM_PTR)
			spf_client_reverse_name(&evaluation->client, name);
		spf_ask_ahead(evaluation,
			      step->kind == SPF_TERM_A	      ? spf_address_type(evaluation)
			      : step->kind == SPF_TERM_MX     ? DNS_MX
			      : step->kind == SPF_TERM_PTR    ? DNS_PTR
			      : step->kind == SPF_TERM_EXISTS ? DNS_A
							      : DNS_TXT,
			      name);
	}
}
