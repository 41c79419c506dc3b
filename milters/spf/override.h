/*
 * Rules of their own for some domains: "bank.example softfail=reject neutral=reject". The first line that names a
 * domain and a result counts.
 */
#ifndef LEUMUND_SPF_OVERRIDE_H
#define LEUMUND_SPF_OVERRIDE_H

#include "milters/spf/policy.h"
#include "option/option.h"

struct overrides;

option_check_fn override_check;

/* From a list that passed its check. NULL when memory is short. */
struct overrides *overrides_new(const struct string_list *list);
void overrides_free(struct overrides **overrides);

/* What is done about this result of the domain (comparable form, "" = none); `otherwise` where no line says. */
enum action override_action(const struct overrides *overrides, const char *domain, unsigned result,
			    enum action otherwise);

/* Does any line ask for this or more? */
bool overrides_reach(const struct overrides *overrides, enum action least);

#endif
