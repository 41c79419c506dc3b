/*
 * One question to a service's line socket (exim/exim.h), or to a private Redis.
 */
#ifndef LEUMUND_TOOLS_ASK_H
#define LEUMUND_TOOLS_ASK_H

#include <stdbool.h>
#include <stddef.h>

#define ASK_ANSWER_BYTES 65536

/*
 * Sends `question` (with its line end) and reads one line, without its end, into `answer`. 0, or -1 with
 * errno: ETIMEDOUT after deadline_ms, EPROTO when the other side hung up or the line is too long.
 */
int ask(const char *path, const char *question, char *answer, size_t size, int deadline_ms);

/* Status of the service whose sockets lie in the working directory, as one JSON object; as above. */
int ask_status(const char *service, char *answer, size_t size);

/* The configuration directory of the services that answer in the run directory. False: none does. */
bool ask_conf(const char *run, char *out, size_t size);

#endif
