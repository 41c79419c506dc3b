/*
 * `leumund check`: the server behind the store.
 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "check.h"
#include "redis_server.h"
#include "store/store.h"

#define STORE_MS 3000

static void store_finding(void *unused, int severity, const char *sentence)
{
	(void)unused;
	find_split((enum severity)severity, "store: ", sentence, "see the server's own log, and INSTALL, section 7");
}

/* The private server; false: it does not even run. */
static bool check_private(const struct check *check)
{
	const struct store_options *options = check->setup.store;
	struct redis_program program;
	struct statfs run;
	struct stat file;

	if (!redis_program_find(options->server, &program)) {
		find(FAIL, "install redis-tools or valkey, or set store.server or store.address",
		     "store: no program %s", options->server);
		return false;
	}
	find(FINE, NULL, "store: the private server's program is %s", program.path);
	if (options->data[0] == '\0' && statfs(".", &run) == 0 && run.f_type == TMPFS_MAGIC)
		find(WARN, "set store.data = \"/var/lib/leumund\" or the like",
		     "store: its data lie in %s, in memory: history and counters end with a reboot", check->run);
	if (stat(REDIS_SOCKET, &file) == 0)
		return true;
	find(FAIL,
	     "it starts with the services; where they run, redis.log in store.data or the run directory says why not",
	     "store: %s/%s: %s", check->run, REDIS_SOCKET, strerror(errno));
	return false;
}

void check_store(const struct check *check)
{
	const struct store_options *options = check->setup.store;
	struct store *store;
	char error[256];

	if (options->address[0] == '\0' && !check_private(check))
		return;
	store = store_open(options, REDIS_ADDRESS, error, sizeof(error));
	if (!store) {
		find(FAIL, "correct section store", "store: %s", error);
		return;
	}
	store_examine(store, store_finding, NULL, STORE_MS);
	store_close(&store, 0);
}
