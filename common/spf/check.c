/*
 * SPF evaluations in the background (check.h). One thread at a time evaluates: the one that starts, then the one that
 * brings the last answer of those that were asked for.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "dns/dns.h"
#include "spf/check.h"
#include "system/clock.h"

/* Each brings at least one answer; an evaluation that obeys its limits needs fewer. */
#define ROUNDS_MAX 64

/* Of all answers of one evaluation: 120 long TXT answers would be 8 MB. */
#define ANSWERS_BYTES ((size_t)256 << 10)

#define LATE "the DNS did not answer in time"

/* A question of this evaluation and its answer, kept here: a TTL of 0, or an eviction, must not make it ask twice. */
struct question {
	struct question *next;
	struct spf_check *check;
	const struct dns_answer *answer; /* NULL: under way */
	enum dns_type type;
	char name[];
};

struct spf_check {
	struct dns *dns;
	int64_t deadline_ms;
	atomic_uint references, unanswered;
	atomic_bool abandoned;

	/* whoever evaluates */
	struct question *questions; /* the newest in front */
	struct question *known;	    /* here begin those that had their answers before the others were asked */
	size_t bytes;
	unsigned rounds;
	bool counted;

	struct dns_event end;
	pthread_mutex_t lock; /* of the two below; the outcome does not change any more once it has ended */
	bool ended;
	struct spf_outcome outcome;

	struct spf_query query;
	struct sockaddr_storage client;
	char strings[];
};

static atomic_uint under_way;
static _Atomic uint64_t refused, late;

/* ---- making and freeing ------------------------------------------------------------------------ */

static void questions_free(struct spf_check *check)
{
	while (check->questions) {
		struct question *question = check->questions;

		check->questions = question->next;
		dns_unref(&question->answer);
		free(question);
	}
	if (check->counted)
		atomic_fetch_sub(&under_way, 1);
	check->counted = false;
}

static void check_release(struct spf_check *check)
{
	if (atomic_fetch_sub(&check->references, 1) != 1)
		return;
	questions_free(check);
	dns_event_free(&check->end);
	pthread_mutex_destroy(&check->lock);
	free(check);
}

static const char *string_keep(char **to, const char *from)
{
	const size_t size = strlen(from) + 1;
	char *copy = memcpy(*to, from, size);

	*to += size;
	return copy;
}

static size_t client_size(const struct sockaddr *client)
{
	return client->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static struct spf_check *check_new(struct dns *dns, const struct spf_query *query, int64_t deadline_ms)
{
	struct spf_check *check = calloc(1, sizeof(*check) + strlen(query->helo) + strlen(query->mail_from) +
						    strlen(query->receiver) + 3);
	char *to;

	if (!check)
		return NULL;
	check->dns = dns;
	check->deadline_ms = deadline_ms;
	atomic_init(&check->references, 1);
	pthread_mutex_init(&check->lock, NULL);
	dns_event_init(&check->end);
	check->query = *query;
	memcpy(&check->client, query->client, client_size(query->client));
	check->query.client = (const struct sockaddr *)&check->client;
	to = check->strings;
	check->query.helo = string_keep(&to, query->helo);
	check->query.mail_from = string_keep(&to, query->mail_from);
	check->query.receiver = string_keep(&to, query->receiver);
	return check;
}

/* ---- its answers ------------------------------------------------------------------------------- */

static struct question *question_add(struct spf_check *check, enum dns_type type, const char *name)
{
	const size_t size = strlen(name) + 1;
	struct question *question = malloc(sizeof(*question) + size);

	if (!question)
		return NULL;
	*question = (struct question){ .next = check->questions, .check = check, .type = type };
	memcpy(question->name, name, size);
	check->questions = question;
	return question;
}

static size_t answer_bytes(const struct dns_answer *answer)
{
	size_t bytes = answer->count * sizeof(struct dns_record);

	for (size_t i = 0; i < answer->count; i++) {
		const struct dns_record *record = &answer->records[i];

		if (answer->type == DNS_TXT)
			bytes += record->txt.len;
		else if (answer->type == DNS_MX || answer->type == DNS_PTR)
			bytes += strlen(answer->type == DNS_MX ? record->mx.name : record->ptr);
	}
	return bytes;
}

/* spf_lookup_fn */
static const struct dns_answer *answer_find(void *arg, enum dns_type type, const char *name)
{
	struct spf_check *check = arg;
	const struct dns_answer *answer;
	struct question *question;

	for (question = check->questions; question; question = question->next)
		if (question->type == type && strcasecmp(question->name, name) == 0)
			return question->answer;
	answer = dns_cached(check->dns, type, name);
	question = answer ? question_add(check, type, name) : NULL;
	if (!question) {
		dns_unref(&answer);
		return NULL;
	}
	question->answer = answer;
	check->bytes += answer_bytes(answer);
	return answer;
}

/* ---- its end ----------------------------------------------------------------------------------- */

static void outcome_fail(struct spf_outcome *outcome, const char *problem)
{
	outcome->result = SPF_RESULT_TEMPERROR;
	outcome->explanation[0] = '\0';
	snprintf(outcome->problem, sizeof(outcome->problem), "%s", problem);
}

/* With the lock held. */
static void ended_note(struct spf_check *check)
{
	if (!strcmp(check->outcome.problem, LATE))
		atomic_fetch_add(&late, 1);
	check->ended = true;
}

/* The first one counts: the deadline may have come before the last answer. */
static void check_end(struct spf_check *check, const struct spf_outcome *outcome)
{
	pthread_mutex_lock(&check->lock);
	if (!check->ended) {
		memcpy(&check->outcome, outcome, offsetof(struct spf_outcome, wanted));
		ended_note(check);
	}
	pthread_mutex_unlock(&check->lock);
	dns_event_set(check->dns, &check->end);
}

/* With the lock held. */
static void end_late(struct spf_check *check)
{
	outcome_fail(&check->outcome, LATE);
	ended_note(check);
}

/* ---- evaluating -------------------------------------------------------------------------------- */

static void check_run(struct spf_check *check);

/* dns_done_fn */
static void question_answered(void *arg, const struct dns_answer *answer)
{
	struct question *question = arg;
	struct spf_check *check = question->check;

	question->answer = dns_ref(answer);
	if (atomic_fetch_sub(&check->unanswered, 1) == 1)
		check_run(check);
	check_release(check);
}

/* Why it cannot go on; NULL: it can. */
static const char *check_hindrance(struct spf_check *check)
{
	if (atomic_load(&check->abandoned))
		return "nobody wants to know any more";
	if (clock_ticks_ms() >= check->deadline_ms)
		return LATE;
	if (check->rounds++ >= ROUNDS_MAX || check->bytes > ANSWERS_BYTES)
		return "the answers of the DNS are too large";
	if (!check->counted && atomic_fetch_add(&under_way, 1) >= SPF_CHECKS_MAX) {
		atomic_fetch_sub(&under_way, 1);
		atomic_fetch_add(&refused, 1);
		return "too many evaluations are under way";
	}
	check->counted = true;
	return NULL;
}

/* False: no memory. */
static bool questions_note(struct spf_check *check, const struct spf_outcome *outcome)
{
	check->known = check->questions;
	for (size_t i = 0; i < outcome->wanted_count; i++)
		if (!question_add(check, outcome->wanted[i].type, outcome->wanted[i].name))
			return false;
	return true;
}

/* True: all answers are there already. Else another thread may have gone on. */
static bool questions_ask(struct spf_check *check, unsigned count)
{
	struct question *question = check->questions, *known = check->known;

	/* one more than there are: nobody goes on before all have been asked */
	atomic_store(&check->unanswered, count + 1);
	atomic_fetch_add(&check->references, count);
	for (; question != known; question = question->next)
		dns_ask(check->dns, question->type, question->name, question_answered, question);
	return atomic_fetch_sub(&check->unanswered, 1) == 1;
}

/* True: it goes on at once. False: it has ended, or answers are on their way. */
static bool check_round(struct spf_check *check)
{
	struct spf_outcome TEXT_BUFFER outcome;
	struct question *question;
	const char *hindrance;

	for (question = check->questions; question != check->known; question = question->next)
		check->bytes += answer_bytes(question->answer);
	check->known = check->questions;
	spf_evaluate(&check->query, answer_find, check, &outcome);
	hindrance = outcome.result == SPF_RESULT_PENDING ? check_hindrance(check) : NULL;
	if (outcome.result == SPF_RESULT_PENDING && !hindrance && !questions_note(check, &outcome))
		hindrance = "no memory";
	if (hindrance)
		outcome_fail(&outcome, hindrance);
	if (outcome.result == SPF_RESULT_PENDING)
		return questions_ask(check, (unsigned)outcome.wanted_count);
	questions_free(check);
	check_end(check, &outcome);
	return false;
}

static void check_run(struct spf_check *check)
{
	while (check_round(check))
		;
}

/* ---- for those who want to know ---------------------------------------------------------------- */

struct spf_check *spf_check_start(struct dns *dns, const struct spf_query *query, int64_t deadline_ms)
{
	struct spf_check *check = check_new(dns, query, deadline_ms);

	if (check)
		check_run(check);
	return check;
}

static bool check_has_ended(struct spf_check *check)
{
	bool ended;

	pthread_mutex_lock(&check->lock);
	ended = check->ended;
	pthread_mutex_unlock(&check->lock);
	return ended;
}

/* dns_begin_fn */
static void check_begin(void *check)
{
	check_run(check);
}

struct spf_check *spf_check_run(struct dns *dns, const struct spf_query *query, int64_t deadline_ms)
{
	struct spf_check *check = check_new(dns, query, deadline_ms);

	if (!check)
		return NULL;
	dns_wait(dns, &check->end, deadline_ms, check_begin, check);
	while (!spf_check_wait(check, INT64_MAX))
		;
	return check;
}

bool spf_check_wait(struct spf_check *check, int64_t until_ms)
{
	bool late_now, ended;

	/* one that has ended may have outlived the dns */
	if (check_has_ended(check))
		return true;
	if (until_ms > 0)
		dns_wait(check->dns, &check->end, until_ms < check->deadline_ms ? until_ms : check->deadline_ms, NULL,
			 NULL);
	pthread_mutex_lock(&check->lock);
	late_now = !check->ended && clock_ticks_ms() >= check->deadline_ms;
	if (late_now)
		end_late(check);
	ended = check->ended;
	pthread_mutex_unlock(&check->lock);
	if (late_now)
		dns_event_set(check->dns, &check->end);
	return ended;
}

const struct spf_outcome *spf_check_outcome(struct spf_check *check)
{
	return check_has_ended(check) ? &check->outcome : NULL;
}

struct spf_check_counts spf_check_counts(void)
{
	return (struct spf_check_counts){
		.under_way = atomic_load(&under_way),
		.refused = atomic_load(&refused),
		.late = atomic_load(&late),
	};
}

void spf_check_unref(struct spf_check **check)
{
	if (!*check)
		return;
	atomic_store(&(*check)->abandoned, true);
	check_release(*check);
	*check = NULL;
}
