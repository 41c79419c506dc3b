/*
 * The texts that accounts have just sent to strangers (alike.h).
 */
#include "milters/signup/alike.h"

#include <stdbool.h>
#include <stdlib.h>

#include "milters/signup/sketch.h"

/* Texts of one account at a time: a forum or shop has about ten forms. */
#define TEXTS 10
#define HALF_LIFE_MS (60 * INT64_C(60000))

struct text_sent {
	uint64_t sketch; /* 0: free */
	int64_t last_ms;
	uint32_t strangers;
	uint32_t account; /* enough of the hash to tell those apart that share a place */
};

struct place {
	struct text_sent at[TEXTS];
};

struct alike {
	size_t count;
	struct place places[];
};

struct alike *alike_new(size_t accounts)
{
	size_t count = accounts ? accounts : 1;
	struct alike *alike = calloc(1, sizeof(*alike) + count * sizeof(alike->places[0]));

	if (alike)
		alike->count = count;
	return alike;
}

void alike_free(struct alike **alike)
{
	free(*alike);
	*alike = NULL;
}

static void grow_old(struct text_sent *text, int64_t now_ms)
{
	int64_t halves = (now_ms - text->last_ms) / HALF_LIFE_MS;

	if (halves <= 0)
		return;
	text->strangers = halves < 32 ? text->strangers >> halves : 0;
	text->last_ms = now_ms;
}

uint32_t alike_add(struct alike *alike, uint64_t account, uint64_t sketch, uint32_t strangers, int64_t now_ms)
{
	struct place *place = &alike->places[account % alike->count];
	uint32_t tag = (uint32_t)(account >> 32);
	struct text_sent *oldest = &place->at[0], *text;
	uint32_t before;

	if (sketch == 0)
		return 0;
	for (text = place->at; text < place->at + TEXTS; text++) {
		if (text->account == tag && sketch_is_alike(text->sketch, sketch))
			break;
		if (text->sketch == 0 ? oldest->sketch != 0 : oldest->sketch != 0 && text->last_ms < oldest->last_ms)
			oldest = text;
	}
	if (text == place->at + TEXTS) {
		text = oldest;
		*text = (struct text_sent){ sketch, now_ms, 0, tag };
	}
	grow_old(text, now_ms);
	before = text->strangers;
	text->strangers = strangers < UINT32_MAX - before ? before + strangers : UINT32_MAX;
	return before;
}
