/*
 * `leumund mta`: the lines that an MTA's configuration needs so that leumund sees its mail.
 */
#ifndef LEUMUND_TOOLS_MTA_H
#define LEUMUND_TOOLS_MTA_H

#include <stdio.h>

#include "setup.h"

/*
 * Prints commented lines for "postfix", "sendmail" or "exim", for all services of `setup`, whose sockets lie in
 * `run` (NULL: where the configuration says). Each part starts with a line `# ==== FILE: WHAT TO DO ====`
 * (`dnl ====` for m4). 0, or -1 when there is no such MTA or nothing is enabled: then nothing was printed.
 */
int mta_print(const char *which, const struct setup *setup, const char *run, FILE *out);

#endif
