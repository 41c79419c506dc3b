/*
 * What one message wants to know of SPF: the evaluations of its identities, begun at MAIL, waited for when needed.
 */
#ifndef LEUMUND_SPF_INQUIRY_H
#define LEUMUND_SPF_INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "milters/spf/policy.h"
#include "session.h"
#include "spf/spf.h"

struct dns;
struct inquiry;

#define INQUIRY_RELAYS 8 /* each costs an evaluation a message */

struct inquiry_terms {
	struct dns *dns;
	const char *receiver; /* this host, for %{r} */
	int64_t deadline_ms;  /* of the evaluations: clock_ticks_ms() */
	int64_t now_s;
	unsigned voids;
	bool asked[SPF_IDENTITIES];
	bool want_explanation;
	const char *relays[INQUIRY_RELAYS + 1]; /* domains whose clients are relays of ours; ends with NULL */
};

enum inquiry_relay { RELAY_NO, RELAY_YES, RELAY_UNKNOWN };

/*
 * Begins it. With the null sender, MAIL FROM is postmaster@HELO (RFC 7208 2.4), and HELO is not asked about again.
 * NULL: no memory. The session's strings must outlive it.
 */
struct inquiry *inquiry_begin(const struct inquiry_terms *terms, const struct session *session);
void inquiry_end(struct inquiry *inquiry);

/* What came out; waits for it, until the deadline at most. NULL: nobody asked. */
const struct spf_outcome *inquiry_outcome(struct inquiry *inquiry, enum spf_identity identity);

/* Is the client one that a relay's record names? Waits as above. Unknown: the DNS did not say. */
enum inquiry_relay inquiry_relay(struct inquiry *inquiry);

/* The identity as it was judged: an address, or the name given with HELO. */
const char *inquiry_about(const struct inquiry *inquiry, enum spf_identity identity);

#endif
