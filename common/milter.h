/*
 * What a milter is. A milter's folder holds one object of this type and its pure policy; it
 * knows common/ and no other milter.
 *
 * `name` is at once folder, section of conf.d, tag in the log and manual page.
 */
#ifndef LEUMUND_MILTER_H
#define LEUMUND_MILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "marks.h"
#include "option/option.h"
#include "session.h"
#include "verdict.h"

struct directory;
struct notices;
struct setup;
struct store;

/* The facts that a milter needs; the front asks the MTA for nothing else. */
enum need {
	NEED_HELO = 1 << 0,
	NEED_RCPT = 1 << 1,
	NEED_HEADERS = 1 << 2, /* those named in `headers` */
	NEED_BODY = 1 << 3,
	NEED_IDENTITY = 1 << 4, /* whose mail it is: some ways of submission tell it in headers only */
	NEED_MARK = 1 << 5,	/* to change header fields, see mark() */
};

enum stage {
	STAGE_MAIL, /* envelope sender and identity are known */
	STAGE_RCPT, /* one recipient */
	STAGE_END,  /* the whole message */
	STAGES
};

/* What a milter may look at. */
struct view {
	enum stage stage;
	const struct session *session;
	const struct recipient *recipient; /* STAGE_RCPT only */
	const struct directory *directory; /* may be NULL: nothing is known */
	struct store *store;		   /* may be NULL: nothing is shared; see store/store.h */
	struct notices *notices;	   /* may be NULL: nobody is told; see notice/notice.h */
	int64_t now_ms;			   /* wall clock */
	void *memo;			   /* what the milter's begin() made for this message */
};

#define DECISION_NOTES 8

/* What came out: the strongest verdict, and what was observed beside it. */
struct decision {
	struct verdict verdict;
	const char *milter; /* whose it is; set by the stack */
	struct verdict observed[DECISION_NOTES];
	unsigned observed_count;
};

static inline void decision_clear(struct decision *decision)
{
	decision->verdict = VERDICT_NONE;
	decision->milter = NULL;
	decision->observed_count = 0;
}

/* Adds a verdict: ACTION_OFF is nothing, ACTION_OBSERVE a note, the rest competes by strength. */
void decision_add(struct decision *decision, struct verdict verdict);

/* A message that the milter must refuse, or its configuration has no rule that bites. */
struct forgery {
	const char *mail_from, *rcpt_to, *header_from; /* addresses without brackets; they live as long as the state */
};

struct milter {
	const char *name;
	const char *summary;
	const struct section *section;
	const struct rule *rules;   /* ends with a row whose name is NULL */
	unsigned needs;		    /* of enum need */
	const char *const *headers; /* NULL-terminated field names, or NULL */

	/*
	 * Makes what check() works with from the section's struct; that and the setup outlive it. NULL and a sentence
	 * on failure. `stop` gives it back.
	 */
	void *(*start)(const struct setup *setup, const void *options, char *error, size_t size);
	void (*stop)(void *state);

	/*
	 * The process is about to end, or another configuration is in force: whatever works in the background uses the
	 * store no more when this returns. Messages may still come. NULL: nothing works in the background.
	 */
	void (*rest)(void *state);

	/*
	 * At MAIL, before any check: starts what takes its time, so that it is ready when a check needs it. What it
	 * returns is `memo` of the message's later views, until `end` takes it. NULL: there is none; also when memory
	 * is short. Both hooks may be NULL.
	 */
	void *(*begin)(const void *state, const struct view *view);
	void (*end)(void *memo);

	/* Reads only. Called from several threads at once. */
	void (*check)(const void *state, const struct view *view, struct decision *decision);

	/* After all checks let the message pass: counts it, may still object. NULL: nothing to count. */
	void (*count)(const void *state, const struct view *view, struct decision *decision);

	/*
	 * At the end of a message that passes: what its header shall say. Where the MTA cannot be told, nothing comes
	 * of it. False when memory is short. NULL: nothing to say.
	 */
	bool (*mark)(const void *state, const struct view *view, struct arena *memory, struct marks *marks);

	/*
	 * For the log line of a message at its end, also of one that passes: what was found out, as " key=value" words,
	 * values by text_word(). Other lines have none. NULL: nothing to say.
	 */
	void (*note)(const void *state, const struct view *view, struct text *line);

	/* In the service's status: the members of the milter's own object, by json.h. NULL: it has none. */
	void (*status)(const void *state, struct text *json);

	/* The canary's message; false when no rule is set that could refuse any. */
	bool (*forge)(const void *state, const struct directory *directory, struct forgery *forgery);
};

#endif
