/*
 * The milters of one service, in order, over one session: first all check, then all count.
 * The result is what may be said on the way that the message came in.
 */
#ifndef LEUMUND_STACK_H
#define LEUMUND_STACK_H

#include "milter.h"
#include "session.h"
#include "verdict.h"

#define STACK_MILTERS 16

struct setup;
struct stack;

/*
 * Starts the enabled milters whose `service` option is SERVICE, in the order in which conf.d first mentions
 * them. NULL and a sentence when one cannot start. The setup must outlive the stack.
 */
struct stack *stack_new(const struct setup *setup, const char *service, const struct milter *const *milters,
			char *error, size_t size);
void stack_free(struct stack **stack);

/* The milters' background work leaves the store alone from now on. */
void stack_rest(const struct stack *stack);

size_t stack_count(const struct stack *stack);
const struct milter *stack_milter(const struct stack *stack, size_t index);

/* The name of the milter that this rule belongs to; "" when it is none's. */
const char *stack_milter_of(const struct stack *stack, const struct rule *rule);

/* The union of what the milters need, and whether one of them asked for this header field. */
unsigned stack_needs(const struct stack *stack);
bool stack_wants_header(const struct stack *stack, const char *name);
void stack_each_header(const struct stack *stack, void (*fn)(void *arg, const char *name), void *arg);

/* The message begins; what the milters begin ends with it. */
void stack_begin(const struct stack *stack, const struct view *view, struct message *message);

/* Runs one stage: adds each milter's verdicts to the decision. */
void stack_check(const struct stack *stack, const struct view *view, struct decision *decision);
void stack_count_in(const struct stack *stack, const struct view *view, struct decision *decision);

/* What the header shall say; false when memory is short. */
bool stack_mark(const struct stack *stack, const struct view *view, struct arena *memory, struct marks *marks);

/* What the milters have to add to the message's log line. */
void stack_note(const struct stack *stack, const struct view *view, struct text *line);

/* The milters' objects in the status of the service, by their names. */
void stack_status(const struct stack *stack, struct text *json);

/* Does any milter of it offer forgeries at all? */
bool stack_can_forge(const struct stack *stack);

/* The first forgery that a milter of the stack offers; false when none can refuse anything. */
bool stack_forge(const struct stack *stack, const struct directory *directory, struct forgery *forgery);

/*
 * What a way of submission can express (measured on Postfix 3.7/3.10, sendmail 8.17/8.18, Exim 4.96/4.98):
 * Postfix' sendmail(1) mail must never see a refusal at RCPT nor any 4xx (it would loop in maildrop);
 * Exim's acl_not_smtp has no "later"; an MTA's own bounces are never refused.
 * `instead_of_defer` (HOLD, ACCEPT = OBSERVE, or REJECT) stands in for a deferral that cannot be said; DEFER: the front
 * has a way to say it at the end.
 * ACTION_OBSERVE at STAGE_RCPT means: not here, decide at STAGE_END.
 */
enum action stack_expressible(enum mta mta, enum submission_path path, bool local_command, enum stage stage,
			      enum action action, enum action instead_of_defer);

#endif
