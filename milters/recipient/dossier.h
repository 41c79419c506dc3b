/*
 * What the store says of one recipient: his mailbox, whether the account knows him, whether he complained; and, once a
 * message, of his provider: its weather and the budgets. One batch; what the message has learnt already is not asked
 * again.
 */
#ifndef LEUMUND_RECIPIENT_DOSSIER_H
#define LEUMUND_RECIPIENT_DOSSIER_H

#include "egress.h"
#include "milter.h"
#include "milters/recipient/known.h"
#include "provider/provider.h"
#include "reputation.h"

/* One provider, for one message. */
struct outlook {
	struct outlook *next;
	char name[DOMAIN_MAX + 2]; /* as keys have it */
	struct budget_rule rule;
	struct recipient_tally share, budget;
	unsigned egress_count;
	struct recipient_egress *egress;
	const char *const *addresses; /* of egress, as text */
	bool is_taken;		      /* the room for them, by others */
	unsigned strangers;	      /* whom the message wants to meet there */
};

/* One recipient. */
struct addressee {
	struct addressee *next;
	const struct recipient *recipient;
	struct span box; /* contact_box() */
	int32_t print;	 /* with has_print: of account and recipient, see store/contact.h */
	bool has_print;
	struct outlook *outlook;
	bool is_new, complained;
	bool is_taken; /* the attempt that was due, by another message */
	struct known_mailbox mailbox;
	enum recipient_kind kind;
};

/* Of one message. */
struct dossier {
	struct arena memory;
	struct addressee *first, **end;
	struct outlook *outlooks;
	bool without_store; /* it did not answer some question */
};

/* What all messages share. */
struct inquirer {
	const struct reputation_options *reputation;
	struct providers *providers;
	struct egress *egress;
	struct known *known;
};

void dossier_begin(struct dossier *dossier);
void dossier_end(struct dossier *dossier);

/* `counts_new`: it is known by now whom accounts know. NULL when memory is short. */
struct addressee *dossier_add(struct dossier *dossier, const struct inquirer *inquirer, const struct view *view,
			      const struct recipient *recipient, bool counts_new);

/* As people call it: "Microsoft". */
struct span provider_words(const char *name);

#endif
