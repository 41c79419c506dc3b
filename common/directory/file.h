/*
 * Reads one file of the directory: its lines `domain: account`.
 */
#ifndef LEUMUND_DIRECTORY_FILE_H
#define LEUMUND_DIRECTORY_FILE_H

#include <sys/stat.h>

#include "directory/directory.h"
#include "directory/owners.h"

enum owner_read {
	OWNER_READ_GOOD,
	OWNER_READ_EMPTY,  /* no usable line */
	OWNER_READ_MOVING, /* somebody is writing it: try later */
	OWNER_READ_FAILED, /* errno; 0: no regular file, or far too big */
	OWNER_READ_NO_MEMORY,
};

/* Reads and indexes a file. `seen` is the state that was read (or tried). Broken lines are reported when it is good or
 * empty. */
enum owner_read owner_file_read(const char *path, struct owners **out, struct stat *seen, directory_report_fn *report,
				void *arg);

#endif
