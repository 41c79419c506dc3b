/*
 * From a domain's record to one that libspf2 may see.
 */
#ifndef LEUMUND_SPF_REWRITE_H
#define LEUMUND_SPF_REWRITE_H

#include "spf/evaluation.h"

/*
 * Finds the policy's record among the TXT records, checks it and writes what is left of it: ip4 and ip6 are decided
 * here, exp and unknown modifiers are gone, redirect comes last, and each other term has become a number, that of its
 * step plus 1. False: stopped. `none`: what it means that there is no record.
 */
bool spf_rewrite(struct spf_evaluation *evaluation, unsigned policy, const struct dns_answer *answer,
		 enum spf_result none, struct text *out);

#endif
