/*
 * What is known of our domains' mail (book.h). One lock; entries stand in a hash table and in a row by their last use,
 * those to be asked for in a queue as well. Whoever works on an entry pins it.
 *
 * Anybody may send with a name out of a zone of his that is silent, or has names by the million: there are two queues,
 * and at most one thread at a time works on the second.
 */
#include "milters/selfcheck/book.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dns/shared.h"
#include "hash.h"
#include "system/clock.h"

#define THREADS 4
#define BUCKETS 4096
#define ENTRIES_MAX 10000
#define QUEUE_MAX 1000	    /* of each */
#define ASK_MS 5000	    /* for one domain */
#define HOLDS_NOTHING 60    /* seconds, without memory */
#define LOOK_AROUND_MS 5000 /* how often what ages is looked for */

struct entry {
	struct entry *chain;	     /* of the bucket */
	struct entry *newer, *older; /* by last use */
	struct entry *next;	     /* of the queue */
	const struct egress_pool *pool;
	bool pinned; /* in a queue, or being worked on */
	bool is_ours;
	bool known;
	bool used;		    /* since it was found out */
	int64_t refresh_ms, end_ms; /* clock_ticks_ms(): ask again; forget */
	struct prospect prospect;
	char domain[];
};

/* FIRST: customers' domains about which the DNS says something. */
enum lane { FIRST, SECOND, LANES };

struct queue {
	struct entry *head, **end;
	size_t count;
};

struct book {
	pthread_mutex_t lock;
	pthread_cond_t work, found; /* for the threads; for those who wait */
	unsigned references;	    /* threads, and the owner */
	bool closed;
	struct egress *egress;
	struct dns *dns;

	struct store *store; /* NULL: not told yet, or resting */
	unsigned store_users;
	bool resting;

	size_t count;
	int64_t looked_ms;
	struct entry *buckets[BUCKETS];
	struct entry *newest, *oldest;
	struct queue queues[LANES];
	bool second_busy; /* a thread works on the second lane */
};

/* ---- making and freeing ------------------------------------------------------------------------ */

static void book_free(struct book *book)
{
	for (struct entry *entry = book->newest, *older; entry; entry = older) {
		older = entry->older;
		free(entry);
	}
	dns_unshare(&book->dns);
	egress_free(&book->egress);
	pthread_cond_destroy(&book->work);
	pthread_cond_destroy(&book->found);
	pthread_mutex_destroy(&book->lock);
	free(book);
}

/* With the lock held, which it gives back. */
static void book_release(struct book *book)
{
	const bool last = --book->references == 0;

	pthread_mutex_unlock(&book->lock);
	if (last)
		book_free(book);
}

static void *work(void *arg);

static bool thread_start(struct book *book)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool started;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	started = pthread_create(&thread, &attributes, work, book) == 0;
	pthread_attr_destroy(&attributes);
	return started;
}

static void conditions_init(struct book *book)
{
	pthread_condattr_t steady;

	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&book->work, &steady);
	pthread_cond_init(&book->found, &steady);
	pthread_condattr_destroy(&steady);
}

struct book *book_open(struct egress *egress, struct dns *dns)
{
	struct book *book = calloc(1, sizeof(*book));

	if (!book) {
		dns_unshare(&dns);
		egress_free(&egress);
		return NULL;
	}
	pthread_mutex_init(&book->lock, NULL);
	conditions_init(book);
	book->egress = egress;
	book->dns = dns;
	for (int lane = 0; lane < LANES; lane++)
		book->queues[lane].end = &book->queues[lane].head;
	book->references = 1;
	pthread_mutex_lock(&book->lock);
	for (unsigned i = 0; i < THREADS && thread_start(book); i++)
		book->references++;
	if (book->references == 1) {
		book_release(book);
		return NULL;
	}
	pthread_mutex_unlock(&book->lock);
	return book;
}

void book_close(struct book **book)
{
	if (!*book)
		return;
	book_rest(*book);
	pthread_mutex_lock(&(*book)->lock);
	(*book)->closed = true;
	pthread_cond_broadcast(&(*book)->work);
	book_release(*book);
	*book = NULL;
}

const struct egress *book_egress(const struct book *book)
{
	return book->egress;
}

struct dns *book_dns(const struct book *book)
{
	return book->dns;
}

/* ---- entries, with the lock held --------------------------------------------------------------- */

static struct entry **bucket_of(struct book *book, const char *domain)
{
	return &book->buckets[hash_bytes(domain, strlen(domain)) % BUCKETS];
}

static bool is_fresh(const struct entry *entry)
{
	return entry->known && clock_ticks_ms() < entry->end_ms;
}

static void row_leave(struct book *book, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &book->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &book->oldest) = entry->newer;
}

static void row_enter(struct book *book, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = book->newest;
	*(book->newest ? &book->newest->newer : &book->oldest) = entry;
	book->newest = entry;
}

static struct entry *entry_find(struct book *book, const struct book_subject *subject)
{
	struct entry *entry = *bucket_of(book, subject->domain);

	while (entry && (entry->pool != subject->pool || strcmp(entry->domain, subject->domain) != 0))
		entry = entry->chain;
	if (entry) {
		row_leave(book, entry);
		row_enter(book, entry);
	}
	return entry;
}

static void entry_forget(struct book *book, struct entry *entry)
{
	struct entry **at = bucket_of(book, entry->domain);

	while (*at != entry)
		at = &(*at)->chain;
	*at = entry->chain;
	row_leave(book, entry);
	book->count--;
	free(entry);
}

/* At most two times QUEUE_MAX and a few are pinned. */
static void oldest_forget(struct book *book)
{
	struct entry *entry = book->oldest;

	while (entry && entry->pinned)
		entry = entry->newer;
	if (entry)
		entry_forget(book, entry);
}

static struct entry *entry_add(struct book *book, const struct book_subject *subject)
{
	const size_t size = strlen(subject->domain) + 1;
	struct entry *entry = calloc(1, sizeof(*entry) + size), **bucket = bucket_of(book, subject->domain);

	if (!entry)
		return NULL;
	if (book->count >= ENTRIES_MAX)
		oldest_forget(book);
	memcpy(entry->domain, subject->domain, size);
	entry->pool = subject->pool;
	entry->chain = *bucket;
	*bucket = entry;
	row_enter(book, entry);
	book->count++;
	return entry;
}

static enum lane lane_of(const struct entry *entry)
{
	return entry->is_ours && !(entry->known && entry->prospect.result == SPF_RESULT_TEMPERROR) ? FIRST : SECOND;
}

static void entry_queue(struct book *book, struct entry *entry)
{
	struct queue *queue = &book->queues[lane_of(entry)];

	if (entry->pinned || queue->count >= QUEUE_MAX)
		return;
	entry->pinned = true;
	entry->next = NULL;
	*queue->end = entry;
	queue->end = &entry->next;
	queue->count++;
	pthread_cond_signal(&book->work);
}

static struct entry *entry_take(struct book *book, enum lane *lane)
{
	struct queue *queue = &book->queues[FIRST];
	struct entry *entry;

	if (!queue->head && !book->second_busy)
		queue = &book->queues[SECOND];
	entry = queue->head;
	if (!entry)
		return NULL;
	queue->head = entry->next;
	if (!queue->head)
		queue->end = &queue->head;
	queue->count--;
	*lane = (enum lane)(queue - book->queues);
	return entry;
}

/* ---- the threads ------------------------------------------------------------------------------- */

/* What ages and was used since it was found out is asked for again; the rest is left to itself. */
static void look_around(struct book *book, int64_t now_ms)
{
	if (now_ms < book->looked_ms + LOOK_AROUND_MS)
		return;
	book->looked_ms = now_ms;
	for (struct entry *entry = book->newest; entry; entry = entry->older)
		if (entry->known && entry->used && now_ms >= entry->refresh_ms)
			entry_queue(book, entry);
}

static void time_add(struct timespec *time, int64_t ms)
{
	time->tv_sec += ms / 1000;
	time->tv_nsec += ms % 1000 * 1000000;
	if (time->tv_nsec >= 1000000000) {
		time->tv_sec++;
		time->tv_nsec -= 1000000000;
	}
}

static void wait_until(struct book *book, pthread_cond_t *condition, int64_t until_ms)
{
	const int64_t left_ms = until_ms - clock_ticks_ms();
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	if (left_ms > 0)
		time_add(&end, left_ms);
	pthread_cond_timedwait(condition, &book->lock, &end);
}

static struct store *store_take(struct book *book)
{
	struct store *store;

	pthread_mutex_lock(&book->lock);
	store = book->store;
	book->store_users += store != NULL;
	pthread_mutex_unlock(&book->lock);
	return store;
}

static void store_give(struct book *book, const struct store *store)
{
	pthread_mutex_lock(&book->lock);
	book->store_users -= store != NULL;
	if (book->resting)
		pthread_cond_broadcast(&book->found);
	pthread_mutex_unlock(&book->lock);
}

static int64_t look(struct book *book, const struct entry *entry, struct prospect *prospect)
{
	struct store *store = store_take(book);
	const int64_t seconds = store ? prospect_look(store, entry->pool, entry->domain, prospect) : 0;

	store_give(book, store);
	return seconds;
}

static int64_t ask(struct book *book, const struct entry *entry, bool is_ours, struct prospect *prospect)
{
	struct domain_report report;
	int64_t seconds = HOLDS_NOTHING;
	struct store *store;
	bool is_known;

	prospect->result = SPF_RESULT_TEMPERROR;
	if (domain_report_make(book->dns, entry->pool, entry->domain, clock_ticks_ms() + ASK_MS, &report)) {
		seconds = prospect_read(&report, prospect, &is_known);
		store = is_known && is_ours ? store_take(book) : NULL;
		if (store)
			prospect_keep(store, &report, prospect, seconds);
		store_give(book, store);
	}
	domain_report_free(&report);
	return seconds;
}

/* Another server may have asked already. What the store has must hold for longer than what we have. */
static int64_t find_out(struct book *book, const struct entry *entry, bool is_ours, int64_t left_ms,
			struct prospect *prospect)
{
	int64_t seconds;

	memset(prospect, 0, sizeof(*prospect));
	seconds = is_ours ? look(book, entry, prospect) : 0;
	return seconds * 1000 > left_ms * 2 ? seconds : ask(book, entry, is_ours, prospect);
}

static void entry_work(struct book *book, struct entry *entry)
{
	const int64_t left_ms = is_fresh(entry) ? entry->end_ms - clock_ticks_ms() : 0;
	const bool is_ours = entry->is_ours;
	struct prospect prospect;
	int64_t seconds, now_ms;

	pthread_mutex_unlock(&book->lock);
	seconds = find_out(book, entry, is_ours, left_ms, &prospect);
	pthread_mutex_lock(&book->lock);
	now_ms = clock_ticks_ms();
	entry->pinned = false;
	/* rather what was known a moment ago than nothing */
	if (prospect.result == SPF_RESULT_TEMPERROR && entry->known && now_ms < entry->end_ms) {
		entry->refresh_ms = now_ms + seconds * 1000;
		return;
	}
	entry->prospect = prospect;
	entry->known = true;
	entry->used = false;
	entry->refresh_ms = now_ms + seconds * 750;
	entry->end_ms = now_ms + seconds * 1000;
	pthread_cond_broadcast(&book->found);
}

static void *work(void *arg)
{
	struct book *book = arg;

	pthread_mutex_lock(&book->lock);
	while (!book->closed) {
		enum lane lane;
		struct entry *entry = entry_take(book, &lane);

		if (entry && lane == FIRST) {
			entry_work(book, entry);
			continue;
		}
		if (entry) {
			book->second_busy = true;
			entry_work(book, entry);
			book->second_busy = false;
			/* this thread may have something better to do */
			pthread_cond_signal(&book->work);
			continue;
		}
		wait_until(book, &book->work, clock_ticks_ms() + LOOK_AROUND_MS);
		look_around(book, clock_ticks_ms());
	}
	book_release(book);
	return NULL;
}

/* ---- those who ask ----------------------------------------------------------------------------- */

/* With the lock held. The entry, queued unless it is fresh; NULL: no memory, or too many wait. */
static struct entry *entry_want(struct book *book, struct store *store, const struct book_subject *subject)
{
	struct entry *entry = entry_find(book, subject);

	if (!book->store && !book->resting)
		book->store = store;
	/* what cannot be asked about now must not push out what is known */
	if (!entry && book->queues[subject->is_ours ? FIRST : SECOND].count < QUEUE_MAX)
		entry = entry_add(book, subject);
	if (!entry)
		return NULL;
	entry->is_ours = subject->is_ours;
	entry->used = true;
	if (!is_fresh(entry))
		entry_queue(book, entry);
	return entry;
}

void book_ask(struct book *book, struct store *store, const struct book_subject *subject)
{
	pthread_mutex_lock(&book->lock);
	entry_want(book, store, subject);
	pthread_mutex_unlock(&book->lock);
}

bool book_find(struct book *book, struct store *store, const struct book_subject *subject, int64_t until_ms,
	       struct prospect *out)
{
	struct entry *entry;
	bool found;

	pthread_mutex_lock(&book->lock);
	entry = entry_want(book, store, subject);
	/* what is not pinned may be gone after a wait: it is looked for again */
	while (entry && !is_fresh(entry) && entry->pinned && clock_ticks_ms() < until_ms) {
		wait_until(book, &book->found, until_ms);
		entry = entry_find(book, subject);
	}
	found = entry && is_fresh(entry);
	if (found)
		*out = entry->prospect;
	pthread_mutex_unlock(&book->lock);
	return found;
}

void book_rest(struct book *book)
{
	pthread_mutex_lock(&book->lock);
	book->resting = true;
	book->store = NULL;
	while (book->store_users > 0)
		pthread_cond_wait(&book->found, &book->lock);
	pthread_mutex_unlock(&book->lock);
}
