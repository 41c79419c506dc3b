/*
 * One line of the Exim protocol taken apart: a verb, then KEY=VALUE pairs. No I/O.
 */
#ifndef LEUMUND_EXIM_LINE_H
#define LEUMUND_EXIM_LINE_H

#include <stdbool.h>
#include <stddef.h>

enum exim_key {
	EXIM_QUEUE_ID,
	EXIM_CLIENT_ADDR,
	EXIM_CLIENT_PORT,
	EXIM_CLIENT_NAME,
	EXIM_HELO,
	EXIM_AUTH_USER,
	EXIM_AUTH_TYPE,
	EXIM_IDENT,
	EXIM_UID,
	EXIM_MAIL_FROM,
	EXIM_RCPT_TO,
	EXIM_RECIPIENTS,
	EXIM_HEADERS,
	EXIM_BODY,
	EXIM_PARENT,
	EXIM_HEADER_CHANGES,
	EXIM_LATER,
	EXIM_KEYS
};

struct exim_line {
	const char *verb;
	const char *value[EXIM_KEYS]; /* never NULL */
};

/*
 * Takes `line` (NUL-terminated, without its newline) apart in place; the values point into it.
 * A value in double quotes is as Exim's ${quote:} writes it. An unknown key is skipped, so that an older daemon
 * understands a newer configuration. NULL, or a sentence on what is wrong.
 */
const char *exim_line_parse(char *line, struct exim_line *out);

/* Decodes base64 in place; the length, or -1. The result is NUL-terminated. */
long base64_decode(char *text);

/* With its NUL. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)
void base64_encode(const char *from, size_t len, char *to);

/* Takes the next address of Exim's $recipients ("a@b, c@d") off `*list`; NULL at the end. In place. */
char *exim_recipient_next(char **list);

/*
 * Takes the next field of a header block off `*block`: name and value (folds kept). False at the end or at the
 * first empty line. In place.
 */
bool header_field_next(char **block, char **name, char **value);

#endif
