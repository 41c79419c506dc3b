/*
 * What an outcome of the MTA's log means, by the tables of evidence.
 */
#ifndef LEUMUND_TOOLS_OUTCOME_H
#define LEUMUND_TOOLS_OUTCOME_H

#include "evidence/evidence.h"
#include "maillog/maillog.h"

/*
 * `provider`: its group, "" = not known. What was delivered is EVIDENCE_DELIVERED, what our own MTA only puts off
 * EVIDENCE_LOCAL. `code`: the enhanced one, as the MTA reported it, else as it was said.
 */
void outcome_judge(const struct evidence_table *table, const struct maillog_outcome *outcome, const char *provider,
		   struct evidence *evidence, struct enhanced_code *code);

#endif
