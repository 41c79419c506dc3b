/*
 * What a message is by its header: a newsletter, a program's order mail, or neither; and what stays the same when it is
 * tried again.
 */
#ifndef LEUMUND_RECIPIENT_LETTER_H
#define LEUMUND_RECIPIENT_LETTER_H

#include "session.h"
#include "stem.h"

/* Names of the header fields that are looked at, NULL-terminated. */
extern const char *const recipient_headers[];

#define RECIPIENT_TOKEN_SIZE 512

bool recipient_is_bulk(const struct session *session);

/* About orders, invoices, shipping, and written by a program: a person's words could be anybody's. */
bool recipient_is_order(const struct session *session, const struct stems *trade);

/* Its Message-ID, or without one Date and Subject; "" without any of them. */
struct span recipient_token(const struct session *session, char out[RECIPIENT_TOKEN_SIZE]);

#endif
