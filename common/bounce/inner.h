/*
 * What the files of common/bounce/ share. Nobody else includes this.
 */
#ifndef LEUMUND_BOUNCE_INNER_H
#define LEUMUND_BOUNCE_INNER_H

#include "arena.h"
#include "bounce/bounce.h"
#include "text.h"

#define FIELDS_MAX 96	       /* of one header */
#define FIELD_MAX 2000	       /* bytes of one */
#define PROSE_MAX (32 * 1024)  /* bytes of text meant for people */
#define STATUS_MAX (64 * 1024) /* bytes of a machine-readable part */
#define PARTS_MAX 200
#define PART_DEPTH 8
#define PARSE_BYTES (8 << 20) /* memory for one mail, beside GMime's own */

struct field {
	const char *name, *value; /* unfolded */
};

struct fields {
	size_t count;
	struct field at[FIELDS_MAX];
};

/* A mail taken apart. */
struct view {
	struct fields head, original;
	const char *type;   /* "multipart/report" */
	const char *report; /* "delivery-status", "feedback-report"; "" */
	struct span prose, status, feedback;
	bool has_original; /* our message, or its header, came back as a part of its own */
};

/* ---- bounce/mime.c ----------------------------------------------------------------------------- */

/* NULL, or why not. What it finds lives in the arena. */
const char *view_read(struct arena *arena, const char *bytes, size_t len, struct view *out);

/* ---- bounce/fields.c --------------------------------------------------------------------------- */

/* "" when there is none. */
const char *field_first(const struct fields *fields, const char *name);
const char *field_last(const struct fields *fields, const char *name);

/* Reads "Name: value" lines, folded or not, up to an empty line or `len`; returns the bytes that were taken. */
size_t fields_read(struct arena *arena, const char *at, size_t len, struct fields *out);

/* The first address in it, without brackets; false: there is none. A domain needs no dot. */
bool address_find(struct span text, struct span *out);

/* Is `text` in it, ASCII case-blind? */
bool has_words(struct span text, const char *words);

/* ---- bounce/finding.c -------------------------------------------------------------------------- */

struct bounce {
	struct arena arena;
	const struct evidence_table *table;
	struct view view;
	struct bounce_recipient at[BOUNCE_RECIPIENTS];
	size_t count;
};

/* Adds one, or betters the one of the same address. `address` may be empty. */
void bounce_add(struct bounce *bounce, struct span address, const struct enhanced_code *status,
		const struct evidence *evidence);

/* The answer in `text` judged; where it has no codes, `status` counts. */
void bounce_judge(const struct bounce *bounce, struct span text, const struct enhanced_code *status,
		  struct evidence *out, struct enhanced_code *said);

/* ---- bounce/section.c -------------------------------------------------------------------------- */

/* A recipient and what is said of it. */
struct section {
	struct span address, text;
};

bool line_take(struct span *rest, struct span *line);
bool line_begins(struct span line, const char *words);
bool line_is_header(struct span line);

/* Bytes of it before our own message begins. */
size_t prose_length(struct span prose);

/* Is it of the mail's own sender or recipient, so that nothing is said about it? */
bool address_is_ours(const struct bounce *bounce, struct span address);

bool section_next(const struct bounce *bounce, struct span *rest, struct section *out);

/* What the text for people says about one address; where it does not tell them apart, all of it, and not `alone`. */
struct span prose_about(const struct bounce *bounce, struct span address, bool *alone);

/* As bounce_judge(): its first paragraph, and where that says nothing, all of it. */
void prose_judge(const struct bounce *bounce, struct span text, const struct enhanced_code *status,
		 struct evidence *out, struct enhanced_code *said);

/* ---- bounce/dsn.c, prose.c, feedback.c ---------------------------------------------------------- */

void dsn_read(struct bounce *bounce, struct span text);
void prose_read(struct bounce *bounce);

/* True when the mail is a feedback report of any kind, a complaint or not. */
bool feedback_read(struct bounce *bounce);

#endif
