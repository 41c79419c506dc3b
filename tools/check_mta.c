/*
 * `leumund check`: whether the users of MTAs reach the sockets.
 */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "check.h"

/* clang-format off */
static const struct mta_user {
	const char *user, *mta;
	const char *group; /* that it runs with where that is not the user's own: exim_group */
	bool primary_only; /* gives up its other groups before it connects */
	bool by_exim;      /* uses the line socket */
	bool is_common;    /* a user that exists without that MTA, too */
} mta_users[] = {
	{ "postfix",     "Postfix",  NULL,   true,  false, false },
	{ "smmta",       "sendmail", NULL,   false, false, false },
	{ "smmsp",       "sendmail", NULL,   false, false, false },
	{ "Debian-exim", "Exim",     NULL,   true,  true,  false },
	{ "exim",        "Exim",     NULL,   true,  true,  false },
	{ "mailnull",    "Exim",     "mail", true,  true,  true },  /* cPanel */
	{ "mail",        "Exim",     NULL,   true,  true,  true },  /* DirectAdmin */
};
/* clang-format on */

/* A user that an MTA has left behind has none. */
static bool user_has_process(uid_t uid)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	struct stat file;
	bool found = false;

	while (processes && !found && (entry = readdir(processes)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    fstatat(dirfd(processes), entry->d_name, &file, 0) == 0)
			found = file.st_uid == uid;
	if (processes)
		closedir(processes);
	return found;
}

/* Sendmail connects as root unless RunAsUser is set, so what its users cannot do is no fault yet. */
static enum severity severity_of(const struct mta_user *mta, uid_t uid)
{
	return strcmp(mta->mta, "sendmail") != 0 && user_has_process(uid) ? FAIL : WARN;
}

static void check_socket(const struct check *check, const struct mta_user *mta, const struct someone *someone,
			 const char *service)
{
	char path[PATH_MAX + 64], where[PATH_MAX + 128], remedy[400];
	const struct group *group = getgrgid(someone->groups[0]);
	enum severity severity;

	snprintf(path, sizeof(path), "%s/%s%s", check->run, service, mta->by_exim ? ".exim.sock" : ".sock");
	if (access(path, F_OK) < 0)
		return; /* said already */
	if (someone_may_connect(someone, path, where, sizeof(where))) {
		find(FINE, NULL, "%s (user %s) may open %s", mta->mta, mta->user, path);
		return;
	}
	severity = severity_of(mta, someone->uid);
	if (group && !strcmp(group->gr_name, check->setup.leumund->socket_group) && !strcmp(where, check->run)) {
		snprintf(remedy, sizeof(remedy), "chgrp %.64s and chmod 0750 that directory", group->gr_name);
		find(severity, remedy, "%s (user %s) may not open %s: stopped at %s", mta->mta, mta->user, path, where);
		return;
	}
	snprintf(
		remedy, sizeof(remedy),
		"%sset leumund.socket_group = \"%.64s\" (and Group= in leumund.service) and restart, and let that user "
		"pass each folder above%s",
		severity == FAIL ? "" : "if that is the MTA in use here: ", group ? group->gr_name : mta->user,
		mta->primary_only ? "; other groups of that user do not count, its MTA gives them up" : "");
	find(severity, remedy, "%s (user %s) may not open %s: stopped at %s", mta->mta, mta->user, path, where);
}

/* False: there is no such user, or no MTA that runs as him. */
static bool mta_find(const struct mta_user *mta, struct someone *someone)
{
	const struct group *group;

	if (!someone_find(mta->user, mta->primary_only, someone) || (mta->is_common && !user_has_process(someone->uid)))
		return false;
	group = mta->group ? getgrnam(mta->group) : NULL;
	if (group)
		someone->groups[0] = group->gr_gid;
	return true;
}

void check_mtas(const struct check *check)
{
	unsigned found = 0;

	for (size_t i = 0; i < sizeof(mta_users) / sizeof(*mta_users); i++) {
		const struct mta_user *mta = &mta_users[i];
		struct someone someone;

		if (!mta_find(mta, &someone))
			continue;
		found++;
		for (size_t j = 0; j < check->setup.service_count; j++)
			if (!service_on_inet(check, check->setup.services[j]) || mta->by_exim)
				check_socket(check, mta, &someone, check->setup.services[j]);
	}
	if (found == 0)
		find(WARN, "install Postfix, sendmail or Exim, then see leumund mta",
		     "no user of an MTA exists on this system");
}
