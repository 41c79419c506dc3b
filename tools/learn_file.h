/*
 * Lines of log files, plain or gzipped, and of standard input.
 */
#ifndef LEUMUND_TOOLS_LEARN_FILE_H
#define LEUMUND_TOOLS_LEARN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct learn_file;

/* "-" is standard input. NULL after a complaint. */
struct learn_file *learn_file_open(const char *path);

/* The next line without its end, until the next call; one that is too long is cut. False: that was the last. */
bool learn_file_line(struct learn_file *file, const char **line, size_t *len);

/* How far it is read, in percent; -1: there is no telling. */
int learn_file_percent(const struct learn_file *file);

/* False after a complaint: it could not be read to its end. */
bool learn_file_close(struct learn_file **file);

#endif
