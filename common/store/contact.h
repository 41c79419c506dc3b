/*
 * First contact: has this account written to this address before, this month or the last? redis/contact.lua remembers
 * fingerprints, for all servers together; nobody can read addresses from them.
 *
 * A milter puts contact_ask() into its batch for store_run() and gives the answer to contact_answer(); at the end of a
 * message that passes it posts the same with CONTACT_ADD: adding twice is the same as once.
 */
#ifndef LEUMUND_STORE_CONTACT_H
#define LEUMUND_STORE_CONTACT_H

#include "store/store.h"

enum contact_mode { CONTACT_LOOK, CONTACT_ADD };

#define CONTACTS 64 /* in one request */

struct contact_request {
	enum contact_mode mode;
	struct span account;
	int64_t at_ms;	  /* when it was written to them: that month's; 0: now */
	struct span kind; /* of mail, small letters; CONTACT_ADD counts those that are new. "" = none */
	size_t count;
	int32_t prints[CONTACTS];

	/* the answer */
	bool is_new[CONTACTS]; /* of two that are the same, the first */
	size_t new_count;
	uint32_t usual; /* how many are new on the account's usual day, of this kind, before today */

	struct contact_words {
		char key[STORE_KEY_SIZE], numbers[CONTACTS][12], at[24];
		struct span keys[1], arg[3 + CONTACTS];
	} words; /* of contact_ask() */
};

/* Case-blind; whatever else means the same address (tags, dots) is for the caller to take away. False: it is full. */
bool contact_put(struct contact_request *request, const struct store_secret *secret, struct span address);

/* For store_run() or store_post(); lives as long as the request and what it points to. */
struct store_request contact_ask(struct contact_request *request);

/* False: it is not known, so nothing may be made of it. `answer` may be NULL. */
bool contact_answer(struct contact_request *request, const struct store_answer *answer);

/* The address as an entity of limits for all accounts together: 16 hexadecimal digits that tell nobody whose. */
#define CONTACT_VICTIM_SIZE 17
void contact_victim(char out[CONTACT_VICTIM_SIZE], const struct store_secret *secret, struct span address);

#endif
