/*
 * Limits that an admin has set for a time, as they are listed.
 */
#ifndef LEUMUND_TOOLS_OVERRIDES_H
#define LEUMUND_TOOLS_OVERRIDES_H

#include "question.h"
#include "store/limit.h"

/* One row of the list, or one JSON object; `words` as in limit_override_fn. */
void override_show(struct question *question, const char *account, const struct limit_override *override,
		   const char *words);

/* Those of one account, the list's rows. */
enum store_result overrides_show(struct question *question, const char *account);

/* Those of all accounts, by account; on a terminal it says how far it is. */
enum store_result overrides_show_all(struct question *question);

/* "500 an hour, 2000 a day", "no limit". */
const char *limits_words(uint32_t per_hour, uint32_t per_day, char *out, size_t size);

#endif
