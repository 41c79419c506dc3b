/*
 * The skeleton of leumundd (service.h): start, takeover, reload, drain, end.
 *
 * libmilter runs on a thread of its own, and signals are handled by this one (see also front_milter.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "canary.h"
#include "clock.h"
#include "front.h"
#include "json.h"
#include "log.h"
#include "notify.h"
#include "pid_file.h"
#include "privileges.h"
#include "service.h"

#define DESCRIPTORS_WANTED 65536
#define DESCRIPTORS_SPARE 64 /* log, store, directory, canary */
#define TICK_MS 1000
#define CANARY_DEADLINE_MS 3000
#define STOP_GRACE_MS 2000	 /* for messages that are just being judged when no successor is there */
#define QUIET_BEFORE_END_MS 1000 /* a connection that was accepted but has said nothing yet is not counted */
#define STORE_FLUSH_MS 500
#define NAME_BYTES 128

enum canary_state { CANARY_NOT_YET, CANARY_WELL, CANARY_FAILED, CANARY_NOTHING_TO_TEST, CANARY_UNANSWERED };

static const char *const canary_words[] = { "not yet", "refused", "PASSED", "nothing to test", "no answer" };

static struct {
	char directory[PATH_MAX]; /* of the configuration, absolute */
	char run[PATH_MAX];
	const char *name; /* of the service */
	const struct milter *const *milters;
	bool stay_root;

	pthread_mutex_t lock; /* guards the next two */
	struct house *house;
	struct directory *domains;

	struct house *first_house; /* the store's options live in it */
	struct store *store;

	char milter_name[NAME_BYTES + 8]; /* public, as libmilter names it */
	char milter_path[NAME_BYTES], exim_path[NAME_BYTES], pid_path[NAME_BYTES];
	ino_t exim_inode; /* of our socket: is the public name still ours? */
	bool on_inet;

	char canary_login[40];
	_Atomic int canary;
	_Atomic int64_t canary_at_ms;
	int64_t canary_due; /* clock_ticks_ms() */
	int64_t started_ms, reloaded_ms;
} service = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int signal_pipe[2] = { -1, -1 };

/* ---- what the fronts ask ----------------------------------------------------------------------- */

struct house *service_house(void)
{
	struct house *house;

	pthread_mutex_lock(&service.lock);
	house = house_ref(service.house);
	pthread_mutex_unlock(&service.lock);
	return house;
}

struct directory *service_directory(void)
{
	struct directory *directory;

	pthread_mutex_lock(&service.lock);
	directory = service.domains ? directory_ref(service.domains) : NULL;
	pthread_mutex_unlock(&service.lock);
	return directory;
}

struct store *service_store(void)
{
	return service.store;
}

struct verdict_listing {
	struct text *text;
	const char *milter, *rule;
};

static void list_verdict(void *arg, const char *milter, const char *rule, const char *action, uint64_t count)
{
	struct verdict_listing *listing = arg;

	json_open(listing->text, NULL, '{');
	json_member(listing->text, "milter", milter);
	json_member(listing->text, "rule", rule);
	json_member(listing->text, "action", action);
	json_member_u64(listing->text, "count", count);
	json_close(listing->text, '}');
}

static void list_store(struct text *text)
{
	static const char *const words[] = { "up", "connecting", "away", "denied" };
	struct store_status status;

	json_open(text, "store", '{');
	if (service.store) {
		store_status(service.store, &status);
		json_member(text, "state", words[status.state]);
		json_member_u64(text, "since_ms", (uint64_t)status.since_ms);
		json_member(text, "server", status.server);
		json_member(text, "trouble", status.trouble);
		json_member_u64(text, "posted", status.posted);
		json_member_u64(text, "written", status.written);
		json_member_u64(text, "dropped", status.dropped);
	}
	json_close(text, '}');
}

static void list_milters(struct text *text, const struct house *house)
{
	json_open(text, "milters", '[');
	for (size_t i = 0; i < stack_count(house_stack(house)); i++)
		json_member(text, NULL, stack_milter(house_stack(house), i)->name);
	json_close(text, ']');
}

bool service_status(char *out, size_t size)
{
	struct text text;
	struct verdict_listing listing = { .text = &text };
	struct house *house = service_house();
	struct directory *directory = service_directory();

	text_init(&text, out, size);
	text_char(&text, '{');
	json_member(&text, "service", service.name);
	json_member(&text, "version", LEUMUND_VERSION);
	json_member_u64(&text, "pid", (uint64_t)getpid());
	json_member_u64(&text, "since_ms", (uint64_t)service.started_ms);
	json_member_u64(&text, "configured_ms", (uint64_t)service.reloaded_ms);
	json_member(&text, "config", service.directory);
	list_milters(&text, house);
	json_member_u64(&text, "connections", front_milter_connections());
	json_member_u64(&text, "exim_connections", front_exim_connections());
	json_member_u64(&text, "messages", front_milter_messages());
	json_member_u64(&text, "accepted", judge_accepted());
	json_open(&text, "verdicts", '[');
	judge_counts(list_verdict, &listing);
	json_close(&text, ']');
	list_store(&text);
	json_member_u64(&text, "domains", directory_size(directory));
	json_member_u64(&text, "domains_changed_ms", (uint64_t)directory_changed_ms(directory));
	json_member(&text, "canary", canary_words[atomic_load(&service.canary)]);
	json_member_u64(&text, "canary_ms", (uint64_t)atomic_load(&service.canary_at_ms));
	json_member_u64(&text, "log_lines_lost", log_lost());
	text_char(&text, '}');
	directory_unref(&directory);
	house_unref(&house);
	return !text.cut;
}

/* ---- configuration and directory --------------------------------------------------------------- */

/* An error text has one problem a line. */
static void log_lines(enum log_level level, char *lines)
{
	char *save = NULL;

	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		log_printf(level, "%s", line);
}

static void report_directory(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	log_printf(is_warning ? LEVEL_WARNING : LEVEL_INFO, "%s", sentence);
}

/* Once a second: the panel's files may have changed. */
static void directory_look(void)
{
	struct house *house = service_house();
	struct directory *old = service.domains, *new;

	new = directory_reload(old, &house_setup(house)->domains, report_directory, NULL);
	if (new) {
		pthread_mutex_lock(&service.lock);
		service.domains = new;
		pthread_mutex_unlock(&service.lock);
		directory_unref(&old);
		log_info("directory: %zu domains and logins are known", directory_size(new));
	}
	house_unref(&house);
}

static void log_as_configured(const struct leumund_options *options)
{
	log_open("leumundd", (enum log_target)options->log, (enum log_level)(LEVEL_ERROR + options->log_level));
}

static void reload(void)
{
	char error[4096];
	struct house *new = house_load(service.directory, service.name, service.milters, error, sizeof(error));
	struct house *old = service.house;

	if (!new) {
		log_error("the new configuration is refused, the old one stays in force:");
		log_lines(LEVEL_ERROR, error);
		return;
	}
	pthread_mutex_lock(&service.lock);
	service.house = new;
	pthread_mutex_unlock(&service.lock);
	house_unref(&old);
	log_as_configured(house_setup(new)->leumund);
	service.reloaded_ms = clock_wall_ms();
	service.canary_due = 0;
	log_notice("the configuration was read again");
	directory_look();
}

/* ---- canary ------------------------------------------------------------------------------------ */

static void canary_prepare(void)
{
	unsigned char secret[16];

	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		abort();
	for (size_t i = 0; i < sizeof(secret); i++)
		snprintf(service.canary_login + 2 * i, 3, "%02x", secret[i]);
	judge_start(service.canary_login);
}

/* What it says once it says again only when it changes; a failure is said each time. */
static void canary_note(enum canary_state state)
{
	int before = atomic_exchange(&service.canary, (int)state);

	atomic_store(&service.canary_at_ms, clock_wall_ms());
	if (state == CANARY_FAILED)
		log_error("canary: a forged message was accepted; this service does not filter");
	else if (state == CANARY_UNANSWERED)
		log_error("canary: no answer within %d ms", CANARY_DEADLINE_MS);
	else if (state == CANARY_NOTHING_TO_TEST && before != (int)state)
		log_warning("canary: no rule can refuse anything; set default_domains, or name the directory's files "
			    "in leumund.domains");
	else if (state == CANARY_WELL && before != (int)state)
		log_info("canary: a forged message was refused");
	if (before != (int)state || state == CANARY_FAILED) {
		char sentence[80];

		snprintf(sentence, sizeof(sentence), "canary: %s", canary_words[state]);
		notify_status(sentence);
	}
}

static enum canary_state canary_run(const char *socket_name)
{
	struct house *house = service_house();
	struct directory *directory = service_directory();
	struct forgery forgery;
	enum canary_state state = CANARY_NOTHING_TO_TEST;

	if (stack_forge(house_stack(house), directory, &forgery)) {
		switch (canary_send(socket_name, &forgery, service.canary_login, CANARY_DEADLINE_MS)) {
		case CANARY_REFUSED:
			state = CANARY_WELL;
			break;
		case CANARY_PASSED:
			state = CANARY_FAILED;
			break;
		case CANARY_NO_ANSWER:
			state = CANARY_UNANSWERED;
			break;
		}
	}
	canary_note(state);
	service.canary_due = clock_ticks_ms() + house_setup(house)->leumund->canary_every * 1000;
	directory_unref(&directory);
	house_unref(&house);
	return state;
}

static bool canary_is_due(void)
{
	return house_setup(service.house)->leumund->canary_every > 0 && clock_ticks_ms() >= service.canary_due;
}

/* ---- start ------------------------------------------------------------------------------------- */

static void on_signal(int number)
{
	int saved = errno;
	char byte = (char)number;
	ssize_t n = write(signal_pipe[1], &byte, 1);

	(void)n; /* full: enough is pending */
	errno = saved;
}

static int signals_catch(void)
{
	static const int caught[] = { SIGHUP, SIGTERM, SIGINT };
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_NODEFER };

	signal(SIGPIPE, SIG_IGN);
	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(caught) / sizeof(*caught); i++)
		sigaction(caught[i], &action, NULL);
	return 0;
}

/* As many descriptors as the system allows; two thirds of them for the MTA's connections at most. */
static void descriptors_raise(struct leumund_options *limits)
{
	struct rlimit limit;
	int64_t most;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < DESCRIPTORS_WANTED) {
		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	most = ((int64_t)limit.rlim_cur - DESCRIPTORS_SPARE) * 2 / 3;
	if (limits->max_connections > most) {
		log_warning(
			"max_connections is lowered to %lld: this process may open %llu files only (raise LimitNOFILE)",
			(long long)most, (unsigned long long)limit.rlim_cur);
		limits->max_connections = most;
	}
}

static int fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(int status, const char *format, ...)
{
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	log_error("%s", sentence);
	/* whoever starts us looks at the terminal first */
	if (house_setup(service.house)->leumund->log == LOG_TO_SYSLOG)
		fprintf(stderr, "leumundd: %s\n", sentence);
	return status;
}

/*
 * Makes the run directory, goes there (so that a private path above it, or a long one, does not matter
 * afterwards) and gives up root.
 */
static int settle(const struct leumund_options *options)
{
	bool drop = geteuid() == 0 && !service.stay_root;
	struct account_ids ids = { geteuid(), getegid() };
	char error[256];

	if (drop && privileges_find(options->user, options->socket_group, &ids, error, sizeof(error)) < 0)
		return fail(EX_NOUSER, "%s", error);
	if (mkdir(service.run, 0750) == 0 && drop && chown(service.run, ids.uid, ids.gid) < 0)
		return fail(EX_OSERR, "%s: cannot be given to user '%s': %s", service.run, options->user,
			    strerror(errno));
	if (chdir(service.run) < 0)
		return fail(EX_OSERR, "%s: %s; create it, or set leumund.run", service.run, strerror(errno));
	if (drop && privileges_drop(options->user, &ids, error, sizeof(error)) < 0)
		return fail(EX_NOPERM, "%s", error);
	umask(0027);
	return 0;
}

static const char *inet_name(const struct leumund_options *options)
{
	size_t len = strlen(service.name);

	for (size_t i = 0; i < options->listen.count; i++)
		if (!strncmp(options->listen.at[i], service.name, len) && options->listen.at[i][len] == '=')
			return options->listen.at[i] + len + 1;
	return NULL;
}

/* A TCP port cannot be taken over by a rename: the one before us must have ended. */
static void predecessor_wait(pid_t pid)
{
	for (int i = 0; pid > 0 && i < 100; i++) {
		if (i == 0)
			kill(pid, SIGTERM);
		(void)poll(NULL, 0, 100);
		if (pid_file_holder(service.pid_path) != pid)
			return;
	}
}

static int listen_milter(const struct leumund_options *options, pid_t predecessor, char *private, size_t size)
{
	const char *inet = inet_name(options);

	snprintf(service.milter_path, sizeof(service.milter_path), "%s.sock", service.name);
	if (inet) {
		log_warning("%s listens on %s: every program of every customer on this host can talk to it and learn "
			    "the verdicts; "
			    "a unix socket would keep them out",
			    service.name, inet);
		service.on_inet = true;
		predecessor_wait(predecessor);
		snprintf(private, size, "%s", inet);
		snprintf(service.milter_name, sizeof(service.milter_name), "%s", inet);
	} else {
		snprintf(private, size, "unix:.%s.sock.%ld", service.name, (long)getpid());
		snprintf(service.milter_name, sizeof(service.milter_name), "unix:%s", service.milter_path);
	}
	if (front_milter_start(private, options) < 0)
		return -1;
	if (!inet && chmod(private + strlen("unix:"), 0660) < 0) {
		log_error("%s: cannot be given mode 0660: %s", private, strerror(errno));
		return -1;
	}
	return 0;
}

static int listen_exim(char *private, size_t size)
{
	struct stat status;

	snprintf(service.exim_path, sizeof(service.exim_path), "%s.exim.sock", service.name);
	snprintf(private, size, ".%s.exim.sock.%ld", service.name, (long)getpid());
	if (front_exim_start(private) < 0)
		return -1;
	if (chmod(private, 0660) < 0 || stat(private, &status) < 0) {
		log_error("%s: cannot be given mode 0660: %s", private, strerror(errno));
		return -1;
	}
	service.exim_inode = status.st_ino;
	return 0;
}

static void private_remove(const char *milter_private, const char *exim_private)
{
	if (!service.on_inet)
		unlink(milter_private + strlen("unix:"));
	unlink(exim_private);
}

/*
 * The new sockets are made, and tried, under private names; one rename each puts them in force without
 * a moment at which an MTA finds none.
 */
static int serve(const struct leumund_options *options)
{
	char milter_private[NAME_BYTES], exim_private[NAME_BYTES];
	pid_t predecessor;

	snprintf(service.pid_path, sizeof(service.pid_path), "%s.pid", service.name);
	predecessor = pid_file_holder(service.pid_path);
	if (listen_milter(options, predecessor, milter_private, sizeof(milter_private)) < 0 ||
	    listen_exim(exim_private, sizeof(exim_private)) < 0)
		return EX_OSERR;
	if (options->canary_every > 0 && canary_run(milter_private) == CANARY_FAILED) {
		private_remove(milter_private, exim_private);
		return EX_UNAVAILABLE;
	}
	if ((!service.on_inet && rename(milter_private + strlen("unix:"), service.milter_path) < 0) ||
	    rename(exim_private, service.exim_path) < 0) {
		int saved = errno;

		private_remove(milter_private, exim_private);
		return fail(EX_OSERR, "%s: the sockets cannot be put in force: %s", service.run, strerror(saved));
	}
	if (pid_file_take(service.pid_path) < 0)
		return fail(EX_OSERR, "%s/%s: %s", service.run, service.pid_path, strerror(errno));
	if (predecessor > 0 && !service.on_inet) {
		log_notice("process %ld is replaced", (long)predecessor);
		kill(predecessor, SIGTERM);
	}
	return 0;
}

/* ---- end --------------------------------------------------------------------------------------- */

static bool is_superseded(void)
{
	struct stat status;

	return stat(service.exim_path, &status) == 0 && status.st_ino != service.exim_inode;
}

static unsigned open_connections(void)
{
	return front_milter_connections() + front_exim_connections();
}

/* Waits until the last connection has been over for a moment, or the limit. */
static void drain(int64_t limit_ms)
{
	int64_t now = clock_ticks_ms(), end = now + limit_ms, busy_at = now;

	while (now < end && now - busy_at < QUIET_BEFORE_END_MS && (open_connections() > 0 || is_superseded())) {
		(void)poll(NULL, 0, 20);
		now = clock_ticks_ms();
		if (open_connections() > 0)
			busy_at = now;
	}
}

#if defined(__SANITIZE_ADDRESS__)
void __lsan_do_leak_check(void);
#endif

/* libmilter would take five more seconds to notice; nothing of ours needs its goodbye. */
static void leave(int status) __attribute__((noreturn));
static void leave(int status)
{
	pid_file_remove(service.pid_path);
	store_close(&service.store, STORE_FLUSH_MS);
#if defined(__SANITIZE_ADDRESS__)
	__lsan_do_leak_check();
#endif
	_exit(status);
}

static void end(int status)
{
	bool superseded = is_superseded();
	int64_t limit_ms = superseded ? house_setup(service.house)->leumund->drain_limit * 1000 : STOP_GRACE_MS;

	notify_stopping();
	if (!superseded) {
		if (!service.on_inet)
			unlink(service.milter_path);
		unlink(service.exim_path);
	}
	log_notice("ending; %u connections are open%s", open_connections(),
		   superseded ? ", a successor takes the new ones" : "");
	drain(limit_ms);
	if (open_connections() > 0)
		log_warning("%u connections were cut off after %lld ms", open_connections(), (long long)limit_ms);
	leave(status);
}

/* ---- the loop ---------------------------------------------------------------------------------- */

static void tick(void)
{
	directory_look();
	if (canary_is_due() && canary_run(service.milter_name) == CANARY_FAILED && !is_superseded())
		end(EX_UNAVAILABLE); /* so that systemd sees a failure and starts a fresh process */
	if (front_milter_has_ended())
		end(EX_OSERR);
	notify_alive();
}

static void loop(void)
{
	for (;;) {
		struct pollfd fd = { .fd = signal_pipe[0], .events = POLLIN };
		char byte;

		if (poll(&fd, 1, TICK_MS) < 0 && errno != EINTR)
			(void)poll(NULL, 0, TICK_MS);
		while (read(signal_pipe[0], &byte, 1) == 1) {
			if (byte == SIGHUP)
				reload();
			else
				end(EX_OK);
		}
		tick();
	}
}

static int usage(void)
{
	fputs("usage: leumundd [-c CONF.D] [-r RUN] [-S] [-t] SERVICE\n"
	      "  -c  configuration directory (" LEUMUND_SYSCONFDIR "/leumund/conf.d)\n"
	      "  -r  run directory instead of leumund.run\n"
	      "  -S  stay root when started as root (private test instances)\n"
	      "  -t  check the configuration and end\n",
	      stderr);
	return EX_USAGE;
}

static int arguments_read(int argc, char **argv, bool *test)
{
	const char *directory = LEUMUND_SYSCONFDIR "/leumund/conf.d", *run = NULL;
	int option;

	while ((option = getopt(argc, argv, "c:r:St")) != -1) {
		switch (option) {
		case 'c':
			directory = optarg;
			break;
		case 'r':
			run = optarg;
			break;
		case 'S':
			service.stay_root = true;
			break;
		case 't':
			*test = true;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc - 1)
		return usage();
	service.name = argv[optind];
	if (!realpath(directory, service.directory)) {
		fprintf(stderr, "leumundd: %s: %s\n", directory, strerror(errno));
		return EX_CONFIG;
	}
	snprintf(service.run, sizeof(service.run), "%s", run ? run : "");
	return 0;
}

int service_main(int argc, char **argv, const struct milter *const *milters)
{
	struct leumund_options limits; /* as lowered by what the system allows */
	char error[4096];
	bool test = false;
	int status = arguments_read(argc, argv, &test);

	if (status != 0)
		return status;
	service.milters = milters;
	service.house = house_load(service.directory, service.name, milters, error, sizeof(error));
	if (!service.house) {
		fprintf(stderr, "%s\n", error);
		return EX_CONFIG;
	}
	if (test) {
		printf("%s: the configuration of service '%s' is good\n", service.directory, service.name);
		return EX_OK;
	}
	service.first_house = house_ref(service.house);
	limits = *house_setup(service.house)->leumund;
	log_as_configured(&limits);
	if (service.run[0] == '\0')
		snprintf(service.run, sizeof(service.run), "%s", limits.run);
	service.started_ms = service.reloaded_ms = clock_wall_ms();
	if (signals_catch() < 0)
		return fail(EX_OSERR, "no pipe: %s", strerror(errno));
	descriptors_raise(&limits);
	status = settle(&limits);
	if (status != 0)
		return status;
	canary_prepare();
	directory_look();
	service.store = store_open(house_setup(service.house)->store, "./redis.sock", error, sizeof(error));
	if (!service.store)
		return fail(EX_CONFIG, "%s", error);
	status = serve(&limits);
	if (status != 0)
		leave(status);
	notify_ready();
	log_notice("leumundd " LEUMUND_VERSION " serves '%s' in %s", service.name, service.run);
	loop();
	return EX_OK;
}
