/*
 * `leumund audit spf`: what `leumund spf DOMAIN` says, for every domain of the directory. Some threads ask at once,
 * so that one slow name server makes few wait; lines come in the order of the names.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory/directory.h"
#include "dns/dns.h"
#include "setup.h"
#include "spf/check.h"
#include "spf_ask.h"
#include "system/clock.h"
#include "spf_report.h"
#include "tool.h"

/* One waits for the DNS and hardly computes; as many as keep look-ups and evaluations below their bounds. */
#define WORKERS_MAX 32
#define OWNERS 16

/* What comes of a domain. */
struct place {
	bool done, failed;
	struct domain_report *report; /* from when it is made until it is told */
};

struct audit {
	const struct call *call;
	struct setup setup;
	struct directory *directory;
	struct egress *egress;
	struct dns *dns;

	const char **domains; /* the directory's */
	size_t count, room;
	bool no_memory;

	pthread_mutex_t lock;
	pthread_cond_t change;
	size_t next, done; /* the next to be asked for; how many are done */
	struct place *places;
	size_t results[SPF_RESULTS], failing, hit;
};

/* ---- the domains ------------------------------------------------------------------------------- */

static bool domains_grow(struct audit *audit)
{
	const size_t room = audit->room ? audit->room * 2 : 256;
	const char **more = reallocarray(audit->domains, room, sizeof(*more));

	if (!more)
		return false;
	audit->domains = more;
	audit->room = room;
	return true;
}

static void domain_take(void *arg, const char *domain)
{
	struct audit *audit = arg;

	if (audit->count == audit->room && !domains_grow(audit))
		audit->no_memory = true;
	else
		audit->domains[audit->count++] = domain;
}

static int domains_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void report_directory(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	if (is_warning)
		complain("%s", sentence);
}

/* 0, or the exit status after a complaint. */
static int domains_load(struct audit *audit)
{
	audit->directory = directory_reload(NULL, &audit->setup.domains, report_directory, NULL);
	directory_domains(audit->directory, NULL, domain_take, audit);
	if (audit->count == 0 && !audit->no_memory) {
		complain("the directory knows no domain: see leumund.domains");
		return EX_CONFIG;
	}
	audit->places = audit->no_memory ? NULL : calloc(audit->count, sizeof(*audit->places));
	if (audit->places) {
		qsort(audit->domains, audit->count, sizeof(*audit->domains), domains_order);
		return 0;
	}
	complain("no memory");
	return EX_OSERR;
}

/* ---- asking ------------------------------------------------------------------------------------ */

/* By its first owner, where it has several. */
static const struct egress_pool *pool_of(const struct audit *audit, const char *domain)
{
	const char *owner = "";

	(void)directory_owners(audit->directory, domain, false, &owner, 1);
	return egress_pool_of(audit->egress, owner, domain);
}

static void *work(void *arg)
{
	struct audit *audit = arg;

	pthread_mutex_lock(&audit->lock);
	while (audit->next < audit->count) {
		const size_t at = audit->next++;
		struct place *place = &audit->places[at];
		bool good;

		pthread_mutex_unlock(&audit->lock);
		place->report = calloc(1, sizeof(*place->report));
		good = place->report &&
		       domain_report_make(audit->dns, pool_of(audit, audit->domains[at]), audit->domains[at],
					  clock_ticks_ms() + SPF_DEADLINE_MS, place->report);
		pthread_mutex_lock(&audit->lock);
		place->failed = !good;
		place->done = true;
		audit->done++;
		pthread_cond_signal(&audit->change);
	}
	pthread_mutex_unlock(&audit->lock);
	return NULL;
}

/* How many have started. */
static size_t workers_start(struct audit *audit, pthread_t *workers)
{
	const size_t bound = SPF_CHECKS_MAX / 2 / (egress_widest(audit->egress) + 1);
	const size_t most = bound < WORKERS_MAX ? bound : WORKERS_MAX;
	size_t started = 0;

	while (started < most && started < audit->count && pthread_create(&workers[started], NULL, work, audit) == 0)
		started++;
	return started;
}

/* ---- telling ----------------------------------------------------------------------------------- */

static void progress(const struct audit *audit)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%zu of %zu domains", audit->done, audit->count);
}

static void progress_wipe(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

static void place_free(struct place *place)
{
	if (place->report)
		domain_report_free(place->report);
	free(place->report);
	place->report = NULL;
}

static void place_tell(struct audit *audit, size_t at)
{
	const struct domain_report *report = audit->places[at].report;
	const char *owners[OWNERS];
	size_t count = directory_owners(audit->directory, report->domain, false, owners, OWNERS);

	count = count < OWNERS ? count : OWNERS;
	if (audit->call->json) {
		fputs(at ? ",\n" : "", stdout);
		report_json(report, owners, count);
	} else if (audit->call->csv) {
		report_csv(report, owners, count);
	} else {
		report_line(report);
	}
	audit->results[report->audit.result]++;
	audit->failing += report->audit.fails;
	audit->hit += report->audit.hits;
}

/* In order. False: no memory. */
static bool places_tell(struct audit *audit)
{
	for (size_t at = 0; at < audit->count; at++) {
		struct place *place = &audit->places[at];

		pthread_mutex_lock(&audit->lock);
		while (!place->done) {
			progress(audit);
			pthread_cond_wait(&audit->change, &audit->lock);
		}
		pthread_mutex_unlock(&audit->lock);
		progress_wipe();
		if (place->failed)
			return false;
		place_tell(audit, at);
		place_free(place);
	}
	return true;
}

static void summary(const struct audit *audit)
{
	const char *before = ": ";

	printf("%zu domain%s", audit->count, audit->count == 1 ? "" : "s");
	for (size_t i = 0; i < SPF_RESULTS; i++) {
		if (audit->results[i] == 0)
			continue;
		printf("%s%zu %s", before, audit->results[i], spf_result_names[i]);
		before = ", ";
	}
	if (audit->hit > 0)
		printf("; DMARC would hit mail of %zu", audit->hit);
	puts(audit->failing > 0 ? ". `leumund spf DOMAIN` shows what to publish" : "");
}

static int domains_audit(struct audit *audit)
{
	pthread_t workers[WORKERS_MAX];
	const size_t started = workers_start(audit, workers);
	bool good = started > 0;

	if (audit->call->json)
		fputs("{\"domains\":[", stdout);
	else if (audit->call->csv)
		report_csv_head();
	good = good && places_tell(audit);
	pthread_mutex_lock(&audit->lock);
	audit->next = audit->count;
	pthread_mutex_unlock(&audit->lock);
	for (size_t i = 0; i < started; i++)
		pthread_join(workers[i], NULL);
	if (!good) {
		complain("no memory, or no threads");
		return EX_OSERR;
	}
	if (audit->call->json)
		puts("]}");
	else if (!audit->call->csv)
		summary(audit);
	return audit->failing > 0 ? EXIT_FINDING : EX_OK;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static int audit_run(struct audit *audit)
{
	int status = tool_setup(audit->call, &audit->setup);

	if (status == 0)
		audit->egress = egress_find(audit->call, audit->setup.egress, &status);
	if (audit->egress)
		status = domains_load(audit);
	if (status != 0)
		return status;
	audit->dns = spf_dns_open(audit->call, audit->setup.dns, &status);
	if (audit->dns)
		status = domains_audit(audit);
	dns_close(&audit->dns);
	return status;
}

int command_audit(const struct call *call)
{
	struct audit audit = { .call = call, .lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER };
	int status;

	if (strcmp(call->words[0], "spf") != 0 || (call->csv && call->json)) {
		complain(call->csv && call->json ? "'audit': --csv and --json exclude each other"
						 : "'audit' needs: spf");
		return EX_USAGE;
	}
	status = audit_run(&audit);
	for (size_t i = 0; audit.places && i < audit.count; i++)
		place_free(&audit.places[i]);
	free(audit.places);
	free(audit.domains);
	directory_unref(&audit.directory);
	egress_free(&audit.egress);
	setup_free(&audit.setup);
	return status;
}
