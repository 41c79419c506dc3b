/*
 * Mail that tells what became of ours: delivery reports (RFC 3464, and the prose of MTAs that know it not), and
 * complaints (RFC 5965, Microsoft's JMRP, SpamCop). Bytes in, recipients and what the other side said out.
 *
 * Whether a report is genuine is not judged here: anybody can write one. See what it returns of our message.
 * Parsing is bounded, whatever the bytes are; MIME is read by GMime, so only programs that call this load it.
 */
#ifndef LEUMUND_BOUNCE_H
#define LEUMUND_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "evidence/evidence.h"

/* Defined by the makefile in a build that has GMime. */
#ifndef LEUMUND_WITH_GMIME
#define LEUMUND_WITH_GMIME 0
#endif

#define BOUNCE_BYTES (1 << 20) /* of a mail that are read; the rest is our own message come back */
#define BOUNCE_RECIPIENTS 64   /* more are left out */

struct bounce_recipient {
	const char *address; /* as written, without brackets; "" when none is told */
	const char *status;  /* enhanced code, "" when none is told */
	struct evidence evidence;
};

struct bounce;

/*
 * NULL: no memory, no GMime in this build, or a mail that is made to harm (thousands of parts); `why` is then a static
 * sentence. `table` must outlive it.
 */
struct bounce *bounce_read(const struct evidence_table *table, const char *bytes, size_t len, const char **why);
void bounce_free(struct bounce **bounce);

/* 0 recipients: it is no report about mail of ours (a vacation, a DMARC report, any mail). */
size_t bounce_count(const struct bounce *bounce);
const struct bounce_recipient *bounce_recipient(const struct bounce *bounce, size_t index);

/*
 * A field of our message as it came back, such as "Message-ID"; its last one where there are several, since later ones
 * are further from whoever handed it back. NULL: it is not there.
 */
const char *bounce_original(const struct bounce *bounce, const char *field);

#endif
