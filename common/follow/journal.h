/*
 * The systemd journal in place of a file: the lines of the mail facility, as syslog would have written them.
 *
 * It knows who wrote a line. So only what an MTA's own users wrote is given: a customer who writes to /dev/log as
 * "postfix/smtp" is not heard.
 */
#ifndef LEUMUND_FOLLOW_JOURNAL_H
#define LEUMUND_FOLLOW_JOURNAL_H

#include "follow/follow.h"

struct journal;

/* options->path: "journal", or "journal:/DIRECTORY". NULL: no memory, or a build without libsystemd. */
struct journal *journal_open(const struct follow_options *options, struct follow_counts *counts);

/* As follow_read() and follow_save(). */
size_t journal_read(struct journal *journal, size_t most);
int journal_save(struct journal *journal);
void journal_close(struct journal **journal);

#endif
