/*
 * Mail addresses as the field defines them: envelope paths (RFC 5321), header
 * authors (RFC 5322, 6532) and domains in one comparable form (RFC 5890).
 *
 * Nothing here allocates; every span points into what the caller passed in.
 * There are no regular expressions and no substring searches: whole grammar or nothing.
 */
#ifndef LEUMUND_ADDRESS_H
#define LEUMUND_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

#define DOMAIN_MAX 253 /* octets of a domain name in its textual form, RFC 1035 */

/* A domain in comparable form: lower-case A-labels, no final dot, NUL-terminated. */
typedef char domain_name[DOMAIN_MAX + 1];

/*
 * Brings a domain into comparable form. 0, or -1 when it is no domain that mail can
 * be sent from: empty labels, over-long labels, bytes that are not UTF-8, U-labels
 * that IDNA2008 does not allow or would have to map, address literals.
 * One final dot is taken off.
 */
int domain_canonical(const char *from, size_t len, domain_name out);

/* True when `name` is `parent` or lies below it; both in comparable form. */
bool domain_is_below(const char *name, const char *parent);

/* An address of the envelope. */
struct mail_path {
	bool null;	    /* <>: the null reverse-path, RFC 5321 4.5.5 */
	struct span local;  /* as written, quotes included */
	domain_name domain; /* "" when the address has none (postmaster, local users) */
};

void mail_path_clear(struct mail_path *path);

/*
 * Reads MAIL FROM's or RCPT TO's path, with or without angle brackets (Postfix hands
 * local submissions over without). The empty string is the null path. Source routes are refused.
 * 0, or -1 for what is no path; `out` then holds nothing.
 */
int mail_path_parse(const char *from, size_t len, struct mail_path *out);

/* One author of a message: a mailbox of From or Sender. */
struct author {
	struct span local; /* as written */
	domain_name domain;
	/* Name and comments around the address; raw, may be empty. With text on both sides the address is in it too. */
	struct span display;
};

/* Which fields say who wrote a message. */
enum author_field { AUTHOR_FIELD_NONE, AUTHOR_FIELD_FROM, AUTHOR_FIELD_SENDER };

/* By a field's name, case-blind; blanks and controls before the colon do not count, as for lenient readers. */
enum author_field author_field_of(const char *name, size_t len);

/*
 * True when a field's value hides a From or Sender field: such a name behind a CR or LF that
 * is no fold. MTAs differ in what they make of it, so a message that has one has two authors.
 */
bool author_field_within(const char *value, size_t len);

/* Why a From or Sender field cannot be trusted to say who wrote the message. */
enum author_fault {
	AUTHOR_OK,
	AUTHOR_EMPTY,	   /* no mailbox at all */
	AUTHOR_SYNTAX,	   /* not RFC 5322's grammar in a way that readers take differently */
	AUTHOR_GROUP,	   /* group syntax, RFC 6854: hides the author */
	AUTHOR_ROUTE,	   /* obsolete source route */
	AUTHOR_NO_DOMAIN,  /* a mailbox without a domain, or an address literal */
	AUTHOR_BAD_DOMAIN, /* domain_canonical() refuses it */
	AUTHOR_ENCODED,	   /* encoded-word inside an address, RFC 2047 5 (3) */
	AUTHOR_BYTES,	   /* control characters (bidi overrides too), bytes that are not UTF-8 */
	AUTHOR_TOO_LONG,   /* longer than AUTHOR_FIELD_MAX, or a line over 998: an MTA may have cut it */
	AUTHOR_FAULTS
};

/* Postfix cuts header fields at 60,000 bytes when a milter looks on. */
#define AUTHOR_FIELD_MAX 59000

/* Called for each mailbox in order; false stops the reading. `author` lives until it returns. */
typedef bool author_fn(void *arg, const struct author *author);

/*
 * Reads the value of one From or Sender field (what follows the colon; folds as LF or
 * CRLF followed by blank; no line end after the last line). The bytes are judged first,
 * then the mailboxes in order: returns the first fault; mailboxes before it were reported.
 */
enum author_fault author_parse(const char *value, size_t len, author_fn *fn, void *arg);

/* One word for logs and texts: "syntax", "group", ... */
const char *author_fault_name(enum author_fault fault);

/* Called for each address that a display text shows; false stops. */
typedef bool shown_fn(void *arg, const char *domain);

/*
 * Finds the addresses that a reader of `display` (an author's name and comments) is
 * shown: encoded-words are decoded first (RFC 2047; UTF-8, US-ASCII, ISO-8859-1/-15
 * and windows-1252; of their relatives the ASCII part), then everything of the form
 * local@domain is reported, the domain in comparable form. Look-alikes of "@" and "."
 * count, and a domain needs a dot: "Café@Home" is a name.
 */
void display_addresses(struct span display, shown_fn *fn, void *arg);

/*
 * Appends the value of an unstructured field, such as Subject, as its reader sees it, in UTF-8: encoded-words of the
 * charsets above decoded, folds undone; U+FFFD for what is not known. Cut at a code point.
 */
void field_text(struct span value, struct text *out);

#endif
