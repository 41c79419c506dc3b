/*
 * One configuration in force (judge.h): loaded whole or not at all, never changed, freed when
 * the last session that began under it is over.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"

struct house {
	atomic_uint references;
	struct setup setup;
	struct stack *stack;
	bool begins[32 * 32]; /* of the header fields that are read: sorts out nearly all others at once */
};

/* First and third character, case-blind: five bits of each. All names that are read have three and more. */
static unsigned begin_of(const char *name)
{
	return ((unsigned)name[0] & 31) << 5 | ((unsigned)name[2] & 31);
}

static void begin_note(void *arg, const char *name)
{
	struct house *house = arg;

	house->begins[begin_of(name)] = true;
}

bool house_wants_header(const struct house *house, const struct session *session, const char *name)
{
	if (session->message.header_count > 0 && (name[0] == '\0' || name[1] == '\0' || !house->begins[begin_of(name)]))
		return false;
	return identity_wants_header(session, name) || stack_wants_header(house->stack, name);
}

struct house *house_load(const char *directory, const char *service, const struct milter *const *milters, char *error,
			 size_t size)
{
	struct house *house = calloc(1, sizeof(*house));

	if (!house) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	atomic_init(&house->references, 1);
	if (setup_load(&house->setup, directory, milters, error, size) < 0) {
		free(house);
		return NULL;
	}
	house->stack = stack_new(&house->setup, service, milters, error, size);
	if (house->stack && stack_count(house->stack) == 0) {
		snprintf(error, size,
			 "%s: no milter is enabled for service '%s'; set enable = true and service = \"%s\" in its "
			 "section",
			 directory, service, service);
		stack_free(&house->stack);
	}
	if (!house->stack) {
		house_unref(&house);
		return NULL;
	}
	stack_each_header(house->stack, begin_note, house);
	identity_each_header(begin_note, house);
	return house;
}

struct house *house_ref(struct house *house)
{
	atomic_fetch_add(&house->references, 1);
	return house;
}

void house_unref(struct house **house)
{
	if (*house && atomic_fetch_sub(&(*house)->references, 1) == 1) {
		stack_free(&(*house)->stack);
		setup_free(&(*house)->setup);
		free(*house);
	}
	*house = NULL;
}

const struct setup *house_setup(const struct house *house)
{
	return &house->setup;
}

const struct stack *house_stack(const struct house *house)
{
	return house->stack;
}
