/*
 * From the facts of a session to what the front must say: identification, the stack's stages, the
 * way of submission, the text of the reply, one log line, the history.
 *
 * Both fronts and the admin's `who` go through here, so a message is judged alike wherever it came in.
 */
#ifndef LEUMUND_JUDGE_H
#define LEUMUND_JUDGE_H

#include "directory/directory.h"
#include "milter.h"
#include "notice/notice.h"
#include "session.h"
#include "setup.h"
#include "stack.h"
#include "store/store.h"

/* One configuration in force: immutable, shared by the sessions that began under it. */
struct house;

/* NULL and lines of text on failure. References: one for the caller. */
struct house *house_load(const char *directory, const char *service, const struct milter *const *milters, char *error,
			 size_t size);
struct house *house_ref(struct house *house);
void house_unref(struct house **house);
const struct setup *house_setup(const struct house *house);
const struct stack *house_stack(const struct house *house);

/* Does the identification or a milter of the house read this, the next header field? Asked for each of every message.
 */
bool house_wants_header(const struct house *house, const struct session *session, const char *name);

/* What a message is judged with. The pointers are borrowed for one message. */
struct bench {
	const struct house *house;
	const struct directory *directory; /* may be NULL */
	struct store *store;		   /* may be NULL: no history, nothing shared */
	struct notices *notices;	   /* may be NULL: nobody is told */
};

enum reply_kind { REPLY_ACCEPT, REPLY_HOLD, REPLY_REFUSE };

/* Strings live until the end of the message. */
struct reply {
	enum reply_kind kind;
	const char *code; /* "550", "451" */
	const char *dsn;  /* "5.7.1" */
	const char *text; /* printable ASCII; for HOLD the reason */
};

/* What has been found about the message so far; cleared by judge_mail(). */
struct judgement {
	int64_t now_ms;		   /* wall clock of the step */
	struct decision message;   /* of STAGE_MAIL and STAGE_END */
	struct decision recipient; /* the strongest that could not be said at RCPT */
	struct marks marks;	   /* of a message that passes: what its header shall say; set by judge_end() */
	bool mail_checked;
	bool refusal_logged; /* the message's refusal, said to a first recipient */
	struct reply refusal;
};

/*
 * The steps of one message, in this order; each may be left out, then its facts are absent.
 * `judge_failed` is for a message whose facts could not be kept: it is deferred (or held), never accepted unseen.
 */
void judge_mail(struct judgement *judgement, const struct bench *bench, struct session *session);
struct reply judge_rcpt(struct judgement *judgement, const struct bench *bench, struct session *session,
			struct recipient *recipient);
struct reply judge_end(struct judgement *judgement, const struct bench *bench, struct session *session);
struct reply judge_failed(const struct bench *bench, struct session *session, enum stage stage);

/*
 * Once, before the first message. The service's own forged message carries the login `canary`: it is judged
 * as if every rule that observes would bite, and neither logged nor counted.
 */
void judge_start(const char *canary);
bool judge_is_canary(const struct session *session);

#endif
