/*
 * The pid file of a service: held locked while its process lives, so that a successor knows
 * for certain whom it replaces.
 */
#ifndef LEUMUND_PID_FILE_H
#define LEUMUND_PID_FILE_H

#include <sys/types.h>

/* The process that holds the file's lock, or 0: there is none. */
pid_t pid_file_holder(const char *path);

/*
 * Writes our pid to a new file, locks it and renames it over `path`. Its descriptor stays open until
 * the process ends. 0, or -1 with errno.
 */
int pid_file_take(const char *path);

/* The same in two steps: what can fail, as on a full disk, comes before anything of a predecessor is touched. */
int pid_file_prepare(void);
int pid_file_publish(const char *path);

/* Removes what was prepared and not published. */
void pid_file_discard(void);

/* Removes the file if it is still ours. */
void pid_file_remove(const char *path);

#endif
