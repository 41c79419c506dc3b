/*
 * What the system lets this process have (system/process_limits.h).
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "system/process_limits.h"

#define DESCRIPTORS_WANTED 65536
#define DESCRIPTORS_SPARE 64 /* log, store, directory, canary */
#define CONNECTIONS_LEAST 10 /* of the option's range */

/* ---- threads ----------------------------------------------------------------------------------- */

static int64_t number_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[32] = "", *end;
	long long number;

	if (!file)
		return INT64_MAX;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	number = strtoll(line, &end, 10);
	return end == line ? INT64_MAX : number; /* "max" */
}

/* `group` is "/a/b"; a limit of /a binds too. */
static int64_t group_pids(const char *hierarchy, char *group)
{
	int64_t least = INT64_MAX;

	for (;;) {
		char path[PATH_MAX], *slash = strrchr(group, '/');
		int64_t found;

		if (snprintf(path, sizeof(path), "%s%s/pids.max", hierarchy, group) < (int)sizeof(path)) {
			found = number_read(path);
			if (found < least)
				least = found;
		}
		if (!slash)
			return least;
		*slash = '\0';
	}
}

/* "0::/group" is version 2; "8:cpu,pids:/group" is version 1, in a hierarchy of its own. */
static int64_t line_pids(const char *root, char *line)
{
	char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
	char hierarchy[PATH_MAX];
	bool second;

	if (!group)
		return INT64_MAX;
	controllers++;
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	second = controllers[0] == '\0';
	if (!second && strcmp(controllers, "pids") != 0)
		return INT64_MAX;
	snprintf(hierarchy, sizeof(hierarchy), "%s%s", root, second ? "" : "/pids");
	return group_pids(hierarchy, group);
}

int64_t process_limits_pids(const char *membership, const char *root)
{
	FILE *file = fopen(membership, "re");
	char line[PATH_MAX];
	int64_t least = INT64_MAX;

	while (file && fgets(line, sizeof(line), file)) {
		int64_t found = line_pids(root, line);

		if (found < least)
			least = found;
	}
	if (file)
		fclose(file);
	return least;
}

/* Of the user, all his processes together; root is exempt (setrlimit(2)). */
static int64_t user_threads(void)
{
	struct rlimit limit;

	if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) < 0)
		return INT64_MAX;
	if (limit.rlim_cur != limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NPROC, &limit);
		(void)getrlimit(RLIMIT_NPROC, &limit);
	}
	return limit.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)limit.rlim_cur;
}

/* ---- descriptors ------------------------------------------------------------------------------- */

static int64_t descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return INT64_MAX;
	if (limit.rlim_cur < DESCRIPTORS_WANTED) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur > INT32_MAX ? INT32_MAX : (int64_t)limit.rlim_cur;
}

/* ---- max_connections --------------------------------------------------------------------------- */

static int64_t lower(int64_t connections, int64_t most, const char *what, int64_t limit, const char *remedy)
{
	if (connections <= most)
		return connections;
	if (most < CONNECTIONS_LEAST)
		most = CONNECTIONS_LEAST;
	log_warning("max_connections is lowered to %lld: there may be only %lld %s; raise %s", (long long)most,
		    (long long)limit, what, remedy);
	return most;
}

int64_t process_limits_apply(int64_t connections, size_t services, unsigned other_threads)
{
	int64_t descriptors = descriptors_raise(), user = user_threads();
	int64_t group = process_limits_pids("/proc/self/cgroup", "/sys/fs/cgroup");
	int64_t shares = services > 0 ? (int64_t)services : 1;

	/* a third for lookups, Exim's questions, and whoever is told to come back later */
	connections = lower(connections, (descriptors - DESCRIPTORS_SPARE) * 2 / 3, "open files in this process",
			    descriptors, "LimitNOFILE (ulimit -n)");
	connections = lower(connections, user / shares - other_threads, "threads of this user", user,
			    "LimitNPROC (ulimit -u)");
	return lower(connections, group / shares - other_threads, "threads in this control group", group,
		     "TasksMax (pids.max)");
}
