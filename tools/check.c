/*
 * `leumund check`: looks for what is wrong; each line says ok, warn or fail, and what to do.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "ask.h"
#include "clock.h"
#include "directory.h"
#include "json_walk.h"
#include "milters/table.h"
#include "redis_server.h"
#include "tool.h"
#include "setup.h"
#include "store.h"

#define STORE_MS 3000
#define DIRECTORY_OLD_MS (INT64_C(7) * 86400 * 1000)
#define WIDTH 80

enum severity { FINE, WARN, FAIL };

struct check {
	struct setup setup;
	char conf[PATH_MAX], run[PATH_MAX];
	struct directory *directory;
	unsigned count[FAIL + 1];
	unsigned mtas; /* whose users exist here */
};

/* ---- lines ------------------------------------------------------------------------------------- */

/* `remedy` NULL: nothing is to be done. Both stand on one line where they fit. */
static void find(struct check *check, enum severity severity, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void find(struct check *check, enum severity severity, const char *remedy, const char *format, ...)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	char sentence[PATH_MAX + 512], arrow[600];
	va_list args;

	check->count[severity]++;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	printf("%-4s  ", words[severity]);
	snprintf(arrow, sizeof(arrow), "-> %s", remedy ? remedy : "");
	if (remedy && 6 + strlen(sentence) + 1 + strlen(arrow) <= WIDTH) {
		print_safe(stdout, sentence);
		printf(" %s\n", arrow);
		return;
	}
	print_wrapped(stdout, sentence, 6, 6);
	if (remedy)
		print_wrapped(stdout, arrow, 6, 0);
}

/* ---- configuration ----------------------------------------------------------------------------- */

/* What all may write does not load at all. */
static void check_writable(struct check *check, const char *path)
{
	struct stat file;

	if (stat(path, &file) == 0 && file.st_mode & S_IWGRP && file.st_gid != 0)
		find(check, WARN, "chmod g-w, unless that group are the admins", "writable by a group: %s", path);
}

static void check_conf_files(struct check *check)
{
	DIR *directory = opendir(check->conf);
	const struct dirent *entry;
	char path[PATH_MAX + NAME_MAX + 2];

	while (directory && (entry = readdir(directory))) {
		size_t len = strlen(entry->d_name);

		if (len < 5 || strcmp(entry->d_name + len - 5, ".conf") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", check->conf, entry->d_name);
		check_writable(check, path);
	}
	if (directory)
		closedir(directory);
}

/* Each line of what is wrong is a finding. */
static bool check_conf_loads(struct check *check)
{
	char error[4096], *save = NULL;

	if (setup_load(&check->setup, check->conf, milters, error, sizeof(error)) == 0)
		return true;
	for (char *line = strtok_r(error, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		find(check, FAIL, "correct it: with this nothing starts, and what runs keeps its old configuration",
		     "%s", line);
	return false;
}

static void check_conf(struct check *check)
{
	find(check, FINE, NULL, "configuration %s is readable, %zu service%s enabled", check->conf,
	     check->setup.service_count, check->setup.service_count == 1 ? "" : "s");
	check_writable(check, check->conf);
	check_conf_files(check);
	if (check->setup.service_count == 0)
		find(check, FAIL, "set enable = true in a milter's section",
		     "no service is enabled: no mail is looked at");
	for (size_t i = 0; i < check->setup.leumund->listen.count; i++)
		find(check, WARN, "use the unix socket, unless the MTA is on another host",
		     "%s: every program of every customer may talk to that port", check->setup.leumund->listen.at[i]);
}

static void check_user(struct check *check)
{
	const char *user = check->setup.leumund->user, *group = check->setup.leumund->socket_group;
	char remedy[200];

	if (getpwnam(user)) {
		find(check, FINE, NULL, "user '%s' exists", user);
	} else {
		snprintf(remedy, sizeof(remedy), "adduser --system --group %.64s, or set leumund.user", user);
		find(check, WARN, remedy, "user '%s' does not exist: what root starts stays root", user);
	}
	if (group[0] != '\0' && !getgrnam(group))
		find(check, FAIL, "create it, or set leumund.socket_group to the MTA's group",
		     "group '%s' does not exist", group);
}

/* ---- directory --------------------------------------------------------------------------------- */

/* A sentence "what; what to do" becomes a line of ours. */
static void find_split(struct check *check, enum severity severity, const char *before, const char *sentence)
{
	const char *end = NULL;

	for (const char *at = severity == FINE ? NULL : strstr(sentence, "; "); at; at = strstr(at + 2, "; "))
		end = at;
	find(check, severity, end ? end + 2 : NULL, "%s%.*s", before,
	     end ? (int)(end - sentence) : (int)strlen(sentence), sentence);
}

static void directory_report(void *arg, bool is_warning, const char *sentence)
{
	if (is_warning)
		find_split(arg, WARN, "", sentence);
}

static void check_directory(struct check *check)
{
	const struct string_list *files = &check->setup.domains;
	size_t size, readable = 0;
	int64_t age_ms;
	char span[40];

	for (size_t i = 0; i < files->count; i++)
		readable += access(files->at[i], R_OK) == 0;
	check->directory = directory_reload(NULL, files, directory_report, check);
	size = directory_size(check->directory);
	if (size == 0) {
		find(check, FAIL, "name the files in leumund.domains (lines of the form domain: account)",
		     "the directory is empty: %zu of %zu files can be read, ownership is not judged", readable,
		     files->count);
		return;
	}
	age_ms = clock_wall_ms() - directory_changed_ms(check->directory);
	span_words(age_ms, span, sizeof(span));
	if (age_ms > DIRECTORY_OLD_MS)
		find(check, WARN, "see whether the panel still writes them",
		     "the directory knows %zu domains, but changed %s ago", size, span);
	else
		find(check, FINE, NULL, "the directory knows %zu domains and logins, changed %s ago", size, span);
}

/*
 * Without the names of the panel's default domains the rule that this pack began with does nothing. The
 * option is sender's, but what is checked is only its printed form: no milter is known here.
 */
static void check_default_domains(struct check *check)
{
	FILE *copy = tmpfile();
	char line[256];
	bool is_empty = false;

	if (!copy)
		return;
	config_print(check->setup.config, NULL, false, copy);
	rewind(copy);
	while (fgets(line, sizeof(line), copy))
		if (strstr(line, ".default_domains = {}"))
			is_empty = true;
	fclose(copy);
	if (is_empty)
		find(check, WARN, "set default_domains = {\"*.cp1server.example.com\"} or the like",
		     "default_domains is empty: mail under the panel's default domains is not refused as such");
}

/* ---- services ---------------------------------------------------------------------------------- */

static void check_run(struct check *check)
{
	struct stat file;
	unsigned mode;

	if (stat(check->run, &file) < 0)
		return;
	mode = file.st_mode & 07777;
	if (mode & S_IRWXO)
		find(check, mode & S_IWOTH ? FAIL : WARN, "chmod 0750: customers' programs must not reach the sockets",
		     "run directory %s has mode %04o", check->run, mode);
	else if (mode != 0750 && mode != 0710)
		find(check, WARN, "chmod 0750, so that the MTA's group reaches the sockets",
		     "run directory %s has mode %04o", check->run, mode);
	else
		find(check, FINE, NULL, "run directory %s has mode %04o", check->run, mode);
}

static bool service_on_inet(const struct check *check, const char *service)
{
	const struct string_list *listen = &check->setup.leumund->listen;
	size_t len = strlen(service);

	for (size_t i = 0; i < listen->count; i++)
		if (!strncmp(listen->at[i], service, len) && listen->at[i][len] == '=')
			return true;
	return false;
}

static bool check_socket(struct check *check, const char *name)
{
	struct stat file;

	if (stat(name, &file) < 0 || !S_ISSOCK(file.st_mode)) {
		find(check, FAIL, "start it: systemctl start leumund, or leumund run", "socket %s is not there", name);
		return false;
	}
	if ((file.st_mode & 07777) != 0660)
		find(check, file.st_mode & S_IRWXO ? FAIL : WARN, "restart the service, which makes it 0660",
		     "socket %s has mode %04o", name, (unsigned)file.st_mode & 07777);
	else
		find(check, FINE, NULL, "socket %s has mode 0660", name);
	return true;
}

struct answers {
	char canary[32], version[32], store[16];
};

static bool answer_take(void *arg, const char *path, const char *value)
{
	struct answers *answers = arg;

	if (!value)
		return true;
	if (!strcmp(path, "canary"))
		snprintf(answers->canary, sizeof(answers->canary), "%s", value);
	else if (!strcmp(path, "version"))
		snprintf(answers->version, sizeof(answers->version), "%s", value);
	else if (!strcmp(path, "store.state"))
		snprintf(answers->store, sizeof(answers->store), "%s", value);
	return true;
}

static void check_canary(struct check *check, const char *service, const char *canary)
{
	if (!strcmp(canary, "PASSED"))
		find(check, FAIL, "look at its log, then restart it; until then nothing is filtered",
		     "%s: A FORGED MESSAGE PASSED ITS CANARY", service);
	else if (!strcmp(canary, "no answer"))
		find(check, FAIL, "look at its log, then restart it", "%s: does not answer its canary", service);
	else if (!strcmp(canary, "nothing to test"))
		find(check, WARN, "set default_domains or leumund.domains, and rules that refuse",
		     "%s: no rule can refuse anything", service);
	else if (!strcmp(canary, "not yet"))
		find(check, WARN, "set leumund.canary_every = 5m", "%s: its canary is switched off", service);
	else
		find(check, FINE, NULL, "%s: refuses its canary", service);
}

static void check_service(struct check *check, const char *service)
{
	static char answer[ASK_ANSWER_BYTES];
	struct answers answers = { .canary = "" };
	char name[64];

	snprintf(name, sizeof(name), "%s.sock", service);
	if (!service_on_inet(check, service))
		check_socket(check, name);
	snprintf(name, sizeof(name), "%s.exim.sock", service);
	if (!check_socket(check, name))
		return;
	if (ask_status(service, answer, sizeof(answer)) < 0) {
		find(check, FAIL, errno == EACCES ? "run this as root" : "look at its log, then restart it",
		     "%s: does not answer: %s", service, strerror(errno));
		return;
	}
	if (json_walk(answer, answer_take, &answers) < 0) {
		find(check, FAIL, "install leumund and leumundd of one version", "%s: answers with something unknown",
		     service);
		return;
	}
	if (strcmp(answers.version, LEUMUND_VERSION) != 0)
		find(check, WARN, "leumund restart", "%s: version %s runs, %s is installed", service, answers.version,
		     LEUMUND_VERSION);
	else
		find(check, FINE, NULL, "%s: answers, version %s", service, answers.version);
	check_canary(check, service, answers.canary);
	if (strcmp(answers.store, "up") != 0)
		find(check, WARN, "see the lines on the store", "%s: its store is %s, so decisions wait in memory",
		     service, answers.store[0] ? answers.store : "unknown");
}

/* ---- the MTA's users --------------------------------------------------------------------------- */

/* clang-format off */
static const struct mta_user {
	const char *user, *mta;
	bool primary_only; /* gives up its other groups before it connects */
	bool by_exim;      /* uses the line socket */
} mta_users[] = {
	{ "postfix", "Postfix", true, false },
	{ "smmta", "sendmail", false, false },
	{ "smmsp", "sendmail", false, false },
	{ "Debian-exim", "Exim", true, true },
	{ "mailnull", "Exim", true, true },
	{ "exim", "Exim", true, true },
};
/* clang-format on */

/* Sendmail connects as root unless RunAsUser is set, so what its users cannot do is no fault yet. */
static enum severity severity_of(const struct mta_user *mta)
{
	return !strcmp(mta->mta, "sendmail") ? WARN : FAIL;
}

static void check_mta_user(struct check *check, const struct mta_user *mta, const char *service)
{
	char path[PATH_MAX + 64], where[PATH_MAX + 128], remedy[320];
	struct someone someone;
	const struct group *group;

	if (!someone_find(mta->user, mta->primary_only, &someone))
		return;
	check->mtas++;
	snprintf(path, sizeof(path), "%s/%s%s", check->run, service, mta->by_exim ? ".exim.sock" : ".sock");
	if (access(path, F_OK) < 0)
		return; /* said already */
	if (someone_may_connect(&someone, path, where, sizeof(where))) {
		find(check, FINE, NULL, "%s (user %s) may open %s", mta->mta, mta->user, path);
		return;
	}
	group = getgrgid(someone.groups[0]);
	snprintf(remedy, sizeof(remedy),
		 "set leumund.socket_group = \"%.64s\" and restart, and let that user pass each folder above%s",
		 group ? group->gr_name : mta->user,
		 mta->primary_only ? "; other groups of that user do not count, its MTA gives them up" : "");
	find(check, severity_of(mta), remedy, "%s (user %s) may not open %s: stopped at %s", mta->mta, mta->user, path,
	     where);
}

static void check_mtas(struct check *check)
{
	for (size_t i = 0; i < sizeof(mta_users) / sizeof(*mta_users); i++)
		for (size_t j = 0; j < check->setup.service_count; j++)
			if (!service_on_inet(check, check->setup.services[j]) || mta_users[i].by_exim)
				check_mta_user(check, &mta_users[i], check->setup.services[j]);
	if (check->mtas == 0)
		find(check, WARN, "install Postfix, sendmail or Exim, then see leumund mta",
		     "no user of an MTA exists on this system");
}

/* ---- store ------------------------------------------------------------------------------------- */

static void store_finding(void *arg, int severity, const char *sentence)
{
	find_split(arg, (enum severity)severity, "store: ", sentence);
}

static void check_store(struct check *check)
{
	const struct store_options *options = check->setup.store;
	struct redis_program program;
	struct store *store;
	char error[256];

	if (options->address[0] == '\0') {
		if (redis_program_find(options->server, &program))
			find(check, FINE, NULL, "store: the private server's program is %s", program.path);
		else
			find(check, FAIL, "install redis-tools or valkey, or set store.server or store.address",
			     "store: no program %s", options->server);
	}
	store = store_open(options, REDIS_ADDRESS, error, sizeof(error));
	if (!store) {
		find(check, FAIL, "correct section store", "store: %s", error);
		return;
	}
	store_examine(store, store_finding, check, STORE_MS);
	store_close(&store, 0);
}

/* ---- the command ------------------------------------------------------------------------------- */

static void check_instance(struct check *check, const char *run)
{
	if (chdir(run) < 0) {
		find(check, FAIL,
		     errno == EACCES ? "run this as root" : "start it: systemctl start leumund, or leumund run",
		     "run directory %s: %s", run, strerror(errno));
		return;
	}
	if (!getcwd(check->run, sizeof(check->run)))
		snprintf(check->run, sizeof(check->run), "%s", run);
	check_run(check);
	for (size_t i = 0; i < check->setup.service_count; i++)
		check_service(check, check->setup.services[i]);
	check_mtas(check);
	check_store(check);
}

int command_check(const struct call *call)
{
	struct check check = { .directory = NULL };

	if (!tool_conf(call, check.conf, sizeof(check.conf)) || !check_conf_loads(&check))
		return EX_CONFIG;
	check_conf(&check);
	check_user(&check);
	check_directory(&check);
	check_default_domains(&check);
	check_instance(&check, tool_run(call, &check.setup));
	printf("%u ok, %u to look at, %u wrong\n", check.count[FINE], check.count[WARN], check.count[FAIL]);
	directory_unref(&check.directory);
	setup_free(&check.setup);
	return check.count[FAIL] > 0 ? EXIT_FINDING : EX_OK;
}
