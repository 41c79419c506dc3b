/*
 * The pid file of a service (system/pid_file.h). The kernel's lock says who lives; a number in a file would not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/pid_file.h"

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

static void private_name(char *out, size_t size)
{
	snprintf(out, size, ".pid.%ld", (long)getpid());
}

int pid_file_prepare(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char private[64], line[24];
	int len;

	private_name(private, sizeof(private));
	held = open(private, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (held < 0)
		return -1;
	len = snprintf(line, sizeof(line), "%ld\n", (long)getpid());
	/* a full disk costs the number, which is for people: the lock tells who lives */
	if (fchmod(held, 0644) == 0 && fcntl(held, F_SETLK, &lock) == 0 &&
	    (write(held, line, (size_t)len) == len || errno == ENOSPC || errno == EDQUOT))
		return 0;
	pid_file_discard();
	return -1;
}

void pid_file_discard(void)
{
	int saved = errno;
	char private[64];

	private_name(private, sizeof(private));
	unlink(private);
	errno = saved;
}

int pid_file_publish(const char *path)
{
	char private[64];

	private_name(private, sizeof(private));
	return rename(private, path);
}

int pid_file_take(const char *path)
{
	if (pid_file_prepare() < 0)
		return -1;
	if (pid_file_publish(path) == 0)
		return 0;
	pid_file_discard();
	return -1;
}

void pid_file_remove(const char *path)
{
	struct stat mine, there;

	if (held >= 0 && fstat(held, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino &&
	    mine.st_dev == there.st_dev)
		unlink(path);
}
