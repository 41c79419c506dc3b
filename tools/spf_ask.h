/*
 * What the commands about SPF begin with: whom to ask, and from where mail leaves.
 */
#ifndef LEUMUND_TOOLS_SPF_ASK_H
#define LEUMUND_TOOLS_SPF_ASK_H

#include "egress.h"

struct call;
struct dns;
struct dns_settings;

#define SPF_DEADLINE_MS 5000

/* By --dns, else as conf.d says, else (`settings` NULL: it is not read) the host's. NULL after a complaint: *status is
 * the exit status then. */
struct dns *spf_dns_open(const struct call *call, const struct dns_settings *settings, int *status);

/* By --egress, else `options`, which must outlive it. NULL after a complaint: *status is the exit status then. */
struct egress *egress_find(const struct call *call, const struct egress_options *options, int *status);

#endif
