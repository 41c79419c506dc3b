/*
 * Fuzzes the reader of MTA logs: lines as they are, few open messages. Each delivery that is told has a sender and an
 * address, and every line is accounted for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "maillog/maillog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t told;

static void take(void *arg, const struct maillog_delivery *delivery)
{
	domain_name domain;

	(void)arg;
	told++;
	if (delivery->sender == MAILLOG_NOBODY || delivery->local.len == 0 || !delivery->name)
		abort();
	if (domain_canonical(delivery->domain, strlen(delivery->domain), domain) < 0 ||
	    strcmp(domain, delivery->domain) != 0)
		abort();
	for (size_t i = 0; i < delivery->local.len; i++)
		if ((unsigned char)delivery->local.at[i] < ' ')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maillog *log = maillog_new(8, 1795564800000, take, NULL);
	struct maillog_counts counts;
	uint64_t lines = 0;

	if (!log)
		return 0;
	told = 0;
	for (size_t at = 0; at < size; lines++) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		const size_t len = end ? (size_t)(end - data) - at : size - at;
		char *line = malloc(len > 0 ? len : 1); /* its own, so that each byte too far is seen */

		if (!line)
			break;
		memcpy(line, data + at, len);
		maillog_line(log, line, len);
		free(line);
		at += len + 1;
	}
	maillog_end(log);
	maillog_count(log, &counts);
	if (counts.lines != lines || counts.deliveries != told || counts.foreign > lines)
		abort();
	maillog_free(&log);
	return 0;
}
