/*
 * `leumund check`: run directory, sockets and services.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ask.h"
#include "check.h"
#include "json_walk.h"
#include "log.h"

#define ROOM_KB 1024

static void check_run(const struct check *check)
{
	struct stat file;
	unsigned mode;

	if (stat(check->run, &file) < 0)
		return;
	mode = file.st_mode & 07777;
	if (mode & S_IRWXO)
		find(mode & S_IWOTH ? FAIL : WARN, "chmod 0750: customers' programs must not reach the sockets",
		     "run directory %s has mode %04o", check->run, mode);
	else if (mode != 0750 && mode != 0710)
		find(WARN, "chmod 0750, so that the MTA's group reaches the sockets", "run directory %s has mode %04o",
		     check->run, mode);
	else
		find(FINE, NULL, "run directory %s has mode %04o", check->run, mode);
}

/* The log may be on the same disk, so it need not say this. */
static void check_room(const struct check *check)
{
	struct statvfs disk;
	unsigned long long left;

	if (statvfs(".", &disk) < 0)
		return;
	left = (unsigned long long)disk.f_bavail * disk.f_frsize / 1024;
	if (left < ROOM_KB)
		find(FAIL, "make room: what starts or restarts must write there, and so does the private Redis",
		     "run directory %s: its disk is full (%llu kB are free)", check->run, left);
}

bool service_on_inet(const struct check *check, const char *service)
{
	const struct string_list *listen = &check->setup.leumund->listen;
	size_t len = strlen(service);

	for (size_t i = 0; i < listen->count; i++)
		if (!strncmp(listen->at[i], service, len) && listen->at[i][len] == '=')
			return true;
	return false;
}

static bool check_socket(const char *name)
{
	struct stat file;

	if (stat(name, &file) < 0 || !S_ISSOCK(file.st_mode)) {
		find(FAIL, REMEDY_START, "socket %s is not there", name);
		return false;
	}
	if ((file.st_mode & 07777) != 0660)
		find(file.st_mode & S_IRWXO ? FAIL : WARN, "restart the service, which makes it 0660",
		     "socket %s has mode %04o", name, (unsigned)file.st_mode & 07777);
	else
		find(FINE, NULL, "socket %s has mode 0660", name);
	return true;
}

struct answers {
	char canary[32], version[32], store[16], domains[24], log_lost[24], outdated[24];
};

#define ANSWER(path, member)                                                                  \
	{                                                                                     \
		path, offsetof(struct answers, member), sizeof(((struct answers *)0)->member) \
	}

static const struct {
	const char *path;
	size_t offset, size;
} places[] = {
	ANSWER("canary", canary),   ANSWER("version", version),		ANSWER("store.state", store),
	ANSWER("domains", domains), ANSWER("log_lines_lost", log_lost), ANSWER("exim_outdated", outdated),
};

static bool answer_take(void *arg, const char *path, const char *value)
{
	struct answers *answers = arg;

	if (!value)
		return true;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!strcmp(path, places[i].path))
			snprintf((char *)answers + places[i].offset, places[i].size, "%s", value);
	return true;
}

static void check_canary(const char *service, const char *canary)
{
	if (!strcmp(canary, "PASSED"))
		find(FAIL, "look at its log, then restart it; until then nothing is filtered",
		     "%s: A FORGED MESSAGE PASSED ITS CANARY", service);
	else if (!strcmp(canary, "no answer"))
		find(FAIL, "look at its log, then restart it", "%s: does not answer its canary", service);
	else if (!strcmp(canary, "nothing to test"))
		find(WARN, "set default_domains or leumund.domains, and rules that refuse",
		     "%s: no rule can refuse anything", service);
	else if (!strcmp(canary, "not needed"))
		find(FINE, NULL, "%s: judges by the DNS, which no canary tests", service);
	else if (!strcmp(canary, "not yet"))
		find(WARN, "set leumund.canary_every = 5m", "%s: its canary is switched off", service);
	else
		find(FINE, NULL, "%s: refuses its canary", service);
}

/* In the order of enum log_target. */
static const char *const lost_remedies[] = {
	[LOG_TO_STDERR] = "make room where its log goes, and see that whoever reads it keeps up",
	[LOG_TO_JOURNAL] = "see that the journal runs and keeps up",
	[LOG_TO_SYSLOG] = "see that a syslog listens on /dev/log and keeps up, or set leumund.log",
};

static void check_service(const struct check *check, const char *service)
{
	static char answer[ASK_ANSWER_BYTES];
	struct answers answers = { .canary = "" };
	char name[64];

	snprintf(name, sizeof(name), "%s.sock", service);
	if (!service_on_inet(check, service))
		check_socket(name);
	snprintf(name, sizeof(name), "%s.exim.sock", service);
	if (!check_socket(name))
		return;
	if (ask_status(service, answer, sizeof(answer)) < 0) {
		find(FAIL, errno == EACCES ? "run this as root" : "look at its log, then restart it",
		     "%s: does not answer: %s", service, strerror(errno));
		return;
	}
	if (json_walk(answer, answer_take, &answers) < 0) {
		find(FAIL, "install leumund and leumundd of one version", "%s: answers with something unknown",
		     service);
		return;
	}
	if (strcmp(answers.version, LEUMUND_VERSION) != 0)
		find(WARN, "leumund restart", "%s: version %s runs, %s is installed", service, answers.version,
		     LEUMUND_VERSION);
	else
		find(FINE, NULL, "%s: answers, version %s", service, answers.version);
	check_canary(service, answers.canary);
	/* we may be root, whom every file is open to */
	if (!strcmp(answers.domains, "0") && directory_size(check->directory) > 0)
		find(FAIL, "let its user read the files of leumund.domains: by Group= in leumund.service, or an ACL",
		     "%s: knows no domain, though the files name some", service);
	if (strtoull(answers.log_lost, NULL, 10) > 0)
		find(WARN, lost_remedies[check->setup.leumund->log],
		     "%s: %s lines of its log were lost since its start", service, answers.log_lost);
	if (strtoull(answers.outdated, NULL, 10) > 0)
		find(WARN, "put the lines that `leumund mta exim` prints into its configuration again, and restart it",
		     "%s: Exim's lines are of an older version, %s messages were not changed or put off", service,
		     answers.outdated);
	if (strcmp(answers.store, "up") != 0)
		find(WARN, "see the lines on the store", "%s: its store is %s, so decisions wait in memory", service,
		     answers.store[0] ? answers.store : "unknown");
}

void check_services(const struct check *check)
{
	check_run(check);
	check_room(check);
	for (size_t i = 0; i < check->setup.service_count; i++)
		check_service(check, check->setup.services[i]);
}
