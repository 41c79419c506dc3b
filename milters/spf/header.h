/*
 * What a message's header says of its SPF results: Authentication-Results (RFC 8601) and Received-SPF (RFC 7208 9.1).
 */
#ifndef LEUMUND_SPF_HEADER_H
#define LEUMUND_SPF_HEADER_H

#include "milters/spf/inquiry.h"
#include "text.h"

struct spf_header {
	struct inquiry *inquiry;
	bool shown[SPF_IDENTITIES];
	const char *authserv_id;
	const char *client_addr, *helo;
};

/* The value of Authentication-Results; empty when there is nothing to show. */
void header_results(const struct spf_header *header, struct text *out);

/* The value of Received-SPF for one identity. */
void header_received(const struct spf_header *header, enum spf_identity identity, struct text *out);

#endif
