/*
 * `leumund check`: looks for what is wrong; each line says ok, warn or fail, and what to do.
 */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "milters/table.h"
#include "stack.h"
#include "system/clock.h"
#include "tool.h"

#define DIRECTORY_OLD_MS (INT64_C(7) * 86400 * 1000)

/* ---- configuration ----------------------------------------------------------------------------- */

/* What all may write does not load at all. */
static void check_writable(const char *path)
{
	struct stat file;

	if (stat(path, &file) == 0 && file.st_mode & S_IWGRP && file.st_gid != 0)
		find(WARN, "chmod g-w, unless that group are the admins", "writable by a group: %s", path);
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
		check_writable(path);
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
		find(FAIL, "correct it: with this nothing starts, and what runs keeps its old configuration", "%s",
		     line);
	return false;
}

static void check_conf(struct check *check)
{
	find(FINE, NULL, "configuration %s is readable, %zu service%s enabled", check->conf, check->setup.service_count,
	     check->setup.service_count == 1 ? "" : "s");
	check_writable(check->conf);
	check_conf_files(check);
	if (check->setup.service_count == 0)
		find(FAIL, "set enable = true in a milter's section", "no service is enabled: no mail is looked at");
	for (size_t i = 0; i < check->setup.leumund->listen.count; i++)
		find(WARN, "use the unix socket, unless the MTA is on another host",
		     "%s: every program of every customer may talk to that port", check->setup.leumund->listen.at[i]);
}

/* What a milter says of its options when it starts, as far as the options alone tell. */
static void check_milters(const struct check *check)
{
	char error[512];

	for (size_t i = 0; i < check->setup.service_count; i++) {
		struct stack *stack = stack_new(&check->setup, check->setup.services[i], milters, error, sizeof(error));

		if (!stack)
			find(FAIL,
			     "correct it: with this the service does not start, and one that runs keeps its old "
			     "configuration",
			     "service '%s': %s", check->setup.services[i], error);
		stack_free(&stack);
	}
}

static void check_user(struct check *check)
{
	const char *user = check->setup.leumund->user, *group = check->setup.leumund->socket_group;
	char remedy[200];

	if (getpwnam(user)) {
		find(FINE, NULL, "user '%s' exists", user);
	} else {
		snprintf(remedy, sizeof(remedy), "useradd -r -s /usr/sbin/nologin %.64s, or set leumund.user", user);
		find(WARN, remedy, "user '%s' does not exist: what root starts stays root", user);
	}
	if (group[0] != '\0' && !getgrnam(group))
		find(FAIL, "create it, or set leumund.socket_group to the MTA's group", "group '%s' does not exist",
		     group);
}

/* ---- directory --------------------------------------------------------------------------------- */

static void directory_report(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	if (is_warning)
		find_split(WARN, "", sentence, "let the panel write it");
}

static void check_directory(struct check *check)
{
	const struct string_list *files = &check->setup.domains;
	size_t size, readable = 0;
	int64_t age_ms;
	char span[40];

	for (size_t i = 0; i < files->count; i++)
		readable += access(files->at[i], R_OK) == 0;
	check->directory = directory_reload(NULL, files, directory_report, NULL);
	size = directory_size(check->directory);
	if (size == 0) {
		find(FAIL, "name the files in leumund.domains (lines of the form domain: account)",
		     "the directory is empty: %zu of %zu files can be read, ownership is not judged", readable,
		     files->count);
		return;
	}
	age_ms = clock_wall_ms() - directory_changed_ms(check->directory);
	span_words(age_ms, span, sizeof(span));
	if (age_ms > DIRECTORY_OLD_MS)
		find(WARN, "see whether the panel still writes them",
		     "the directory knows %zu domains, but changed %s ago", size, span);
	else
		find(FINE, NULL, "the directory knows %zu domains and logins, changed %s ago", size, span);
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
		find(WARN, "set default_domains = {\"*.cp1server.example.com\"} or the like",
		     "default_domains is empty: mail under the panel's default domains is not refused as such");
}

/* ---- the command ------------------------------------------------------------------------------- */

static void check_instance(struct check *check, const char *run)
{
	if (chdir(run) < 0) {
		find(FAIL, errno == EACCES ? "run this as root" : REMEDY_START, "run directory %s: %s", run,
		     strerror(errno));
		return;
	}
	if (!getcwd(check->run, sizeof(check->run)))
		snprintf(check->run, sizeof(check->run), "%s", run);
	check_services(check);
	check_mtas(check);
	check_store(check);
}

int command_check(const struct call *call)
{
	struct check check = { .directory = NULL };

	if (!tool_conf(call, check.conf, sizeof(check.conf))) {
		find(FAIL, "name the right one with -c CONF.D, or make install", "no configuration is there");
		return EX_CONFIG;
	}
	if (!check_conf_loads(&check))
		return EX_CONFIG;
	check_conf(&check);
	check_milters(&check);
	check_user(&check);
	check_directory(&check);
	check_default_domains(&check);
	check_instance(&check, tool_run(call, &check.setup));
	printf("%u ok, %u to look at, %u wrong\n", findings(FINE), findings(WARN), findings(FAIL));
	directory_unref(&check.directory);
	setup_free(&check.setup);
	return findings(FAIL) > 0 ? EXIT_FINDING : EX_OK;
}
