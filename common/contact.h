/*
 * One form for all ways to write a recipient, so that no spelling makes a new one.
 */
#ifndef LEUMUND_CONTACT_H
#define LEUMUND_CONTACT_H

#include "text.h"

/* Bytes that are enough for every address with its NUL, RFC 5321 4.5.3.1. */
#define CONTACT_MAX 321

/*
 * Whom an account has written to: the local part without quotes, without a tag and in lower case, "@", the domain (in comparable form,
 * see address/address.h; "" for none). Dots stay, although Gmail does not care: people write their address in one way,
 * and who registers as v.ictim and as vi.ctim is a bot.
 */
void contact_fold(struct span local, const char *domain, struct text *out);

/* Whose box it is: the same, and without the dots that Gmail does not care for. */
void contact_box(struct span local, const char *domain, struct text *out);

#endif
