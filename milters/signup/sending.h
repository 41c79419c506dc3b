/*
 * One message on its way through the counters: its facts, two trips to the store, the findings.
 */
#ifndef LEUMUND_SIGNUP_SENDING_H
#define LEUMUND_SIGNUP_SENDING_H

#include <pthread.h>

#include "milter.h"
#include "milters/signup/alike.h"
#include "milters/signup/detail.h"
#include "milters/signup/ledger.h"
#include "milters/signup/letter.h"
#include "milters/signup/strangers.h"

/* What all messages share. */
struct texts_sent {
	pthread_mutex_t lock;
	struct alike *alike;
};

struct sending {
	const struct view *view;
	const struct evidence_words *words;
	struct texts_sent *texts;
	struct providers *providers;
	struct acquaintances *acquaintances;
	struct signup_limits limits; /* of this account and login */
	bool own_mailbox;	     /* the login is counted by itself */
	bool has_secret;
	struct store_secret secret;
	struct letter letter;
	enum signup_kind kind;
	struct signup_facts facts;
	struct strangers strangers;
	struct ledger ledger;
	char token[LETTER_TOKEN_SIZE];
	char victims[LEDGER_VICTIMS][CONTACT_VICTIM_SIZE];
};

/* With the members before `letter` set: what is known without the store. False when memory is short. */
bool sending_begin(struct sending *sending);
void sending_end(struct sending *sending);

/*
 * The first trip; of more than about 400 recipients a further one for each 512. False: the store could not be asked,
 * and what is known is this process' own.
 */
bool sending_look(struct sending *sending);

/* With facts.learning set. The second trip, if one is needed; the findings lie in the ledger. */
void sending_count(struct sending *sending);

/* The message passes: recipients are known from now on, what only observes is counted. */
void sending_pass(struct sending *sending);

#endif
