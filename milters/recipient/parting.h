/*
 * The end of a message that passes: the attempt at a mailbox that is due, the probe of a provider that is half open,
 * the room for first contacts. Each may find that another message was quicker.
 */
#ifndef LEUMUND_RECIPIENT_PARTING_H
#define LEUMUND_RECIPIENT_PARTING_H

#include "milters/recipient/dossier.h"

/*
 * One batch, a further one for each eight questions. Takes what it may; then mailboxes that are WAITING again, egress
 * that is no probe and budgets that are full tell what it may not. `token` is the message's, "" = none.
 * `may_probe` says whether a recipient is one to probe with.
 */
void parting_take(struct dossier *dossier, const struct inquirer *inquirer, const struct view *view, struct span token,
		  bool (*may_probe)(void *arg, const struct addressee *addressee), void *arg);

#endif
