/*
 * Reads the sample of test/data/signup, line by line.
 */
#ifndef LEUMUND_SIGNUP_SAMPLE_H
#define LEUMUND_SIGNUP_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "text.h"

#define RECIPIENTS_MAX 100
#define HEADERS_MAX 8

enum event {
	EVENT_CONTACT, /* before the sample's two weeks: the account wrote to them */
	EVENT_IN,      /* they wrote to the account */
	EVENT_MAIL
};

enum label { LABEL_HONEST, LABEL_BOT, LABEL_STOLEN, LABEL_SIDE };

struct header_field {
	const char *name;
	struct span value;
};

struct line {
	int64_t time; /* seconds since 1970 */
	enum event event;
	const char *server, *account;
	unsigned recipient_count;
	struct span recipients[RECIPIENTS_MAX];
	const char *text; /* by which template it was written; not of EVENT_IN */
	/* of EVENT_MAIL only */
	bool has_login;
	const char *script, *client, *domain; /* "" = not told */
	unsigned header_count;
	struct header_field headers[HEADERS_MAX];
	struct span subject, body;
	enum label label;
	const char *kind, *attack; /* attack "" = none */
};

struct sample {
	FILE *file;
	char *buffer;
	size_t size;
	unsigned long number; /* of the line last read */
};

/* False at the end. The strings live until the next call. Ends the program at a line that cannot be read. */
bool sample_next(struct sample *sample, struct line *out);

#endif
