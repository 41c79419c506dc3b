/*
 * What another server answered, out of the words that Postfix and Exim put around it.
 */
#ifndef LEUMUND_MAILLOG_ANSWER_H
#define LEUMUND_MAILLOG_ANSWER_H

#include "maillog/maillog.h"
#include "maillog/scan.h"

/* "NAME[ADDRESS]", perhaps ":PORT", as Postfix writes a peer. */
bool scan_peer(struct scan *scan, struct span *name, struct span *ip);

/*
 * Who speaks in Postfix' words "(...)", without the parentheses: fills in speaker, phase, reply, and, where another
 * server is named, relay and relay_ip.
 */
void answer_of_postfix(struct span text, struct maillog_outcome *outcome);

/*
 * The same for Exim's words behind its fields. False: they cannot be read with certainty.
 */
bool answer_of_exim(struct span text, struct maillog_outcome *outcome);

/* The code that a reply begins with, 200 to 599, else 0. */
unsigned reply_code(struct span reply);

#endif
