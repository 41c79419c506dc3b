/*
 * Whose a message is: what waited for that is told, and what it became behind a filter is theirs too.
 */
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "maillog/inner.h"

#define PASS_DEPTH 8 /* from command to MTA to filter to MTA: four */

static void tell(struct maillog *log, const struct mail *mail, int64_t at_ms, struct span address)
{
	struct mail_path path;

	if (!log->fn || log->muted)
		return;
	if (mail_path_parse(address.at, address.len, &path) < 0 || path.null || path.domain[0] == '\0') {
		log->counts.doubtful++;
		return;
	}
	log->counts.deliveries++;
	log->fn(log->arg, &(struct maillog_delivery){ at_ms, mail->sender, mail->name ? mail->name : "", mail->uid,
						      path.local, path.domain });
}

static void claim(struct maillog *log, struct mail *mail, enum maillog_sender sender, struct span name, uint32_t uid,
		  int depth)
{
	char *copy = strndup(name.at, name.len);

	if (!copy)
		return;
	free(mail->name);
	mail->name = copy;
	mail->sender = sender;
	mail->uid = uid;
	for (const struct waiting *waiting = mail->waiting; waiting; waiting = waiting->next)
		tell(log, mail, waiting->at_ms, (struct span){ waiting->address, waiting->len });
	mail_wait_no_more(log->queue, mail);
	outcomes_release(log, mail, INT64_MAX);
	for (unsigned i = 0; i < mail->passed_count; i++) {
		struct mail *next = queue_find(log->queue, mail->passed[i]);
		if (next && next->from_here && next->sender == MAILLOG_NOBODY && depth < PASS_DEPTH)
			claim(log, next, sender, name, uid, depth + 1);
	}
}

void mail_claim(struct maillog *log, struct mail *mail, enum maillog_sender sender, struct span name, uint32_t uid)
{
	claim(log, mail, sender, name, uid, 0);
}

void mail_pass(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span id)
{
	struct mail *next = mail_find(log, entry, id);

	if (!mail || !next || next == mail || !next->from_here || next->sender != MAILLOG_NOBODY)
		return;
	if (mail->sender != MAILLOG_NOBODY)
		claim(log, next, mail->sender, (struct span){ mail->name, strlen(mail->name) }, mail->uid, 0);
	else if (mail->passed_count < MAIL_PASSED)
		mail->passed[mail->passed_count++] = next->key;
}

void mail_delivered(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span address)
{
	if (!log->fn)
		return;
	if (mail && mail->sender != MAILLOG_NOBODY)
		tell(log, mail, entry->at_ms, address);
	else if (!mail || !mail->from_here || !mail_wait(log->queue, mail, entry->at_ms, address))
		log->counts.unclaimed++;
}

void mail_lost(void *arg, struct mail *mail)
{
	struct maillog *log = arg;

	log->counts.unclaimed += mail->waiting_count;
	if (mail->from_here && mail->sender == MAILLOG_NOBODY)
		outcomes_release(log, mail, INT64_MAX);
}
