/*
 * leumund-learn: follows the MTA's log and tells the store what other servers answer. This file is its start and end;
 * the loop is follower.c.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "follower.h"
#include "learn.h"
#include "log.h"
#include "milters/table.h"
#include "setup.h"
#include "system/clock.h"
#include "system/notify.h"
#include "system/pid_file.h"
#include "system/privileges.h"
#include "system/signals.h"
#include "tool.h"

#define PID_FILE LEARN_NAME ".pid"
#define LOOK_MS 100
#define LATEST_MS 15000 /* until a predecessor must have ended */
#define STORE_MS 500

static struct {
	const char *conf, *run;
	bool print, once, from_begin, take_over, stay_root;
	char directory[PATH_MAX], pid_file[PATH_MAX], redis[PATH_MAX], here[256];
	struct setup setup;
	struct evidence_table *table;
} learn = { .conf = LEUMUND_SYSCONFDIR "/leumund/conf.d" };

/* ---- the command line -------------------------------------------------------------------------- */

static int usage(FILE *out, int status)
{
	fputs("usage: leumund-learn [-bST] [-c CONF.D] [-r RUN]              follows the logs of section learn\n"
	      "       leumund-learn [-S] [-c CONF.D] [-r RUN] FILE ... | -    reads these logs to their ends\n"
	      "       leumund-learn --print [-c CONF.D] [FILE ... | -]        prints outcomes, stores nothing\n"
	      "\n"
	      "  -b  a log without a known place is read from its begin, not from its end\n"
	      "  -c  configuration directory (" LEUMUND_SYSCONFDIR "/leumund/conf.d)\n"
	      "  -r  run directory instead of leumund.run\n"
	      "  -S  stay root when started as root (private test instances)\n"
	      "  -T  take over from one that runs already\n"
	      "\n"
	      "leumund-learn(8) explains it.\n",
	      out);
	return status;
}

/* getopt_long() would bring a struct option of its own. */
static void long_options_shorten(int argc, char **argv)
{
	static const struct {
		const char *name;
		char letters[3];
	} longs[] = {
		{ "--print", "-p" }, { "--config", "-c" }, { "--run", "-r" }, { "--help", "-h" }, { "--version", "-V" }
	};
	static char shorts[sizeof(longs) / sizeof(*longs)][3];

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		for (size_t j = 0; j < sizeof(longs) / sizeof(*longs); j++)
			if (strcmp(argv[i], longs[j].name) == 0) {
				memcpy(shorts[j], longs[j].letters, 3);
				argv[i] = shorts[j];
			}
}

/* 0, or -1: all is said, and *status is the exit status. */
static int arguments_read(int argc, char **argv, int *status)
{
	int letter;

	long_options_shorten(argc, argv);
	while ((letter = getopt(argc, argv, "bc:hpr:STV")) != -1) {
		switch (letter) {
		case 'b':
			learn.from_begin = true;
			break;
		case 'c':
			learn.conf = optarg;
			break;
		case 'p':
			learn.print = true;
			break;
		case 'r':
			learn.run = optarg;
			break;
		case 'S':
			learn.stay_root = true;
			break;
		case 'T':
			learn.take_over = true;
			break;
		case 'V':
			puts("leumund-learn " LEUMUND_VERSION);
			*status = EX_OK;
			return -1;
		default:
			*status = letter == 'h' ? usage(stdout, EX_OK) : usage(stderr, EX_USAGE);
			return -1;
		}
	}
	learn.once = optind < argc;
	return 0;
}

static int fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(int status, const char *format, ...)
{
	const bool by_hand = learn.once || learn.print || !learn.setup.leumund;
	char sentence[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (!by_hand)
		log_error("%s", sentence);
	/* whoever starts us looks at the terminal first */
	if (by_hand || learn.setup.leumund->log == LOG_TO_SYSLOG)
		complain("%s", sentence);
	return status;
}

static int setup_read(struct setup *setup)
{
	char error[4096];

	if (setup_load(setup, learn.directory, milters, error, sizeof(error)) == 0)
		return 0;
	if (learn.setup.leumund)
		log_error("the new configuration is refused: %s", error);
	else
		fprintf(stderr, "%s\n", error);
	return EX_CONFIG;
}

/* What answers mean, with the admin's tables; broken ones leave those of before in force. */
static int table_read(void)
{
	char error[4096];
	struct evidence_table *table = evidence_load(learn.directory, error, sizeof(error));

	if (!table)
		return fail(EX_CONFIG, "%s", error);
	evidence_free(&learn.table);
	learn.table = table;
	return 0;
}

/* ---- the place --------------------------------------------------------------------------------- */

/* Makes it with what is above it. */
static int directory_make(const char *path)
{
	char part[PATH_MAX];

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return mkdir(path, 0750);
}

/* Gives up root; a state directory that is new becomes the user's first. */
static int become_user(void)
{
	const struct leumund_options *options = learn.setup.leumund;
	const char *state = learn.setup.learn->state;
	const bool drop = geteuid() == 0 && !learn.stay_root;
	struct account_ids ids = { geteuid(), getegid() };
	char error[256];

	if (drop && privileges_find(options->user, options->socket_group, &ids, error, sizeof(error)) < 0)
		return fail(EX_NOUSER, "%s", error);
	if (directory_make(state) == 0) {
		if (drop && chown(state, ids.uid, ids.gid) < 0)
			return fail(EX_OSERR, "%s: cannot be given to user '%s': %s", state, options->user,
				    strerror(errno));
	} else if (errno != EEXIST) {
		return fail(EX_OSERR, "%s: cannot be made: %s; create it for user '%s', or set learn.state", state,
			    strerror(errno), options->user);
	}
	if (drop && privileges_drop(options->user, &ids, error, sizeof(error)) < 0)
		return fail(EX_NOPERM, "%s", error);
	umask(0027);
	return 0;
}

/* Two would count the same lines from one place. The one before, asked to end, saves its own first. */
static int lock_take(void)
{
	const int64_t until_ms = clock_ticks_ms() + LATEST_MS;
	const char *state = learn.setup.learn->state;
	const int fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pid_t holder = pid_file_holder(learn.pid_file);

	if (fd < 0 || fchdir(fd) < 0)
		return fail(EX_OSERR, "%s: %s; it must belong to user '%s'", state, strerror(errno),
			    learn.setup.leumund->user);
	if (holder > 0 && learn.take_over)
		kill(holder, SIGTERM);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0 || (holder = pid_file_holder(learn.pid_file)) > 0) {
		if (!learn.take_over || clock_ticks_ms() > until_ms)
			return fail(EX_UNAVAILABLE,
				    "%s: another leumund-learn (process %ld) is at work; -T takes over from it", state,
				    (long)holder);
		(void)poll(NULL, 0, 20);
	}
	/* stays open, and locked, until we end */
	return 0;
}

/* Where the run directory is, and what is in it. */
static int run_find(char path[PATH_MAX])
{
	const char *run = learn.run ? learn.run : learn.setup.leumund->run;

	if (!realpath(run, path))
		return fail(EX_OSERR, "%s: %s; `leumund run` makes it, or set leumund.run", run, strerror(errno));
	if ((size_t)snprintf(learn.pid_file, PATH_MAX, "%s/" PID_FILE, path) >= PATH_MAX ||
	    (size_t)snprintf(learn.redis, PATH_MAX, "%s/redis.sock", path) >= PATH_MAX)
		return fail(EX_OSERR, "%s: is too long", path);
	return 0;
}

/* The pid file is made where it will be; we live in the state directory. */
static int settle(void)
{
	char run[PATH_MAX];
	int status = run_find(run);

	if (status != 0 || learn.once)
		return status;
	status = become_user();
	if (status == 0)
		status = lock_take();
	if (status != 0)
		return status;
	if (chdir(run) < 0 || pid_file_take(learn.pid_file) < 0)
		return fail(EX_OSERR, "%s: %s; the run directory must belong to user '%s'", learn.pid_file,
			    strerror(errno), learn.setup.leumund->user);
	return chdir(learn.setup.learn->state) == 0
		       ? 0
		       : fail(EX_OSERR, "%s: %s", learn.setup.learn->state, strerror(errno));
}

/* ---- what is open ------------------------------------------------------------------------------ */

struct work {
	struct store *store;
	struct outlet *outlet;
	struct follower *follower;
	int64_t began_ms;
};

static void work_close(struct work *work)
{
	follower_free(&work->follower);
	outlet_close(&work->outlet);
	store_close(&work->store, STORE_MS);
}

static int outlet_open(struct work *work)
{
	char error[512];

	if (learn.print) {
		work->outlet = outlet_print();
		return work->outlet ? 0 : fail(EX_OSERR, "out of memory");
	}
	work->store = store_open(learn.setup.store, learn.redis, error, sizeof(error));
	if (!work->store)
		return fail(EX_CONFIG, "%s", error);
	struct spool *spool = learn.once ? NULL : spool_open((uint64_t)learn.setup.learn->spool);
	if (!spool && !learn.once)
		return fail(EX_OSERR, "%s: outcomes cannot be kept there: %s", learn.setup.learn->state,
			    strerror(errno));
	work->outlet = outlet_store(work->store, spool, learn.setup.store);
	if (!work->outlet)
		spool_close(&spool);
	return work->outlet ? 0 : fail(EX_OSERR, "out of memory");
}

static int work_open(struct work *work)
{
	int status;

	*work = (struct work){ .began_ms = clock_ticks_ms() };
	status = outlet_open(work);
	if (status == 0 && !(work->follower = follower_new(&learn.setup, learn.table, work->outlet, learn.here)))
		status = fail(EX_OSERR, "out of memory");
	if (status == 0 && !learn.once)
		status = follower_follow(work->follower, !learn.print, learn.from_begin);
	if (status != 0)
		work_close(work);
	return status;
}

/* ---- figures ----------------------------------------------------------------------------------- */

static void figures_write(const struct work *work, struct text *out)
{
	const double seconds = (double)(clock_ticks_ms() - work->began_ms) / 1000;
	struct follower_figures read;
	struct outlet_counts put;
	char line[512];

	follower_figure(work->follower, &read);
	outlet_count(work->outlet, &put);
	snprintf(line, sizeof(line),
		 "%llu lines in %.1f s (%.0f lines/s), %llu outcomes (%llu sent, %llu deferred, %llu bounced, %llu "
		 "expired), "
		 "%llu of other servers, %llu of no account, %llu doubtful lines",
		 (unsigned long long)read.lines, seconds, seconds > 0 ? (double)read.lines / seconds : 0.0,
		 (unsigned long long)read.outcomes, (unsigned long long)put.by_status[MAILLOG_SENT],
		 (unsigned long long)put.by_status[MAILLOG_DEFERRED],
		 (unsigned long long)put.by_status[MAILLOG_BOUNCED], (unsigned long long)put.by_status[MAILLOG_EXPIRED],
		 (unsigned long long)put.by_speaker[MAILLOG_REMOTE], (unsigned long long)read.no_account,
		 (unsigned long long)read.doubtful);
	text_str(out, line);
	snprintf(line, sizeof(line),
		 "; stored %llu, spooled %llu, waiting %llu, dropped %llu, refused %llu; rotations %llu, gaps %llu, "
		 "torn %llu, "
		 "cut %llu",
		 (unsigned long long)put.stored, (unsigned long long)put.spooled, (unsigned long long)put.waiting,
		 (unsigned long long)put.dropped, (unsigned long long)put.refused, (unsigned long long)read.rotations,
		 (unsigned long long)read.gaps, (unsigned long long)read.torn, (unsigned long long)read.cut);
	if (!learn.print)
		text_str(out, line);
}

static void figures_say(const struct work *work)
{
	char buffer[1200];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	figures_write(work, &text);
	if (learn.once || learn.print)
		fprintf(stderr, "%s\n", buffer);
	else
		log_notice("%s", buffer);
}

/* Once a second: how it stands, to systemd; to the log when the store goes or comes. */
static void status_say(const struct work *work)
{
	static bool was_away;
	struct follower_figures read;
	struct outlet_counts put;
	char line[200];

	follower_figure(work->follower, &read);
	outlet_count(work->outlet, &put);
	snprintf(line, sizeof(line), "%llu lines, %llu outcomes, %lld bytes behind, %llu waiting for the store",
		 (unsigned long long)read.lines, (unsigned long long)read.outcomes, (long long)read.behind,
		 (unsigned long long)put.waiting);
	notify_status(line);
	notify_alive();
	if (put.away != was_away && (put.away || put.waiting == 0)) {
		was_away = put.away;
		if (put.away)
			log_warning("the store takes nothing; outcomes are kept in %s until it does",
				    learn.setup.learn->state);
		else
			log_notice("the store takes outcomes again; %llu had waited", (unsigned long long)put.spooled);
	}
}

/* ---- the two ways to work ---------------------------------------------------------------------- */

/* Reads these files to their ends. */
static int read_files(struct work *work, char *const *paths, int count)
{
	bool good = true;

	for (int i = 0; i < count && good; i++)
		good = follower_read(work->follower, paths[i], signals_next);
	good = follower_settle(work->follower) && good;
	figures_say(work);
	if (outlet_is_settled(work->outlet))
		return good ? EX_OK : EXIT_FINDING;
	if (learn.print)
		return fail(EX_IOERR, "the output could not be written");
	return fail(EX_UNAVAILABLE,
		    "the store takes nothing, so the rest was left out; `leumund check` says what to do. "
		    "Then do it again: what was stored stays, and twice is the same as once");
}

/* Until a signal that is not to be ignored; which. */
static int follow(struct work *work)
{
	int64_t said_ms = 0;
	int number = 0;

	while (number == 0) {
		struct pollfd fd = { .fd = signals_fd(), .events = POLLIN };
		const bool more = follower_step(work->follower);

		if (clock_ticks_ms() - said_ms >= 1000) {
			said_ms = clock_ticks_ms();
			status_say(work);
		}
		(void)poll(&fd, 1, more ? 0 : LOOK_MS);
		number = signals_next();
	}
	return number;
}

/* True: another configuration is in force. */
static bool reload(void)
{
	struct setup new;

	if (setup_read(&new) != 0)
		return false;
	if (strcmp(new.learn->state, learn.setup.learn->state) != 0) {
		log_error("learn.state cannot change while this runs; restart it. The old configuration stays");
		setup_free(&new);
		return false;
	}
	setup_free(&learn.setup);
	learn.setup = new;
	(void)table_read();
	log_open("leumund-learn", (enum log_target) new.leumund->log,
		 (enum log_level)(LEVEL_ERROR + new.leumund->log_level));
	log_notice("the configuration was read again");
	return true;
}

static int serve(struct work *work)
{
	int number, status = 0;

	notify_ready();
	log_notice("leumund-learn " LEUMUND_VERSION " follows %zu logs", learn.setup.learn->files.count);
	while (status == 0 && (number = follow(work)) == SIGHUP) {
		(void)follower_settle(work->follower);
		figures_say(work);
		work_close(work); /* it points into the configuration */
		(void)reload();
		status = work_open(work);
	}
	if (status != 0)
		return status;
	notify_stopping();
	if (!follower_settle(work->follower))
		log_warning("not all is stored; it will be read again");
	figures_say(work);
	return EX_OK;
}

/* ---- start ------------------------------------------------------------------------------------- */

static int start(char *const *paths, int count)
{
	static const int signals[] = { SIGHUP, SIGTERM, SIGINT };
	const struct leumund_options *options = learn.setup.leumund;
	const bool by_hand = learn.once || learn.print;
	struct work work;
	int status = 0;

	log_open("leumund-learn", by_hand ? LOG_TO_STDERR : (enum log_target)options->log,
		 by_hand ? LEVEL_WARNING : (enum log_level)(LEVEL_ERROR + options->log_level));
	if (!learn.once && learn.setup.learn->files.count == 0)
		return fail(EX_CONFIG, "%s: section learn names no files", learn.directory);
	if (signals_catch(signals, sizeof(signals) / sizeof(*signals)) < 0)
		return fail(EX_OSERR, "no pipe: %s", strerror(errno));
	if (!learn.print)
		status = settle();
	if (status == 0)
		status = work_open(&work);
	if (status != 0)
		return status;
	status = learn.once ? read_files(&work, paths, count) : serve(&work);
	if (work.follower)
		work_close(&work);
	if (!by_hand)
		pid_file_remove(learn.pid_file);
	return status;
}

int main(int argc, char **argv)
{
	int status;

	if (arguments_read(argc, argv, &status) < 0)
		return status;
	if (!realpath(learn.conf, learn.directory))
		return fail(EX_CONFIG, "configuration directory %s: %s; name it with -c CONF.D", learn.conf,
			    strerror(errno));
	status = setup_read(&learn.setup);
	if (status == 0)
		status = table_read();
	if (status != 0)
		return status;
	if (gethostname(learn.here, sizeof(learn.here) - 1) < 0)
		snprintf(learn.here, sizeof(learn.here), "localhost");
	status = start(argv + optind, argc - optind);
	evidence_free(&learn.table);
	setup_free(&learn.setup);
	return status;
}
