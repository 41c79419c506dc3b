/*
 * Changes of a header (marks.h).
 */
#include <string.h>
#include <strings.h>

#include "marks.h"

static struct mark *mark_new(struct arena *memory, const char *name, const char *value)
{
	struct mark *mark = arena_alloc(memory, sizeof(*mark));

	if (!mark)
		return NULL;
	*mark = (struct mark){ .name = arena_copy(memory, name, strlen(name)) };
	if (value)
		mark->value = arena_copy(memory, value, strlen(value));
	return mark->name && (mark->value || !value) ? mark : NULL;
}

bool marks_add(struct marks *marks, struct arena *memory, const char *name, const char *value)
{
	struct mark **at = &marks->first;

	while (*at)
		at = &(*at)->next;
	return (*at = mark_new(memory, name, value)) != NULL;
}

bool marks_remove(struct marks *marks, struct arena *memory, const char *name, unsigned index)
{
	struct mark **at = &marks->first, *mark;

	/* the last first: where an MTA counts anew, those before it keep their numbers */
	while (*at && !(*at)->value && (*at)->index >= index) {
		if ((*at)->index == index && !strcasecmp((*at)->name, name))
			return true;
		at = &(*at)->next;
	}
	mark = mark_new(memory, name, NULL);
	if (!mark)
		return false;
	mark->index = index;
	mark->next = *at;
	*at = mark;
	return true;
}
