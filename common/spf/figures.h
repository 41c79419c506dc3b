/*
 * What a milter that evaluates SPF tells in the status of the service.
 */
#ifndef LEUMUND_SPF_FIGURES_H
#define LEUMUND_SPF_FIGURES_H

#include "text.h"

struct dns;

/* Members of an object: of this DNS, and of the evaluations in this process. */
void spf_figures(struct dns *dns, struct text *json);

#endif
