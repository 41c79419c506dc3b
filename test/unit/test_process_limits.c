/*
 * system/process_limits.h: the limit of threads that binds is found in both versions of control groups.
 */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/process_limits.h"

static char root[] = "/tmp/leumund-limits-XXXXXX";
static char path[256];

static const char *at(const char *name)
{
	snprintf(path, sizeof(path), "%s%s", root, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *const folders[] = { "/pids", "/pids/a", "/pids/a/b", "/u", "/u/s.service" };

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (mkdir(at(folders[i]), 0700) < 0)
			return -1;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = { "/pids/pids.max", "/pids/a/pids.max",	"/pids/a/b/pids.max",
					     "/u/pids.max",    "/u/s.service/pids.max", "/membership" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)unlink(at(files[i]));
	for (size_t i = sizeof(folders) / sizeof(*folders); i > 0; i--)
		(void)rmdir(at(folders[i - 1]));
	return rmdir(root);
}

static int64_t limit_of(const char *membership)
{
	char file[256];

	put("/membership", membership);
	snprintf(file, sizeof(file), "%s", at("/membership"));
	return process_limits_pids(file, root);
}

static void smallest_limit_on_the_way_up_binds(void **state)
{
	(void)state;
	put("/u/s.service/pids.max", "4096\n");
	assert_int_equal(limit_of("0::/u/s.service\n"), 4096);
	put("/u/pids.max", "max\n");
	assert_int_equal(limit_of("0::/u/s.service\n"), 4096);
	put("/u/pids.max", "300\n");
	assert_int_equal(limit_of("0::/u/s.service\n"), 300);
	put("/pids/a/b/pids.max", "200\n");
	put("/pids/a/pids.max", "500\n");
	put("/pids/pids.max", "max\n");
	assert_int_equal(limit_of("9:cpu,cpuacct:/x\n8:pids:/a/b\n1:name=systemd:/a\n0::/\n"), 200);
	assert_int_equal(limit_of("8:pids:/a\n0::/u\n"), 300);
}

static void without_a_limit_there_is_none(void **state)
{
	(void)state;
	assert_int_equal(limit_of(""), INT64_MAX);
	assert_int_equal(limit_of("0::/\n"), INT64_MAX);
	assert_int_equal(limit_of("0::/nowhere/at/all\n"), INT64_MAX);
	assert_int_equal(limit_of("nonsense\n:\n::\n0:\n"), INT64_MAX);
	assert_int_equal(process_limits_pids("/nowhere/at/all", root), INT64_MAX);
}

static void connections_fit_into_the_descriptors(void **state)
{
	struct rlimit before, few;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(process_limits_apply(100, 1, 16), 100);
	few.rlim_cur = few.rlim_max = 364;
	if (setrlimit(RLIMIT_NOFILE, &few) < 0)
		skip();
	assert_int_equal(process_limits_apply(1000, 1, 16), 200);
	assert_int_equal(process_limits_apply(150, 1, 16), 150);
	few.rlim_cur = few.rlim_max = 70;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(process_limits_apply(1000, 1, 16), 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(smallest_limit_on_the_way_up_binds),
		cmocka_unit_test(without_a_limit_there_is_none),
		cmocka_unit_test(connections_fit_into_the_descriptors),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
