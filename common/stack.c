/*
 * The milters of one service, in order, over one session (stack.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json.h"
#include "setup.h"
#include "stack.h"

struct stack {
	size_t count;
	struct {
		const struct milter *milter;
		void *state;
		unsigned place; /* in conf.d */
	} at[STACK_MILTERS];
};

static bool serves(const struct config *config, const struct milter *milter, const char *service)
{
	const struct milter_options *options = config_section(config, milter->section->name);

	return config_place(config, milter->section->name) > 0 && options->enable && !strcmp(options->service, service);
}

/* Insertion keeps the order of conf.d; there are never more than a handful. */
static void stack_insert(struct stack *stack, const struct milter *milter, void *state, unsigned place)
{
	size_t at = stack->count++;

	for (; at > 0 && stack->at[at - 1].place > place; at--)
		stack->at[at] = stack->at[at - 1];
	stack->at[at].milter = milter;
	stack->at[at].state = state;
	stack->at[at].place = place;
}

struct stack *stack_new(const struct setup *setup, const char *service, const struct milter *const *milters,
			char *error, size_t size)
{
	const struct config *config = setup->config;
	struct stack *stack = calloc(1, sizeof(*stack));

	if (!stack) {
		snprintf(error, size, "out of memory");
		return NULL;
	}
	for (; *milters; milters++) {
		const struct milter *milter = *milters;
		void *state;

		if (!serves(config, milter, service))
			continue;
		if (stack->count == STACK_MILTERS) {
			snprintf(error, size, "service '%s': more than %d milters", service, STACK_MILTERS);
			stack_free(&stack);
			return NULL;
		}
		state = milter->start(setup, config_section(config, milter->section->name), error, size);
		if (!state) {
			stack_free(&stack);
			return NULL;
		}
		stack_insert(stack, milter, state, config_place(config, milter->section->name));
	}
	return stack;
}

void stack_free(struct stack **stack)
{
	if (!*stack)
		return;
	for (size_t i = 0; i < (*stack)->count; i++)
		(*stack)->at[i].milter->stop((*stack)->at[i].state);
	free(*stack);
	*stack = NULL;
}

void stack_rest(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (stack->at[i].milter->rest)
			stack->at[i].milter->rest(stack->at[i].state);
}

size_t stack_count(const struct stack *stack)
{
	return stack->count;
}

const struct milter *stack_milter(const struct stack *stack, size_t index)
{
	return stack->at[index].milter;
}

const char *stack_milter_of(const struct stack *stack, const struct rule *rule)
{
	for (size_t i = 0; i < stack->count; i++)
		for (const struct rule *one = stack->at[i].milter->rules; one->name; one++)
			if (one == rule)
				return stack->at[i].milter->name;
	return "";
}

unsigned stack_needs(const struct stack *stack)
{
	unsigned needs = 0;

	for (size_t i = 0; i < stack->count; i++)
		needs |= stack->at[i].milter->needs;
	return needs;
}

bool stack_wants_header(const struct stack *stack, const char *name)
{
	for (size_t i = 0; i < stack->count; i++) {
		const char *const *wanted = stack->at[i].milter->headers;

		for (; wanted && *wanted; wanted++)
			if (header_name_is(name, *wanted))
				return true;
	}
	return false;
}

void stack_each_header(const struct stack *stack, void (*fn)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < stack->count; i++) {
		const char *const *wanted = stack->at[i].milter->headers;

		for (; wanted && *wanted; wanted++)
			fn(arg, *wanted);
	}
}

void decision_add(struct decision *decision, struct verdict verdict)
{
	if (verdict.action == ACTION_OBSERVE && decision->observed_count < DECISION_NOTES)
		decision->observed[decision->observed_count++] = verdict;
	if (verdict.action > ACTION_OBSERVE)
		decision->verdict = verdict_stronger(decision->verdict, verdict);
}

typedef void stage_fn(const void *state, const struct view *view, struct decision *decision);

static const struct view *view_with_memo(const struct milter *milter, const void *state, const struct view *view,
					 struct view *own)
{
	if (!milter->begin)
		return view;
	*own = *view;
	own->memo = message_memo(&view->session->message, state);
	return own;
}

static void run(const struct milter *milter, stage_fn *fn, const void *state, const struct view *view,
		struct decision *decision)
{
	const struct rule *before = decision->verdict.rule;
	struct view own;

	if (!fn)
		return;
	fn(state, view_with_memo(milter, state, view, &own), decision);
	if (decision->verdict.rule != before)
		decision->milter = milter->name;
}

void stack_begin(const struct stack *stack, const struct view *view, struct message *message)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct milter *milter = stack->at[i].milter;
		void *memo = milter->begin ? milter->begin(stack->at[i].state, view) : NULL;

		if (memo)
			(void)message_memo_add(message, stack->at[i].state, memo, milter->end);
	}
}

void stack_check(const struct stack *stack, const struct view *view, struct decision *decision)
{
	for (size_t i = 0; i < stack->count; i++)
		run(stack->at[i].milter, stack->at[i].milter->check, stack->at[i].state, view, decision);
}

void stack_count_in(const struct stack *stack, const struct view *view, struct decision *decision)
{
	for (size_t i = 0; i < stack->count && decision->verdict.action < ACTION_DEFER; i++)
		run(stack->at[i].milter, stack->at[i].milter->count, stack->at[i].state, view, decision);
}

bool stack_mark(const struct stack *stack, const struct view *view, struct arena *memory, struct marks *marks)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct milter *milter = stack->at[i].milter;
		const void *state = stack->at[i].state;
		struct view own;

		if (milter->mark && !milter->mark(state, view_with_memo(milter, state, view, &own), memory, marks))
			return false;
	}
	return true;
}

void stack_note(const struct stack *stack, const struct view *view, struct text *line)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct milter *milter = stack->at[i].milter;
		const void *state = stack->at[i].state;
		struct view own;

		if (milter->note)
			milter->note(state, view_with_memo(milter, state, view, &own), line);
	}
}

void stack_status(const struct stack *stack, struct text *json)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct milter *milter = stack->at[i].milter;

		if (!milter->status)
			continue;
		json_open(json, milter->name, '{');
		milter->status(stack->at[i].state, json);
		json_close(json, '}');
	}
}

bool stack_can_forge(const struct stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (stack->at[i].milter->forge)
			return true;
	return false;
}

bool stack_forge(const struct stack *stack, const struct directory *directory, struct forgery *forgery)
{
	for (size_t i = 0; i < stack->count; i++)
		if (stack->at[i].milter->forge && stack->at[i].milter->forge(stack->at[i].state, directory, forgery))
			return true;
	return false;
}

/*
 * The ways that cannot say everything, first match wins; what no row names can be said as it is.
 * ANY stands for every value.
 */
#define ANY (-1)

static const struct limit {
	int mta, path, local_command, stage;
	bool refuse; /* may a 5xx be said here? */
	bool defer;  /* may a 4xx be said here? */
	bool hold;   /* may the message be held here? */
	bool wait;   /* may the front have a way to say "later" afterwards? */
} limits[] = {
	/* refusing the MTA's own bounce makes it retry for days */
	{ ANY, PATH_INTERNAL, ANY, ANY, false, false, false, false },
	/* holding is a matter of the whole message */
	{ MTA_POSTFIX, ANY, true, STAGE_RCPT, false, false, false, false },
	{ MTA_POSTFIX, ANY, true, STAGE_END, true, false, true, false },
	/* acl_not_smtp: defer equals deny */
	{ MTA_EXIM, ANY, true, STAGE_RCPT, false, false, false, false },
	{ MTA_EXIM, ANY, true, STAGE_END, true, false, true, true },
	/* a local submission of an MTA that did not say who it is: be as careful as with Postfix */
	{ MTA_UNKNOWN, ANY, true, STAGE_RCPT, false, false, false, false },
	{ MTA_UNKNOWN, ANY, true, STAGE_END, true, false, true, false },
	{ ANY, ANY, ANY, STAGE_RCPT, true, true, false, false },
};

static bool limit_is_for(const struct limit *limit, enum mta mta, enum submission_path path, bool local_command,
			 enum stage stage)
{
	return (limit->mta == ANY || limit->mta == (int)mta) && (limit->path == ANY || limit->path == (int)path) &&
	       (limit->local_command == ANY || limit->local_command == (int)local_command) &&
	       (limit->stage == ANY || limit->stage == (int)stage);
}

enum action stack_expressible(enum mta mta, enum submission_path path, bool local_command, enum stage stage,
			      enum action action, enum action instead_of_defer)
{
	const struct limit *limit = NULL;

	if (action <= ACTION_OBSERVE)
		return action;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits) && !limit; i++)
		if (limit_is_for(&limits[i], mta, path, local_command, stage))
			limit = &limits[i];
	if (!limit)
		return action;
	if (action == ACTION_DEFER && !limit->defer && stage == STAGE_END && path != PATH_INTERNAL) {
		action = instead_of_defer;
		if (action == ACTION_DEFER && limit->wait)
			return action;
	}
	if ((action == ACTION_REJECT && limit->refuse) || (action == ACTION_DEFER && limit->defer) ||
	    (action == ACTION_HOLD && limit->hold))
		return action;
	return ACTION_OBSERVE;
}
