/*
 * How the findings about a domain's SPF and DMARC are shown.
 */
#ifndef LEUMUND_TOOLS_SPF_REPORT_H
#define LEUMUND_TOOLS_SPF_REPORT_H

#include "spf/domain.h"

/* All of it, for one who wants to mend it. */
void report_show(const struct domain_report *report);

/* On one line, what matters first. */
void report_line(const struct domain_report *report);

/* One JSON object. `accounts` has a count; without a directory it is 0. */
void report_json(const struct domain_report *report, const char *const *accounts, size_t count);

/* CSV by RFC 4180, but for its line ends. */
void report_csv_head(void);
void report_csv(const struct domain_report *report, const char *const *accounts, size_t count);

/* "12", or "more than 20": the look-ups when every term is met. */
const char *report_terms(unsigned terms, char out[24]);

#endif
