/*
 * The mechanisms that look something up, RFC 7208 5, but include: does the client match?
 */
#ifndef LEUMUND_SPF_MECHANISM_H
#define LEUMUND_SPF_MECHANISM_H

#include "spf/evaluation.h"
#include "spf/match.h"

/* Counts the term. */
enum spf_match spf_mechanism_match(struct spf_evaluation *evaluation, const struct spf_step *step);

/*
 * The name that a domain-spec stands for in this record. SPF_MATCH_NO: none, the term cannot match (RFC 8616 4);
 * SPF_MATCH_YES: in `name`.
 */
enum spf_match spf_target_name(struct spf_evaluation *evaluation, const struct spf_step *step, spf_name name);

/* %{p}: NULL when stopped. `buffer` may hold the answer. */
const char *spf_validated_name(struct spf_evaluation *evaluation, const char *domain, spf_name buffer);

/*
 * Wants what the terms behind this one in the same record ask first. It is bounded so that one evaluation asks for at
 * most three names in vain.
 */
void spf_look_ahead(struct spf_evaluation *evaluation, const struct spf_step *step);

#endif
