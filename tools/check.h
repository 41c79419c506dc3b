/*
 * `leumund check`: what its parts share.
 */
#ifndef LEUMUND_TOOLS_CHECK_H
#define LEUMUND_TOOLS_CHECK_H

#include <limits.h>

#include "directory/directory.h"
#include "finding.h"
#include "setup.h"

struct check {
	struct setup setup;
	char conf[PATH_MAX], run[PATH_MAX];
	struct directory *directory;
};

#define REMEDY_START "start it: systemctl start leumund, or leumund run"

/* Run directory, sockets and services. For this and the next two the working directory is the run directory. */
void check_services(const struct check *check);

/* Whether the users of MTAs reach the sockets. */
void check_mtas(const struct check *check);

/* The server behind the store. */
void check_store(const struct check *check);

/* Does this service listen on TCP instead of SERVICE.sock? */
bool service_on_inet(const struct check *check, const char *service);

#endif
