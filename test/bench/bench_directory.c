/*
 * Measures the directory with a million domains (or argv[1]): loading, memory beside the names, a
 * lookup, an account's list. Exit status 1 when a limit that is promised is broken.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "directory/directory.h"

#define LOAD_LIMIT_S 2.0
#define BYTES_LIMIT 100.0
#define LOOKUP_LIMIT_NS 1000.0
#define LOOKUPS 400000
#define ROUNDS 7

/* Of this process's CPU: others on the machine shall not count. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Names as hosters have them: two domains an account, lengths 10 to 30. */
static void domain_of(char *out, size_t size, unsigned i)
{
	static const char *const words[] = { "garten", "hotel", "praxis-am-park", "verein", "shop", "malermeister",
					     "it",     "foto" };
	static const char *const ends[] = { "de", "com", "example", "net", "co.uk" };

	snprintf(out, size, "%s-%u.%s", words[i % 8], i * 2654435761u, ends[i % 5]);
}

static size_t write_file(const char *path, unsigned count, unsigned per_account)
{
	FILE *out = fopen(path, "w");
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = time(NULL) - 10 } };
	size_t names = 0;

	if (!out)
		return 0;
	for (unsigned i = 0; i < count; i++) {
		char domain[64], account[32];

		domain_of(domain, sizeof(domain), i);
		snprintf(account, sizeof(account), "cp%u", i / per_account);
		fprintf(out, "%s: %s\n", domain, account);
		names += strlen(domain) + 1 + (i % per_account == 0 ? strlen(account) + 1 : 0);
	}
	fputs("*: nobody\n", out);
	if (fclose(out) != 0 || utimensat(AT_FDCWD, path, times, 0) != 0)
		return 0;
	return names;
}

static void print_report(void *arg, bool is_warning, const char *sentence)
{
	(void)arg;
	printf("# %s%s\n", is_warning ? "warning: " : "", sentence);
}

static void count_domain(void *arg, const char *domain)
{
	(void)domain;
	++*(size_t *)arg;
}

static double lookup_ns(const struct directory *directory, unsigned count, unsigned per_account, const char *prefix,
			bool parents)
{
	enum { BATCH = 4096 };
	static char domains[BATCH][80], accounts[BATCH][32];
	double total = 0;
	size_t owned = 0;

	for (unsigned done = 0; done < LOOKUPS; done += BATCH) {
		double start;

		for (unsigned j = 0; j < BATCH; j++) {
			unsigned i = ((done + j) * 2246822519u) % count;
			char domain[64];

			domain_of(domain, sizeof(domain), i);
			snprintf(domains[j], sizeof(domains[j]), "%s%s", prefix, domain);
			snprintf(accounts[j], sizeof(accounts[j]), "cp%u", i / per_account);
		}
		start = seconds();
		for (unsigned j = 0; j < BATCH; j++)
			owned += directory_owns(directory, accounts[j], domains[j], parents);
		total += seconds() - start;
	}
	if (owned < LOOKUPS)
		printf("not ok: only %zu of %d lookups found their owner\n", owned, LOOKUPS);
	return total * 1e9 / LOOKUPS;
}

/* The best of some rounds: what the machine's other work adds is not the directory's. */
static double best_lookup_ns(const struct directory *directory, unsigned count, unsigned per_account,
			     const char *prefix, bool parents)
{
	double best = lookup_ns(directory, count, per_account, prefix, parents);

	for (int i = 1; i < ROUNDS; i++) {
		double now = lookup_ns(directory, count, per_account, prefix, parents);

		best = now < best ? now : best;
	}
	return best;
}

static bool within(const char *what, double value, const char *unit, double limit)
{
	printf("%-44s %10.2f %-6s (limit %.0f) %s\n", what, value, unit, limit, value <= limit ? "ok" : "TOO MUCH");
	return value <= limit;
}

static bool measure(const char *path, unsigned count, unsigned per_account)
{
	const struct string_list files = { &path, 1 };
	size_t names = write_file(path, count, per_account), before = heap(), listed = 0;
	double start = seconds(), loaded, list;
	struct directory *directory = directory_reload(NULL, &files, print_report, NULL);
	char account[32];
	bool good;

	loaded = seconds() - start;
	if (!directory || names == 0)
		return false;
	printf("%u domains, %u of an account:\n", count, per_account);
	good = within("load", loaded, "s", LOAD_LIMIT_S);
	good &= within("memory beside the names, each domain", (double)(heap() - before - names) / count, "bytes",
		       BYTES_LIMIT);
	good &= within("directory_owns()", best_lookup_ns(directory, count, per_account, "", false), "ns",
		       LOOKUP_LIMIT_NS);
	good &= within("directory_owns() through a parent: two lookups",
		       best_lookup_ns(directory, count, per_account, "www.", true), "ns", 2 * LOOKUP_LIMIT_NS);
	snprintf(account, sizeof(account), "cp%u", count / per_account / 2);
	start = seconds();
	directory_domains(directory, account, count_domain, &listed);
	list = seconds() - start;
	printf("%-44s %10.2f ms     (%zu domains)\n", "directory_domains() of one account", list * 1e3, listed);
	start = seconds();
	if (directory_reload(directory, &files, print_report, NULL))
		good = false;
	printf("%-44s %10.2f us\n", "directory_reload() of an unchanged file", (seconds() - start) * 1e6);
	directory_unref(&directory);
	return good;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/bench_directory.XXXXXX";
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
	int fd = mkstemp(path);
	bool good;

	if (fd < 0 || count < 1000)
		return 2;
	close(fd);
	good = measure(path, count, 2);
	good &= measure(path, count, 1);
	unlink(path);
	return good ? 0 : 1;
}
