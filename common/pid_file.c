/*
 * The pid file of a service (pid_file.h). The kernel's lock says who lives; a number in a file would not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pid_file.h"

static int held = -1;

pid_t pid_file_holder(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	pid_t pid = 0;

	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		pid = lock.l_pid;
	close(fd);
	return pid;
}

int pid_file_take(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char private[64], line[24];
	int len;

	snprintf(private, sizeof(private), ".pid.%ld", (long)getpid());
	held = open(private, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (held < 0)
		return -1;
	len = snprintf(line, sizeof(line), "%ld\n", (long)getpid());
	if (fchmod(held, 0644) < 0 || fcntl(held, F_SETLK, &lock) < 0 || write(held, line, (size_t)len) != len ||
	    rename(private, path) < 0) {
		int saved = errno;

		unlink(private);
		errno = saved;
		return -1;
	}
	return 0;
}

void pid_file_remove(const char *path)
{
	struct stat mine, there;

	if (held >= 0 && fstat(held, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
	    mine.st_dev == there.st_dev)
		unlink(path);
}
