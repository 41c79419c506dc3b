/*
 * A mail about mail of ours: which kind it is, and whom it names (bounce.h).
 */
#include <stdlib.h>
#include <string.h>

#include "bounce/inner.h"

struct bounce *bounce_read(const struct evidence_table *table, const char *bytes, size_t len, const char **why)
{
	struct bounce *bounce = calloc(1, sizeof(*bounce));

	*why = "out of memory";
	if (!bounce)
		return NULL;
	/* what stands before the header, as mail readers keep it, would end the header at once */
	while (len > 0 && strchr(" \t\r\n", *bytes) && *bytes != '\0') {
		bytes++;
		len--;
	}
	arena_init(&bounce->arena, PARSE_BYTES);
	bounce->table = table;
	*why = view_read(&bounce->arena, bytes, len < BOUNCE_BYTES ? len : BOUNCE_BYTES, &bounce->view);
	if (*why) {
		bounce_free(&bounce);
		return NULL;
	}
	if (feedback_read(bounce))
		return bounce;
	if (bounce->view.status.len > 0)
		dsn_read(bounce, bounce->view.status);
	if (bounce->count == 0)
		prose_read(bounce);
	return bounce;
}

void bounce_free(struct bounce **bounce)
{
	if (*bounce)
		arena_free(&(*bounce)->arena);
	free(*bounce);
	*bounce = NULL;
}

size_t bounce_count(const struct bounce *bounce)
{
	return bounce->count;
}

const struct bounce_recipient *bounce_recipient(const struct bounce *bounce, size_t index)
{
	return &bounce->at[index];
}

const char *bounce_original(const struct bounce *bounce, const char *field)
{
	const char *value = field_last(&bounce->view.original, field);

	return value[0] != '\0' ? value : NULL;
}
