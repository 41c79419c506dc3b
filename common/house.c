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
	bool first[256], third[256]; /* letters of the header fields that are read: sort out most fields at once */
};

static void letter_note(bool set[256], char letter)
{
	unsigned char lower = (unsigned char)ascii_lower(letter);

	set[lower] = true;
	if (lower >= 'a' && lower <= 'z')
		set[lower - 'a' + 'A'] = true;
}

/* All names that are read have three letters and more. */
static void letters_note(void *arg, const char *name)
{
	struct house *house = arg;

	letter_note(house->first, name[0]);
	letter_note(house->third, name[2]);
}

bool house_wants_header(const struct house *house, const char *name)
{
	return house->first[(unsigned char)name[0]] && name[1] != '\0' && house->third[(unsigned char)name[2]] &&
	       (stack_wants_header(house->stack, name) || identity_wants_header(name));
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
	house->stack = stack_new(house->setup.config, service, milters, error, size);
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
	stack_each_header(house->stack, letters_note, house);
	identity_each_header(letters_note, house);
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
