/*
 * The sockets of a service (service/sockets.h).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "service/sockets.h"
#include "system/inet_socket.h"
#include "system/pid_file.h"

#define NAME_BYTES 128
#define PREDECESSOR_MS 10000
#define LOOK_MS 20

static struct {
	/* the private and the public name are the same on TCP */
	char milter_private[NAME_BYTES], milter_public[NAME_BYTES]; /* libmilter names: unix:path, inet:port@host */
	char exim_private[NAME_BYTES], exim_public[NAME_BYTES];
	char pid_file[NAME_BYTES];
	ino_t exim_inode; /* of our socket: is the public name still ours? */
	pid_t predecessor;
	bool on_inet, in_force;
} sockets;

static const char *path_of(const char *unix_name)
{
	return unix_name + strlen("unix:");
}

static const char *inet_name(const char *service, const struct leumund_options *options)
{
	size_t len = strlen(service);

	for (size_t i = 0; i < options->listen.count; i++)
		if (!strncmp(options->listen.at[i], service, len) && options->listen.at[i][len] == '=')
			return options->listen.at[i] + len + 1;
	return NULL;
}

static void names_make(const char *service, const char *inet)
{
	long pid = (long)getpid();

	sockets.on_inet = inet != NULL;
	snprintf(sockets.pid_file, NAME_BYTES, "%s.pid", service);
	snprintf(sockets.exim_public, NAME_BYTES, "%s.exim.sock", service);
	snprintf(sockets.exim_private, NAME_BYTES, ".%s.exim.sock.%ld", service, pid);
	if (inet) {
		snprintf(sockets.milter_private, NAME_BYTES, "%s", inet);
		snprintf(sockets.milter_public, NAME_BYTES, "%s", inet);
	} else {
		snprintf(sockets.milter_private, NAME_BYTES, "unix:.%s.sock.%ld", service, pid);
		snprintf(sockets.milter_public, NAME_BYTES, "unix:%s.sock", service);
	}
}

static int exim_open(front_status status)
{
	struct stat file;

	if (front_exim_start(sockets.exim_private, status) < 0)
		return -1;
	if (chmod(sockets.exim_private, 0660) < 0 || stat(sockets.exim_private, &file) < 0) {
		log_error("%s: cannot be given mode 0660: %s", sockets.exim_private, strerror(errno));
		return -1;
	}
	sockets.exim_inode = file.st_ino;
	return 0;
}

/* The line socket and the pid file become ours: from now on a predecessor knows that it is one. */
static int line_publish(void)
{
	if (rename(sockets.exim_private, sockets.exim_public) < 0) {
		log_error("%s cannot be put in force: %s", sockets.exim_public, strerror(errno));
		return -1;
	}
	if (pid_file_publish(sockets.pid_file) < 0) {
		log_error("%s: %s", sockets.pid_file, strerror(errno));
		return -1;
	}
	if (sockets.predecessor > 0) {
		log_notice("process %ld is replaced", (long)sockets.predecessor);
		kill(sockets.predecessor, SIGTERM);
	}
	return 0;
}

/* Two processes cannot listen on one port: the predecessor gives it up first, and nobody is let in meanwhile. */
static int inet_open(const char *service, const struct leumund_options *options)
{
	char unix_socket[NAME_BYTES + 8];

	if (line_publish() < 0)
		return -1;
	/* of a predecessor whose configuration had no `listen` yet */
	snprintf(unix_socket, sizeof(unix_socket), "%s.sock", service);
	unlink(unix_socket);
	for (int waited = 0; sockets.predecessor > 0 && waited < PREDECESSOR_MS; waited += LOOK_MS) {
		if (inet_socket_is_free(sockets.milter_public))
			break;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return front_milter_start(sockets.milter_public, options);
}

static int unix_open(const struct leumund_options *options)
{
	if (front_milter_start(sockets.milter_private, options) < 0)
		return -1;
	if (chmod(path_of(sockets.milter_private), 0660) < 0) {
		log_error("%s: cannot be given mode 0660: %s", sockets.milter_private, strerror(errno));
		return -1;
	}
	return 0;
}

int sockets_open(const char *service, const struct leumund_options *options, front_status status)
{
	const char *inet = inet_name(service, options);

	names_make(service, inet);
	sockets.predecessor = pid_file_holder(sockets.pid_file);
	if (inet)
		log_warning("%s listens on %s: every program of every customer on this host can talk to it and learn "
			    "the verdicts; a unix socket would keep them out",
			    service, inet);
	if (pid_file_prepare() < 0) {
		log_error("%s: %s", sockets.pid_file, strerror(errno));
		return -1;
	}
	if (exim_open(status) < 0)
		return -1;
	return inet ? inet_open(service, options) : unix_open(options);
}

const char *sockets_milter_name(void)
{
	return sockets.in_force ? sockets.milter_public : sockets.milter_private;
}

int sockets_publish(void)
{
	if (!sockets.on_inet) {
		if (rename(path_of(sockets.milter_private), path_of(sockets.milter_public)) < 0) {
			log_error("%s cannot be put in force: %s", sockets.milter_public, strerror(errno));
			return -1;
		}
		if (line_publish() < 0)
			return -1;
	}
	sockets.in_force = true;
	return 0;
}

bool sockets_superseded(void)
{
	struct stat file;

	return stat(sockets.exim_public, &file) == 0 && file.st_ino != sockets.exim_inode;
}

bool sockets_withdraw(void)
{
	bool superseded = sockets_superseded(), is_closed = sockets.on_inet && front_milter_close();

	pid_file_discard();
	unlink(sockets.exim_private);
	if (!sockets.on_inet)
		unlink(path_of(sockets.milter_private));
	if (!superseded) {
		unlink(sockets.exim_public);
		if (!sockets.on_inet)
			unlink(path_of(sockets.milter_public));
	}
	/* without the port the successor cannot begin */
	return superseded && (!sockets.on_inet || is_closed);
}

void sockets_pid_remove(void)
{
	pid_file_remove(sockets.pid_file);
}
