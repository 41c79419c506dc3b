/*
 * What Redis would keep, in memory: who has met whom, and strict rings of an hour and a day.
 */
#ifndef LEUMUND_SIGNUP_MODEL_H
#define LEUMUND_SIGNUP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct model;

struct model *model_new(void);
void model_free(struct model *model);

/* A name for what is counted or remembered: its parts, hashed. */
uint64_t model_key(const char *kind, const char *a, struct span b);

/* Sets by month, the last two are looked into. */
bool model_knows(const struct model *model, uint64_t pair, int64_t time);
void model_meet(struct model *model, uint64_t pair, int64_t time);

/* In this hour and in this day, of which no real hour and day has more: rings of 10 minutes and of an hour. */
void model_used(const struct model *model, uint64_t counter, int64_t time, uint32_t used[2]);
int64_t model_refused(const struct model *model, uint64_t counter); /* when; 0: never */
void model_refuse(struct model *model, uint64_t counter, int64_t time);
void model_add(struct model *model, uint64_t counter, int64_t time, uint32_t count);

/* First contacts on the usual day of an account and a kind of mail, see signup_usual(). */
uint32_t model_usual(const struct model *model, uint64_t account, int64_t time);
void model_usual_add(struct model *model, uint64_t account, int64_t time, uint32_t count);

#endif
