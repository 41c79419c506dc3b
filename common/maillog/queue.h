/*
 * Messages on their way: what earlier lines said about them, by their ids. Bounded; the one that nothing was heard of
 * for longest goes first.
 */
#ifndef LEUMUND_MAILLOG_QUEUE_H
#define LEUMUND_MAILLOG_QUEUE_H

#include "maillog/maillog.h"

#define MAIL_PASSED 4	/* messages that one became */
#define MAIL_WAITING 64 /* deliveries of one that wait for its sender */

/* A delivery whose sender a later line will tell. */
struct waiting {
	struct waiting *next;
	int64_t at_ms;
	size_t len;
	char address[];
};

struct mail {
	uint64_t key;
	enum maillog_sender sender;
	uint32_t uid;
	char *name;
	char *mail_from, *message_id; /* NULL: not known */
	bool named;		      /* Postfix: its Message-Id was logged, so the next one is another message's */
	bool from_here;		      /* a program of this host brought it: it was another message before */
	bool from_command;	      /* sendmail: by its own command, with recipients as its user wrote them */
	uint64_t relay;		      /* sendmail: who is behind this session */
	uint64_t passed[MAIL_PASSED];
	unsigned passed_count, waiting_count;
	struct waiting *waiting;
	struct mail *next, *older, *younger; /* in the bucket; in the order of their last lines */
};

struct queue;

/* `lost` is called before a message, or what waits for its sender, is given up. */
typedef void queue_lost_fn(void *arg, struct mail *mail);
struct queue *queue_new(size_t most, queue_lost_fn *lost, void *arg);
void queue_clear(struct queue *queue);
void queue_free(struct queue **queue);

/* NULL: unknown. Was heard of now. */
struct mail *queue_find(struct queue *queue, uint64_t key);

/* An empty one; NULL: no memory. */
struct mail *queue_begin(struct queue *queue, uint64_t key);
void queue_forget(struct queue *queue, struct mail *mail);

/* False: too many wait already, or there is no memory. */
bool mail_wait(struct queue *queue, struct mail *mail, int64_t at_ms, struct span address);
void mail_wait_no_more(struct queue *queue, struct mail *mail);

#endif
