/*
 * Complaints: a recipient who has complained about mail of an account gets no more of its newsletters. Kept by
 * redis/complaint.lua as fingerprints: nobody can read addresses from them.
 */
#ifndef LEUMUND_STORE_COMPLAINT_H
#define LEUMUND_STORE_COMPLAINT_H

#include "store/contact.h"

enum complaint_mode { COMPLAINT_LOOK, COMPLAINT_ADD, COMPLAINT_DROP };

struct complaint_request {
	enum complaint_mode mode;
	int64_t keep_ms;		 /* after the account's latest complaint; a minute to 1000 days */
	struct contact_request contacts; /* account; recipients by complaint_put() */

	/* the answer */
	bool had[CONTACTS]; /* complained before this call */

	struct complaint_words {
		char key[STORE_KEY_SIZE], numbers[CONTACTS][12], keep[24];
		struct span keys[1], arg[2 + CONTACTS];
	} words; /* of complaint_ask() */
};

/* In the form of contact_box(). False: it is full. */
bool complaint_put(struct complaint_request *request, const struct store_secret *secret, struct span address);

/* For store_run() or store_post(); lives as long as the request and what it points to. Adding twice is the same as
 * once. */
struct store_request complaint_ask(struct complaint_request *request);

/* False: it is not known, so nothing may be made of it. `answer` may be NULL. */
bool complaint_answer(struct complaint_request *request, const struct store_answer *answer);

#endif
