/*
 * DNS look-ups in the background: the host's resolver is asked, a cache of bounded size keeps the answers for as long
 * as their TTLs say. Shared by all threads of a process. A thread of its own takes the answers; while others wait for
 * some, by dns_wait(), one of those does.
 *
 * Names are ASCII, without a dot at the end, compared case-blind. A backslash escapes, as in RFC 1035 5.1 and in the
 * names of MX and PTR answers: write one that is meant as "\\". A name that cannot exist in the DNS (empty label,
 * label over 63 or name over 253 octets, RFC 1035 2.3.4; bytes beyond ASCII) has no such name, and is not asked for.
 */
#ifndef LEUMUND_DNS_H
#define LEUMUND_DNS_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum dns_type { DNS_A, DNS_AAAA, DNS_MX, DNS_TXT, DNS_PTR, DNS_TYPES };

/* RFC 7208 4.4: what is neither an answer nor a certain "no" is a failure of the moment. */
enum dns_status { DNS_FOUND, DNS_NO_DATA, DNS_NO_NAME, DNS_FAILED };

/* One record of an answer; which member holds it follows from the type. */
struct dns_record {
	union {
		struct in_addr a;
		struct in6_addr aaaa;
		struct span txt; /* the character-strings joined without blanks; any byte, also NUL */
		struct {
			const char *name; /* NUL-terminated, as the DNS gave it, escaped by the rules of RFC 1035 5.1;
					     "" = the root */
			unsigned preference;
		} mx;
		const char *ptr;
	};
};

/* Never changes; lives until the last reference is given back. CNAMEs have been followed. */
struct dns_answer {
	enum dns_type type;
	enum dns_status status;
	size_t count; /* of records; 0 unless DNS_FOUND */
	const struct dns_record *records;
	uint32_t ttl; /* seconds, as received: the smallest of the chain's, or RFC 2308's for "no" */
};

struct dns;

struct dns_options {
	const char *servers; /* "ADDRESS[:PORT][,...]"; NULL or "": the host's, /etc/resolv.conf */
	unsigned timeout_ms; /* of one try at one server */
	unsigned tries;
	size_t cache_bytes;   /* bound of all that the cache holds */
	unsigned queries_max; /* under way at once; beyond it a query fails at once */
};

/*
 * NULL and a sentence on failure. Starts the thread. dns_close() ends it; each query under way fails first, and who is
 * in dns_wait() leaves it: its event must come with the answers.
 */
struct dns *dns_open(const struct dns_options *options, char *error, size_t size);
void dns_close(struct dns **dns);

/* The cached answer, or NULL. Never waits. Give it back with dns_unref(). */
const struct dns_answer *dns_cached(struct dns *dns, enum dns_type type, const char *name);
const struct dns_answer *dns_ref(const struct dns_answer *answer); /* one reference more */
void dns_unref(const struct dns_answer **answer);

/*
 * Asks, unless the same question is under way already. `done` is called once, before dns_ask() returns or later, from
 * the DNS thread or one in dns_wait(); the answer is the caller's for the time of the call. It must not wait and not
 * call dns_close(); it may ask again.
 */
typedef void dns_done_fn(void *arg, const struct dns_answer *answer);
void dns_ask(struct dns *dns, enum dns_type type, const char *name, dns_done_fn *done, void *arg);

/* What threads wait for: it comes once, by what is done with answers. */
struct dns_event {
	pthread_mutex_t lock; /* one each: many wait side by side */
	pthread_cond_t change;
	atomic_bool come;
};

void dns_event_init(struct dns_event *event);
void dns_event_free(struct dns_event *event); /* after dns_wait() has said that it has come, or if it never will */
void dns_event_set(struct dns *dns, struct dns_event *event);

/*
 * Calls `begin`, unless NULL: it asks for what the event comes by. Then waits until the event has come, or `until_ms`
 * (clock_ticks_ms()): true: it has come. Any number of threads may wait for it. Meanwhile `done` of other questions may
 * be called from here, so hold no lock that one of them takes.
 */
typedef void dns_begin_fn(void *arg);
bool dns_wait(struct dns *dns, struct dns_event *event, int64_t until_ms, dns_begin_fn *begin, void *arg);

/* Since the start, for `status` and tests. */
struct dns_counts {
	uint64_t asked;	     /* questions sent */
	uint64_t hits;	     /* answered by the cache */
	uint64_t joined;     /* to one under way */
	uint64_t unanswered; /* of those sent: no server said anything, in all tries */
	uint64_t failed;     /* a server's failure or what is no answer; or too many were under way to send it */
	size_t cache_entries, cache_bytes, cache_bytes_max;
};
struct dns_counts dns_counts(struct dns *dns);

#endif
