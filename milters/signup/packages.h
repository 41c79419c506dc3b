/*
 * Which package (hosting plan) an account has, by files of lines `account: package` such as cPanel's /etc/userplans.
 */
#ifndef LEUMUND_SIGNUP_PACKAGES_H
#define LEUMUND_SIGNUP_PACKAGES_H

#include "option/option.h"

#define PACKAGE_SIZE 128 /* bytes of a name with its NUL; longer ones are broken lines */

struct packages;

/* Reads the files; the list outlives it. What cannot be read is said in the log. NULL when memory is short. */
struct packages *packages_new(const struct string_list *files);
void packages_free(struct packages **packages);

/*
 * The account's (case-blind) package, "" when no file names it; of several files the first that does. From any thread.
 * At most once a second somebody looks whether a file has changed, and reads it again; what was read before stays in
 * force when it cannot be read.
 */
void packages_of(struct packages *packages, const char *account, char out[PACKAGE_SIZE]);

#endif
