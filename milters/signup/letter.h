/*
 * What a message shows of itself: its subject and text as their reader sees them, and its evidence.
 */
#ifndef LEUMUND_SIGNUP_LETTER_H
#define LEUMUND_SIGNUP_LETTER_H

#include "milters/signup/evidence.h"
#include "milters/signup/visitor.h"
#include "session.h"

#define LETTER_SUBJECT_SIZE (STEM_TEXT_MAX + 1)
#define LETTER_TOKEN_SIZE 128

/* Names of the header fields that are looked at, NULL-terminated. */
extern const char *const letter_headers[];

struct letter {
	struct evidence_facts facts; /* without `alike` and `has_random` */
	uint64_t sketch;	     /* see sketch.h */
	char visitor[VISITOR_SIZE];  /* the network that a form was filled in from, "" = not known */
	char subject[LETTER_SUBJECT_SIZE];
};

/* It points into itself. */
void letter_read(const struct session *session, struct letter *out);

/*
 * What is the same when the message is tried again, under another queue id too, and else another: Message-ID, Date,
 * Subject and the begin of the body, for whoever writes the text may write the same Message-ID into all; with
 * `recipients`, a number that stands for them in any order. `key`: the secret of all servers.
 */
struct span letter_token(const struct session *session, const uint64_t key[2], uint64_t recipients,
			 char out[LETTER_TOKEN_SIZE]);

#endif
