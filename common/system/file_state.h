/*
 * Has a file changed? Who reads a file again and again keeps what stat(2) said of it.
 */
#ifndef LEUMUND_FILE_STATE_H
#define LEUMUND_FILE_STATE_H

#include <stdbool.h>
#include <sys/stat.h>

/* True when both describe the same state of the same file. */
bool file_state_same(const struct stat *a, const struct stat *b);

#endif
