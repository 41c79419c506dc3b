/*
 * Authentication-Results (RFC 8601): whose such a field claims to be, and values in it.
 */
#ifndef LEUMUND_AUTH_RESULTS_H
#define LEUMUND_AUTH_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

extern const char auth_results_name[];

/*
 * Does the field's value begin with this authserv-id? Comments and quotes are seen through, case does not matter. Also
 * true where no id can be read: who reads it otherwise must not be misled.
 */
bool auth_results_is_of(const char *value, size_t len, const char *authserv_id);

/* A value as a word, or as a quoted string where it is none; what has no place in a header becomes '?'. */
void auth_results_value(struct text *out, const char *value);

#endif
