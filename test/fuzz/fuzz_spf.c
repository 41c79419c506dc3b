/*
 * libFuzzer: whole evaluations of SPF. The input's lines are client and HELO, MAIL FROM, then TXT records: the third is
 * the sender's, which of the others a name has is a matter of its hash, and so is all else that the DNS says.
 *
 * What the record check lets through must not disturb libspf2, which sees words of ours and numbers, nothing else; late
 * answers must not change a result.
 */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "spf/spf.h"

#define LINES 40
#define ANSWERS 600
#define RECORDS 12

struct answer {
	struct dns_answer answer;
	struct dns_record records[RECORDS];
	char names[RECORDS][300];
	char name[256];
	bool given;
};

struct world {
	struct span line[LINES];
	unsigned lines;
	bool late;
	unsigned answers;
	struct answer *answer[ANSWERS];
};

static uint32_t hash_of(const char *name, unsigned salt)
{
	uint32_t hash = 2166136261u ^ salt;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)ascii_lower(*name)) * 16777619u;
	return hash ^ hash >> 15;
}

/* A name that a record could lead to: mostly a line of the input, cut where a name would not go on. */
static const char *make_name(const struct world *world, uint32_t hash, char *out)
{
	const struct span *line = &world->line[hash % world->lines];
	size_t len = line->len < 290 ? line->len : 290;

	memcpy(out, line->at, len);
	out[len] = '\0';
	out[strcspn(out, "= /\r")] = '\0';
	return out;
}

static void fill(const struct world *world, struct answer *answer, uint32_t hash)
{
	static const unsigned char address[16] = { 192, 0, 2, 1, [15] = 1 };

	for (size_t i = 0; i < answer->answer.count; i++, hash = hash * 1103515245u + 12345u) {
		struct dns_record *record = &answer->records[i];

		switch (answer->answer.type) {
		case DNS_TXT:
			record->txt = world->line[(hash >> 8) % world->lines];
			break;
		case DNS_MX:
			record->mx.preference = hash >> 16 & 7;
			record->mx.name = make_name(world, hash >> 8, answer->names[i]);
			break;
		case DNS_PTR:
			record->ptr = make_name(world, hash >> 8, answer->names[i]);
			break;
		default:
			memcpy(&record->aaaa, address, sizeof(address));
			record->aaaa.s6_addr[3] = (uint8_t)(hash >> 20 & 1);
			record->aaaa.s6_addr[15] = (uint8_t)(hash >> 21 & 1);
		}
	}
}

static struct answer *find(struct world *world, enum dns_type type, const char *name)
{
	uint32_t hash = hash_of(name, (unsigned)type);
	struct answer *answer;

	for (unsigned i = 0; i < world->answers; i++)
		if (world->answer[i]->answer.type == type && !strcasecmp(world->answer[i]->name, name))
			return world->answer[i];
	answer = calloc(1, sizeof(*answer));
	if (!answer || world->answers == ANSWERS || strlen(name) > 253)
		abort();
	memcpy(answer->name, name, strlen(name) + 1);
	answer->answer.type = type;
	answer->answer.records = answer->records;
	answer->answer.status = hash % 8 < 6	 ? DNS_FOUND
				: hash % 8 == 6	 ? DNS_NO_NAME
				: hash % 16 == 7 ? DNS_FAILED
						 : DNS_NO_DATA;
	if (answer->answer.status == DNS_FOUND)
		answer->answer.count = 1 + (type == DNS_TXT ? hash / 8 % 16 == 0 : hash / 8 % RECORDS);
	fill(world, answer, hash);
	/* the sender's own */
	if (!world->answers && type == DNS_TXT) {
		answer->answer.status = DNS_FOUND;
		answer->answer.count = 1;
		answer->records[0].txt = world->line[2];
	}
	return world->answer[world->answers++] = answer;
}

static const struct dns_answer *lookup(void *arg, enum dns_type type, const char *name)
{
	struct world *world = arg;
	struct answer *answer = find(world, type, name);

	return !world->late || answer->given ? &answer->answer : NULL;
}

/* ---- what libspf2 is given ----------------------------------------------------------------------- */

/* Behind "12.x", or NULL. */
static const char *skip_number(const char *at)
{
	size_t digits = strspn(at, "0123456789");

	return digits > 0 && digits < 4 && !strncmp(at + digits, ".x", 2) ? at + digits + 2 : NULL;
}

/* Behind a term, or NULL. */
static const char *skip_term(const char *at)
{
	if (!strncmp(at, "redirect=", 9))
		return skip_number(at + 9);
	if (!*at || !strchr("+-~?", *at++))
		return NULL;
	if (!strncmp(at, "all", 3))
		return at[3] ? NULL : at + 3;
	return strncmp(at, "exists:", 7) != 0 && strncmp(at, "include:", 8) != 0 ? NULL
										 : skip_number(strchr(at, ':') + 1);
}

typedef int compile_fn(void *server, void *response, void **record, const char *text);

/* In front of libspf2's own, which takes what it is given for a record and writes to buffers of 512 bytes. */
int SPF_record_compile(void *server, void *response, void **record, const char *text)
{
	static compile_fn *compile;
	const char *at = strncmp(text, "v=spf1", 6) != 0 ? NULL : text + 6;
	unsigned terms = 0;

	if (!compile)
		*(void **)&compile = dlsym(RTLD_NEXT, "SPF_record_compile");
	for (; at && *at == ' '; terms++)
		at = skip_term(at + 1);
	if (!at || *at || terms > 22)
		abort();
	return compile(server, response, record, text);
}

/* ---- what comes out ------------------------------------------------------------------------------ */

static void must_print(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			abort();
}

static void must_be_sound(const struct spf_outcome *outcome)
{
	must_print(outcome->domain);
	must_print(outcome->explanation);
	must_print(outcome->problem);
	if ((unsigned)outcome->result >= SPF_RESULTS || outcome->queries > 120 ||
	    !strncmp(outcome->problem, "libspf2 gives", 13))
		abort();
	if ((outcome->result == SPF_RESULT_PENDING) != !!outcome->wanted_count)
		abort();
}

static void evaluate(struct world *world, const struct spf_query *query, bool late, struct spf_outcome *outcome)
{
	world->late = late;
	for (unsigned runs = 0;; runs++) {
		spf_evaluate(query, lookup, world, outcome);
		must_be_sound(outcome);
		if (outcome->result != SPF_RESULT_PENDING)
			return;
		if (!late || runs > 150)
			abort();
		for (size_t i = 0; i < outcome->wanted_count; i++)
			find(world, outcome->wanted[i].type, outcome->wanted[i].name)->given = true;
	}
}

static void split(struct world *world, const char *data, size_t size)
{
	const char *end = data + size;

	for (world->lines = 0; world->lines < LINES && data < end; world->lines++) {
		const char *stop = memchr(data, '\n', (size_t)(end - data));

		world->line[world->lines] = (struct span){ data, (size_t)((stop ? stop : end) - data) };
		data = stop ? stop + 1 : end;
	}
	while (world->lines < 3)
		world->line[world->lines++] = (struct span){ "", 0 };
}

static char *copy_of(struct span from)
{
	char *copy = strndup(from.at, from.len);

	if (!copy)
		abort();
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct world world = { .answers = 0 };
	struct spf_outcome now, late;
	char *helo, *mail_from;
	struct spf_query query;

	split(&world, (const char *)data, size);
	inet_pton(AF_INET, "192.0.2.1", &in.sin_addr);
	memcpy(&in6.sin6_addr, "\xc0\0\2\1\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	helo = copy_of(world.line[0]);
	mail_from = copy_of(world.line[1]);
	query = (struct spf_query){
		.client = *helo == '6' ? (const void *)&in6 : (const void *)&in,
		.helo = helo,
		.mail_from = mail_from,
		.receiver = "mx.example.org",
		.now_s = 1700000000,
		.want_explanation = true,
		.limits = SPF_LIMITS,
	};
	evaluate(&world, &query, false, &now);
	evaluate(&world, &query, true, &late);
	if (now.result != late.result || strcmp(now.explanation, late.explanation) != 0 ||
	    strcmp(now.problem, late.problem) != 0 || now.terms != late.terms || now.voids != late.voids)
		abort();
	for (unsigned i = 0; i < world.answers; i++)
		free(world.answer[i]);
	free(helo);
	free(mail_from);
	return 0;
}
