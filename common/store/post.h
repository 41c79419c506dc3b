/*
 * What was posted, on its way: the buffer in which it waits, and the command that stores it.
 * Free of any client library. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_POST_H
#define LEUMUND_STORE_POST_H

#include "store/store.h"

/*
 * As it lies in the buffer. Of a decision: strings that follow one another, each NUL-terminated. Of a request: the
 * command.
 */
struct post {
	uint32_t size; /* of the whole record, a multiple of 8; 0: the next one lies at the buffer's begin */
	uint16_t id, rule, action, text, end; /* offsets into bytes; the account is at 0 */
	uint16_t refused;		      /* a rule objected */
	int64_t at_ms;
	uint8_t script; /* enum store_script */
	bool request;	/* bytes is the command, up to end */
	char bytes[];
};

/*
 * A ring of posts. Places only ever grow (the byte is place % size), so a place also tells whether
 * a post was dropped in the meantime. A post stays until its end is acknowledged: what was sent but not
 * answered can be sent again.
 */
struct posts {
	char *ring;
	size_t size;
	uint64_t tail, sent, head; /* oldest kept, next to send, next free */
};

#define POST_MAX 4096 /* bytes of one record; longer texts are cut */

bool posts_init(struct posts *posts, size_t size);
void posts_free(struct posts *posts);
bool posts_empty(const struct posts *posts);

/* Returns how many of the oldest had to go. */
unsigned posts_put(struct posts *posts, const struct store_decision *decision);

/* False: it is too long, and nothing was changed. */
bool posts_put_request(struct posts *posts, const struct store_request *request, unsigned *dropped);

/* The next to be sent (place and what follows it), NULL when all are. Valid until the next put. */
const struct post *posts_next(struct posts *posts, uint64_t *end);

/* Everything before `end` is stored. False: it had been dropped before. */
bool posts_acknowledge(struct posts *posts, uint64_t end);

/* What is not acknowledged is to be sent again. */
void posts_rewind(struct posts *posts);

uint64_t posts_count(const struct posts *posts);

/* What stays the same from post to post. */
struct post_form {
	int64_t keep, max;
	int64_t second; /* that `when` tells */
	char when[32];
};

#define POST_COMMAND_SIZE (POST_MAX + 2048)
void post_command(struct text *out, const struct post *post, struct post_form *form);

#endif
