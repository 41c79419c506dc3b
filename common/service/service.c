/*
 * The skeleton of leumundd (service/service.h): start, reload, drain, end.
 *
 * libmilter runs on a thread of its own, and signals are handled by this one (see also libmilter/guard.c).
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "front.h"
#include "log.h"
#include "service/canary_schedule.h"
#include "service/service.h"
#include "service/sockets.h"
#include "service/state.h"
#include "service/status.h"
#include "system/clock.h"
#include "system/notify.h"
#include "system/privileges.h"
#include "system/process_limits.h"
#include "system/signals.h"

#define TICK_MS 1000
#define STOP_GRACE_MS 2000	 /* for messages that are just being judged when no successor is there */
#define QUIET_BEFORE_END_MS 1000 /* a connection that was accepted but has said nothing yet is not counted */
#define STORE_FLUSH_MS 500
#define NOTICES_FLUSH_MS 1000

static struct {
	char directory[PATH_MAX]; /* of the configuration, absolute */
	char run[PATH_MAX];
	const char *name; /* of the service */
	bool stay_root;
} service;

static const int signals[] = { SIGHUP, SIGTERM, SIGINT };

/* ---- start ------------------------------------------------------------------------------------- */

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
	if (service_setup()->leumund->log == LOG_TO_SYSLOG)
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

static int serve(const struct leumund_options *options)
{
	static const char why[] = "%s: service '%s' is not started; the reason stands in the log";

	if (sockets_open(service.name, options, service_status) < 0) {
		sockets_withdraw();
		return fail(EX_OSERR, why, service.run, service.name);
	}
	if (options->canary_every > 0 && !service_canary_run(sockets_milter_name())) {
		sockets_withdraw();
		return EX_UNAVAILABLE;
	}
	if (sockets_publish() < 0) {
		sockets_withdraw();
		return fail(EX_OSERR, why, service.run, service.name);
	}
	return 0;
}

/* ---- end --------------------------------------------------------------------------------------- */

static unsigned open_connections(void)
{
	return front_milter_connections() + front_exim_connections();
}

/* Waits until the last connection has been over for a moment, or the limit. */
static void drain(int64_t limit_ms)
{
	int64_t now = clock_ticks_ms(), end = now + limit_ms, busy_at = now;

	while (now < end && now - busy_at < QUIET_BEFORE_END_MS && (open_connections() > 0 || sockets_superseded())) {
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
	sockets_pid_remove();
	service_store_close(STORE_FLUSH_MS);
	service_notices_end(NOTICES_FLUSH_MS);
#if defined(__SANITIZE_ADDRESS__)
	__lsan_do_leak_check();
#endif
	_exit(status);
}

static void end(int status)
{
	bool superseded = sockets_withdraw();
	int64_t limit_ms = superseded ? service_setup()->leumund->drain_limit * 1000 : STOP_GRACE_MS;

	notify_stopping();
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
	service_directory_look();
	if (service_canary_is_due() && !service_canary_run(sockets_milter_name()) && !sockets_superseded())
		end(EX_UNAVAILABLE); /* so that systemd sees a failure and starts a fresh process */
	if (front_milter_has_ended())
		end(EX_OSERR);
	notify_alive();
}

static void loop(void)
{
	for (;;) {
		struct pollfd fd = { .fd = signals_fd(), .events = POLLIN };
		int number;

		if (poll(&fd, 1, TICK_MS) < 0 && errno != EINTR)
			(void)poll(NULL, 0, TICK_MS);
		while ((number = signals_next())) {
			if (number != SIGHUP)
				end(EX_OK);
			if (service_reload())
				service_canary_soon();
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

/* What is opened once, before anybody is served. */
static int prepare(struct leumund_options *options)
{
	char error[512];
	int status;

	if (signals_catch(signals, sizeof(signals) / sizeof(*signals)) < 0)
		return fail(EX_OSERR, "no pipe: %s", strerror(errno));
	status = settle(options);
	if (status != 0)
		return status;
	options->max_connections =
		process_limits_apply(options->max_connections, service_setup()->service_count, FRONT_THREADS);
	service_canary_prepare();
	service_directory_look();
	if (service_store_open(error, sizeof(error)) < 0 || service_notices_open(error, sizeof(error)) < 0)
		return fail(EX_CONFIG, "%s", error);
	return 0;
}

int service_main(int argc, char **argv, const struct milter *const *milters)
{
	struct leumund_options options; /* as lowered by what the system allows */
	char error[4096];
	bool test = false;
	int status = arguments_read(argc, argv, &test);

	if (status != 0)
		return status;
	if (service_load(service.directory, service.name, milters, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s\n", error);
		return EX_CONFIG;
	}
	if (test) {
		printf("%s: the configuration of service '%s' is good\n", service.directory, service.name);
		return EX_OK;
	}
	options = *service_setup()->leumund;
	if (service.run[0] == '\0')
		snprintf(service.run, sizeof(service.run), "%s", options.run);
	service_status_start(service.name, service.directory);
	status = prepare(&options);
	if (status != 0)
		return status;
	status = serve(&options);
	if (status != 0)
		leave(status);
	notify_ready();
	log_notice("leumundd " LEUMUND_VERSION " serves '%s' in %s", service.name, service.run);
	loop();
	return EX_OK;
}
