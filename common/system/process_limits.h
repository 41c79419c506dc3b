/*
 * What the system lets this process have, and what max_connections must therefore be.
 */
#ifndef LEUMUND_PROCESS_LIMITS_H
#define LEUMUND_PROCESS_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Raises the number of descriptors as far as it may be, and returns what is left of `connections` within descriptors
 * and threads; a warning says what to change. `services` share the threads; each needs `other_threads` beside one
 * for each connection.
 */
int64_t process_limits_apply(int64_t connections, size_t services, unsigned other_threads);

/*
 * The smallest pids.max (systemd's TasksMax) on the way from the control group that `membership` (as
 * /proc/self/cgroup) names up to the `root` of the file system; INT64_MAX when there is none.
 */
int64_t process_limits_pids(const char *membership, const char *root);

#endif
