/*
 * The first words of a message as its reader sees them: MIME and HTML undone as far as telling texts apart needs it.
 */
#ifndef LEUMUND_SIGNUP_OPENING_H
#define LEUMUND_SIGNUP_OPENING_H

#include "text.h"

/* Bytes of a body that are enough: what stands before the text is boundaries, part headers and style sheets. */
#define OPENING_BODY_MAX 16384

/*
 * From the values of Content-Type and Content-Transfer-Encoding ("" for none) and the begin of the body, whose lines
 * end with CRLF or LF. Of a multipart the first text part, however deep it stands; base64 and quoted-printable decoded;
 * HTML without tags, entities as blanks. The charset stays as it is. At most `size` bytes; the bytes written.
 */
size_t opening_read(struct span type, struct span encoding, struct span body, char *out, size_t size);

#endif
