/*
 * DNS messages, RFC 1035 4: questions written, answers read (dns/wire.h). Every octet of an answer is a stranger's.
 */
#include <string.h>

#include "dns/answer.h"
#include "dns/wire.h"

#define HEADER 12
#define CLASS_IN 1
#define TYPE_CNAME 5
#define TYPE_SOA 6
#define TYPE_OPT 41
#define RCODE_NAME_ERROR 3

/* More CNAMEs than resolvers follow. */
#define CHAIN_MAX 16

/* Names unfold: 64 KiB of compressed MX records could become megabytes. */
#define ANSWER_BYTES ((size_t)128 << 10)

static const uint16_t type_numbers[DNS_TYPES] = {
	[DNS_A] = 1, [DNS_AAAA] = 28, [DNS_MX] = 15, [DNS_TXT] = 16, [DNS_PTR] = 12,
};

/* ---- questions --------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *to, unsigned number)
{
	to[0] = (uint8_t)(number >> 8);
	to[1] = (uint8_t)number;
	return to + 2;
}

size_t dns_query_write(uint8_t query[DNS_QUERY_SIZE], uint16_t id, const struct dns_key *key)
{
	static const uint8_t rest[] = { 1, 0, 0, 1, 0, 0, 0, 0, 0, 1 }; /* RD; one question; one record more: OPT */
	uint8_t *to = put16(query, id);

	memcpy(to, rest, sizeof(rest));
	to += sizeof(rest);
	memcpy(to, key->name.wire, key->name.len);
	to = put16(to + key->name.len, type_numbers[key->type]);
	to = put16(to, CLASS_IN);
	*to++ = 0; /* OPT, RFC 6891 6.1.2: the root's; last, so that it can be taken off */
	to = put16(to, TYPE_OPT);
	to = put16(to, DNS_UDP_SIZE);
	memset(to, 0, 6);
	return (size_t)(to + 6 - query);
}

/* ---- records ----------------------------------------------------------------------------------- */

struct message {
	const uint8_t *at;
	size_t len;
	size_t answers, authority; /* where these sections begin */
	unsigned answer_count, authority_count, rcode;
};

struct record {
	unsigned type, class;
	uint32_t ttl;
	size_t owner, data, size; /* places of name and data */
};

static unsigned get16(const struct message *message, size_t at)
{
	return (unsigned)message->at[at] << 8 | message->at[at + 1];
}

static uint32_t get32(const struct message *message, size_t at)
{
	return (uint32_t)get16(message, at) << 16 | get16(message, at + 2);
}

/* The place behind it, or 0. */
static size_t record_read(const struct message *message, size_t at, struct record *record)
{
	record->owner = at;
	at = dns_name_skip(message->at, message->len, at);
	if (at == 0 || message->len - at < 10)
		return 0;
	record->type = get16(message, at);
	record->class = get16(message, at + 2);
	record->ttl = get32(message, at + 4);
	if (record->ttl > INT32_MAX) /* RFC 2181 8 */
		record->ttl = 0;
	record->size = get16(message, at + 8);
	record->data = at + 10;
	return message->len - record->data < record->size ? 0 : record->data + record->size;
}

/* A name that fills the record's data from `skip` on. */
static bool record_name(const struct message *message, const struct record *record, size_t skip, struct dns_name *name)
{
	return record->size > skip &&
	       dns_name_read(name, message->at, message->len, record->data + skip) == record->data + record->size;
}

/* Also goes through the records that nobody asked for: a message is well-formed, or worth nothing. */
static bool message_read(struct message *message, const struct dns_key *key)
{
	struct record record;
	struct dns_name name;
	size_t at;

	if (message->len < HEADER || get16(message, 4) != 1)
		return false;
	/* an answer, of opcode QUERY, not cut */
	if ((get16(message, 2) & 0xfa00) != 0x8000)
		return false;
	message->rcode = get16(message, 2) & 0xf;
	message->answer_count = get16(message, 6);
	message->authority_count = get16(message, 8);
	at = dns_name_read(&name, message->at, message->len, HEADER);
	if (at == 0 || message->len - at < 4 || !dns_name_same(&name, &key->name) ||
	    get16(message, at) != type_numbers[key->type] || get16(message, at + 2) != CLASS_IN)
		return false;
	message->answers = at += 4;
	for (unsigned i = 0; i < message->answer_count && at > 0; i++)
		at = record_read(message, at, &record);
	message->authority = at;
	for (unsigned i = 0; i < message->authority_count && at > 0; i++)
		at = record_read(message, at, &record);
	return at > 0;
}

/* ---- from the name asked for to the records ---------------------------------------------------- */

struct search {
	const struct message *message;
	unsigned type;
	struct dns_name owner; /* where the chain of CNAMEs has led */
	uint32_t ttl;
};

static bool search_owns(const struct search *search, const struct record *record)
{
	struct dns_name owner;

	return dns_name_read(&owner, search->message->at, search->message->len, record->owner) > 0 &&
	       dns_name_same(&owner, &search->owner);
}

/* The next record of `type` that the owner has, from `*at` on, of which `*left` are left. */
static bool search_next(const struct search *search, unsigned type, size_t *at, unsigned *left, struct record *record)
{
	while (*left > 0) {
		*at = record_read(search->message, *at, record);
		(*left)--;
		if (*at == 0)
			return false;
		if (record->type == type && record->class == CLASS_IN && search_owns(search, record))
			return true;
	}
	return false;
}

static bool search_first(const struct search *search, unsigned type, struct record *record)
{
	size_t at = search->message->answers;
	unsigned left = search->message->answer_count;

	return search_next(search, type, &at, &left, record);
}

static void ttl_lower(uint32_t *ttl, uint32_t by)
{
	if (by < *ttl)
		*ttl = by;
}

/* Follows the CNAMEs. False: a circle, or one that names nothing. */
static bool search_follow(struct search *search)
{
	struct record record;

	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		if (search_first(search, search->type, &record) || !search_first(search, TYPE_CNAME, &record))
			return true;
		ttl_lower(&search->ttl, record.ttl);
		if (!record_name(search->message, &record, 0, &search->owner))
			return false;
	}
	return false;
}

/* ---- answers ----------------------------------------------------------------------------------- */

/* Where records go; the first time round nothing is written, only measured. */
struct sink {
	struct dns_record *record;
	char *room;
	size_t count, bytes;
};

static const char *sink_put(struct sink *sink, const char *from, size_t len)
{
	char *to = sink->room ? sink->room + sink->bytes : NULL;

	if (to && len > 0)
		memcpy(to, from, len);
	sink->bytes += len;
	return to;
}

static bool take_address(struct sink *sink, const struct message *message, const struct record *record, size_t size)
{
	if (record->size != size)
		return false;
	if (sink->record)
		memcpy(&sink->record[sink->count], message->at + record->data, size);
	return true;
}

static bool take_txt(struct sink *sink, const struct message *message, const struct record *record)
{
	const size_t end = record->data + record->size, before = sink->bytes;
	const char *first = sink_put(sink, NULL, 0);

	for (size_t at = record->data; at < end;) {
		const size_t len = message->at[at++];

		if (end - at < len)
			return false;
		sink_put(sink, (const char *)message->at + at, len);
		at += len;
	}
	if (sink->record)
		sink->record[sink->count].txt = (struct span){ first, sink->bytes - before };
	return true;
}

static bool take_name(struct sink *sink, const struct message *message, const struct record *record)
{
	const size_t skip = record->type == type_numbers[DNS_MX] ? 2 : 0;
	char text[DNS_TEXT_SIZE];
	struct dns_name name;
	const char *at;

	if (!record_name(message, record, skip, &name))
		return false;
	at = sink_put(sink, text, dns_name_text(&name, text) + 1);
	if (!sink->record)
		return true;
	if (skip == 0) {
		sink->record[sink->count].ptr = at;
	} else {
		sink->record[sink->count].mx.name = at;
		sink->record[sink->count].mx.preference = get16(message, record->data);
	}
	return true;
}

static bool take_record(struct sink *sink, enum dns_type type, const struct message *message,
			const struct record *record)
{
	bool good = false;

	switch (type) {
	case DNS_A:
		good = take_address(sink, message, record, sizeof(struct in_addr));
		break;
	case DNS_AAAA:
		good = take_address(sink, message, record, sizeof(struct in6_addr));
		break;
	case DNS_TXT:
		good = take_txt(sink, message, record);
		break;
	case DNS_MX:
	case DNS_PTR:
		good = take_name(sink, message, record);
		break;
	case DNS_TYPES:
		break;
	}
	sink->count++;
	return good && sink->count * sizeof(struct dns_record) + sink->bytes <= ANSWER_BYTES;
}

static bool take_all(struct sink *sink, enum dns_type type, struct search *search)
{
	size_t at = search->message->answers;
	unsigned left = search->message->answer_count;
	struct record record;

	while (search_next(search, search->type, &at, &left, &record)) {
		ttl_lower(&search->ttl, record.ttl);
		if (!take_record(sink, type, search->message, &record))
			return false;
	}
	return true;
}

/* How long a "no" holds, RFC 2308 5: the smaller of the SOA's TTL and its last field; without SOA not at all. */
static uint32_t negative_ttl(const struct search *search)
{
	size_t at = search->message->authority;
	uint32_t ttl = search->ttl;

	for (unsigned i = 0; i < search->message->authority_count; i++) {
		struct record record;

		at = record_read(search->message, at, &record);
		if (at == 0)
			return 0;
		if (record.type != TYPE_SOA || record.class != CLASS_IN || record.size < 4)
			continue;
		ttl_lower(&ttl, record.ttl);
		ttl_lower(&ttl, get32(search->message, record.data + record.size - 4));
		return ttl;
	}
	return 0;
}

static const struct dns_answer *answer_make(enum dns_type type, struct search *search)
{
	struct sink sink = { NULL, NULL, 0, 0 };
	struct dns_answer *answer;

	if (!take_all(&sink, type, search))
		return dns_answer_plain(type, DNS_FAILED);
	if (sink.count == 0)
		return dns_answer_no(type, search->message->rcode == RCODE_NAME_ERROR ? DNS_NO_NAME : DNS_NO_DATA,
				     negative_ttl(search));
	answer = dns_answer_new(type, sink.count, sink.bytes, &sink.record, &sink.room);
	if (!answer)
		return dns_answer_plain(type, DNS_FAILED);
	sink.count = sink.bytes = 0;
	take_all(&sink, type, search);
	answer->ttl = search->ttl;
	return answer;
}

const struct dns_answer *dns_answer_read(const uint8_t *at, size_t len, const struct dns_key *key)
{
	struct message message = { .at = at, .len = len };
	struct search search = {
		.message = &message, .type = type_numbers[key->type], .owner = key->name, .ttl = UINT32_MAX
	};

	if (!message_read(&message, key) || (message.rcode != 0 && message.rcode != RCODE_NAME_ERROR) ||
	    !search_follow(&search))
		return dns_answer_plain(key->type, DNS_FAILED);
	return answer_make(key->type, &search);
}
