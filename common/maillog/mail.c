/*
 * The messages that lines are about, by the ids that their MTA gives them (queue.h).
 */
#include "hash.h"
#include "maillog/inner.h"

static uint64_t key_of(const struct maillog_entry *entry, struct span id)
{
	char bytes[512];
	struct text key;

	text_init(&key, bytes, sizeof(bytes));
	text_mem(&key, entry->host.at, entry->host.len);
	text_char(&key, '\0');
	text_mem(&key, id.at, id.len);
	return hash_bytes(key.at, key.len);
}

struct mail *mail_find(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	return queue_find(log->queue, key_of(entry, id));
}

struct mail *mail_begin(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	return queue_begin(log->queue, key_of(entry, id));
}

void mail_forget(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	struct mail *mail = mail_find(log, entry, id);

	if (mail)
		queue_forget(log->queue, mail);
}
