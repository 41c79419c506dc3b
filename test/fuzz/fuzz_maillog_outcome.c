/*
 * Fuzzes what MTA logs tell of attempts to deliver: lines as they are, few open messages, a clock that runs. Whatever
 * another server is said to have answered has a recipient that can be one; an id is the same for the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "maillog/maillog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t told;

static void take(void *arg, const struct maillog_outcome *outcome)
{
	const struct span spans[] = { outcome->host,	  outcome->instance,  outcome->queue_id, outcome->message_id,
				      outcome->mail_from, outcome->rcpt_to,   outcome->orig_to,	 outcome->relay,
				      outcome->relay_ip,  outcome->egress_ip, outcome->dsn,	 outcome->reply };
	char id[MAILLOG_ID], again[MAILLOG_ID];
	struct mail_path path;
	unsigned sum = 0;

	(void)arg;
	told++;
	for (size_t i = 0; i < sizeof(spans) / sizeof(*spans); i++)
		for (size_t at = 0; at < spans[i].len; at++)
			sum += (unsigned char)spans[i].at[at];
	if (!outcome->name ||
	    (outcome->sender != MAILLOG_NOBODY && outcome->sender != MAILLOG_UID && outcome->name[0] == '\0') ||
	    sum == 0)
		abort();
	if (outcome->speaker == MAILLOG_REMOTE &&
	    (mail_path_parse(outcome->rcpt_to.at, outcome->rcpt_to.len, &path) < 0 || path.domain[0] == '\0' ||
	     (outcome->mail_from_known && outcome->mail_from.len == 0)))
		abort();
	if (outcome->code != 0 && (outcome->code < 200 || outcome->code > 599))
		abort();
	maillog_outcome_id(outcome, id);
	maillog_outcome_id(outcome, again);
	if (strcmp(id, again) != 0 || strlen(id) != MAILLOG_ID - 1)
		abort();
	(void)maillog_status_name(outcome->status);
	(void)maillog_phase_name(outcome->phase);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maillog *log = maillog_new(8, 1795564800000, NULL, NULL);
	struct maillog_counts counts;
	int64_t ticks_ms = 0;

	if (!log || maillog_outcomes(log, "here", take, NULL) < 0) {
		maillog_free(&log);
		return 0;
	}
	told = 0;
	for (size_t at = 0; at < size;) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		const size_t len = end ? (size_t)(end - data) - at : size - at;
		char *line = malloc(len > 0 ? len : 1); /* its own, so that each byte too far is seen */

		if (!line)
			break;
		memcpy(line, data + at, len);
		maillog_line(log, line, len);
		free(line);
		maillog_tick(log, ticks_ms += 100);
		at += len + 1;
	}
	maillog_end(log);
	maillog_count(log, &counts);
	if (counts.outcomes != told || maillog_held(log) != 0)
		abort();
	maillog_free(&log);
	return 0;
}
