/*
 * Macro-strings, RFC 7208 7: their grammar and their expansion.
 */
#ifndef LEUMUND_SPF_MACRO_H
#define LEUMUND_SPF_MACRO_H

#include <stdbool.h>
#include <stdint.h>

#include "spf/client.h"
#include "spf/name.h"
#include "text.h"

/* Where a macro-string stands decides which letters and blanks it may have. */
enum spf_macro_place { SPF_MACRO_IN_RECORD, SPF_MACRO_IN_EXPLANATION };

bool spf_macro_string_ok(struct span string, enum spf_macro_place place);

/* domain-spec: a macro-string that ends in a top label or a macro. */
bool spf_domain_spec_ok(struct span spec);

/* Does it have one of these macros (lower-case letters; both cases are found)? */
bool spf_macro_uses(struct span string, const char *letters);

/* What the letters stand for. */
struct spf_macros {
	const struct spf_client *client;
	struct span sender, local; /* %{s}, %{l} */
	const char *sender_domain; /* %{o} */
	const char *domain;	   /* %{d} */
	const char *helo;	   /* %{h} */
	const char *receiver;	   /* %{r} */
	const char *validated;	   /* %{p}; must be there when the string uses it */
	int64_t now_s;		   /* %{t} */
};

/* A domain-spec that was found good. What would become thousands of octets long becomes a name that cannot exist. */
void spf_macro_expand_name(const struct spf_macros *macros, struct span spec, spf_name name);

/* Any macro-string that was found good; what does not fit is cut. */
void spf_macro_expand_text(const struct spf_macros *macros, struct span string, struct text *out);

#endif
