/*
 * One form for all ways to write a recipient, so that no spelling makes a new one.
 */
#ifndef LEUMUND_SIGNUP_CONTACT_H
#define LEUMUND_SIGNUP_CONTACT_H

#include "text.h"

/* Bytes that are enough for every address, RFC 5321 4.5.3.1.3. */
#define CONTACT_MAX 321

/*
 * The local part without a tag and in lower case, "@", the domain (in comparable form, see address/address.h; "" for
 * none). Gmail's dots go too: it delivers v.i.ctim@ and victim@ to one box.
 */
void contact_fold(struct span local, const char *domain, struct text *out);

#endif
