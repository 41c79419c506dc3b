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
};

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
	if (!house->stack)
		house_unref(&house);
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
