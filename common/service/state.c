/*
 * What a service has in force (service/state.h). A reload puts a new object in the place of the old one, which
 * lives on until the last session that began under it is over.
 */
#include <pthread.h>
#include <string.h>

#include "log.h"
#include "service/state.h"
#include "system/clock.h"

/* The working directory is the run directory. */
#define PRIVATE_REDIS "./redis.sock"

static struct {
	const char *directory, *name;
	const struct milter *const *milters;

	pthread_mutex_t lock; /* guards the next three */
	struct house *house;
	struct directory *domains;
	struct store *store;

	struct house *first_house; /* the store's options live in it */
	struct notices *notices;   /* there before the first session, and until the process ends */
	int64_t configured_ms;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct house *service_house(void)
{
	struct house *house;

	pthread_mutex_lock(&state.lock);
	house = house_ref(state.house);
	pthread_mutex_unlock(&state.lock);
	return house;
}

struct directory *service_directory(void)
{
	struct directory *directory;

	pthread_mutex_lock(&state.lock);
	directory = state.domains ? directory_ref(state.domains) : NULL;
	pthread_mutex_unlock(&state.lock);
	return directory;
}

struct store *service_store(void)
{
	struct store *store;

	pthread_mutex_lock(&state.lock);
	store = state.store;
	pthread_mutex_unlock(&state.lock);
	return store;
}

struct notices *service_notices(void)
{
	return state.notices;
}

const struct setup *service_setup(void)
{
	return house_setup(state.house);
}

int64_t service_configured_ms(void)
{
	return state.configured_ms;
}

static void log_as_configured(void)
{
	const struct leumund_options *options = service_setup()->leumund;

	log_open("leumundd", (enum log_target)options->log, (enum log_level)(LEVEL_ERROR + options->log_level));
}

int service_load(const char *directory, const char *name, const struct milter *const *milters, char *error, size_t size)
{
	state.directory = directory;
	state.name = name;
	state.milters = milters;
	state.house = house_load(directory, name, milters, error, size);
	if (!state.house)
		return -1;
	state.first_house = house_ref(state.house);
	state.configured_ms = clock_wall_ms();
	log_as_configured();
	return 0;
}

/* An error text has one problem a line. */
static void log_lines(enum log_level level, char *lines)
{
	char *save = NULL;

	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_printf(level, "%s", line);
}

bool service_reload(void)
{
	char error[4096];
	struct house *new = house_load(state.directory, state.name, state.milters, error, sizeof(error));
	struct house *old = state.house;

	if (!new) {
		log_error("the new configuration is refused, the old one stays in force:");
		log_lines(LEVEL_ERROR, error);
		return false;
	}
	pthread_mutex_lock(&state.lock);
	state.house = new;
	pthread_mutex_unlock(&state.lock);
	/* its sessions may last longer than the store: only the house in force is told of the end */
	stack_rest(house_stack(old));
	house_unref(&old);
	log_as_configured();
	if (state.notices && !notices_configure(state.notices, service_setup()->notice))
		log_error("section notice is not in force: no memory, or no thread");
	state.configured_ms = clock_wall_ms();
	log_notice("the configuration was read again");
	service_directory_look();
	return true;
}

static void report_directory(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	log_printf(is_warning ? LEVEL_WARNING : LEVEL_INFO, "%s", sentence);
}

void service_directory_look(void)
{
	struct directory *old = state.domains;
	struct directory *new = directory_reload(old, &house_setup(state.house)->domains, report_directory, NULL);

	if (!new)
		return;
	pthread_mutex_lock(&state.lock);
	state.domains = new;
	pthread_mutex_unlock(&state.lock);
	directory_unref(&old);
	log_info("directory: %zu domains and logins are known", directory_size(new));
}

int service_store_open(char *error, size_t size)
{
	state.store = store_open(house_setup(state.first_house)->store, PRIVATE_REDIS, error, size);
	return state.store ? 0 : -1;
}

void service_store_close(int64_t flush_ms)
{
	struct store *store;

	stack_rest(house_stack(state.house));
	/* sessions that are cut off go on until the process ends: what they begin now is not for the store */
	pthread_mutex_lock(&state.lock);
	store = state.store;
	state.store = NULL;
	pthread_mutex_unlock(&state.lock);
	store_close(&store, flush_ms);
}

int service_notices_open(char *error, size_t size)
{
	state.notices = notices_open(service_setup()->notice, state.name, error, size);
	return state.notices ? 0 : -1;
}

void service_notices_end(int64_t flush_ms)
{
	notices_end(state.notices, flush_ms);
}
