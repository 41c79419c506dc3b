/*
 * How a service is, as one JSON object: for `leumund status`, which asks over the line socket.
 */
#ifndef LEUMUND_SERVICE_STATUS_H
#define LEUMUND_SERVICE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

/* Once, at the start. Both strings stay the caller's. */
void service_status_start(const char *name, const char *directory);

/* From any thread; false when it does not fit. */
bool service_status(char *out, size_t size);

#endif
