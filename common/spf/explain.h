/*
 * What a domain says about its fail, RFC 7208 6.2.
 */
#ifndef LEUMUND_SPF_EXPLAIN_H
#define LEUMUND_SPF_EXPLAIN_H

#include "spf/evaluation.h"

/* Fills the explanation of the outcome, or leaves it empty; may stop the evaluation because an answer is not there yet.
 */
void spf_explain(struct spf_evaluation *evaluation);

#endif
