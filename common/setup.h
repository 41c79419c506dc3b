/*
 * What a configuration directory says as a whole: the options common to all services, which
 * services there are, and which milters each of them runs. The daemon and the admin's command read it alike.
 */
#ifndef LEUMUND_SETUP_H
#define LEUMUND_SETUP_H

#include "milter.h"
#include <stddef.h>

#include "notice/notice.h"
#include "option/option.h"
#include "store/store.h"
#include "verdict.h"

#define SETUP_SERVICES 16
#define SETUP_SECTIONS 32

/* Section `leumund` of conf.d. */
struct leumund_options {
	const char *run;	    /* directory of sockets and pid files */
	const char *user;	    /* whom a daemon started by root becomes */
	const char *socket_group;   /* group of the sockets, shared with the MTA; "" = the user's */
	int log;		    /* enum log_target */
	int log_level;		    /* index into log_level_names */
	int language;		    /* enum language */
	const char *url;	    /* of a page that explains refusals; "" = none */
	struct string_list texts;   /* "SND10=own text" */
	struct string_list domains; /* the directory's files */
	int instead_of_defer;	    /* see setup_instead_of_defer() */
	int64_t max_connections;
	int64_t idle_limit;	   /* seconds */
	int64_t drain_limit;	   /* seconds */
	int64_t canary_every;	   /* seconds; 0 = off */
	struct string_list listen; /* "SERVICE=inet:PORT@HOST": instead of a unix socket, with a warning */
};

extern const struct section leumund_section;

extern const char *const log_target_names[]; /* of enum log_target */
extern const char *const log_level_names[];  /* "error" is LEVEL_ERROR, and so on upwards */

/* The first members of every milter's option struct, whose rows start with the same two options. */
struct milter_options {
	bool enable;
	const char *service;
};

/* Their rows, the first of each milter's section; `type` is its struct, which begins with them as `common`. */
#define MILTER_ROWS(type, service_preset)                                                                   \
	{                                                                                                   \
		OPTION_BOOL,                                                                                \
		"enable",                                                                                   \
		"false",                                                                                    \
		0,                                                                                          \
		0,                                                                                          \
		NULL,                                                                                       \
		NULL,                                                                                       \
		offsetof(type, common.enable),                                                              \
		"Whether this milter runs."                                                                 \
	},                                                                                                  \
	{                                                                                                   \
		OPTION_STRING, "service", service_preset, 0, 0, NULL, NULL, offsetof(type, common.service), \
			"The service (one process, one pair of sockets) that it runs in."                   \
	}

struct setup {
	struct config *config;
	const struct leumund_options *leumund;
	const struct identity_options *identity;
	const struct store_options *store;
	const struct notice_options *notice;
	const struct egress_options *egress;
	const struct dns_settings *dns;
	const struct provider_options *provider;
	const struct learn_options *learn;
	const struct reputation_options *reputation;
	struct string_list domains; /* leumund.domains; relative names are relative to the configuration directory */
	const char *services[SETUP_SERVICES]; /* with at least one enabled milter, in order */
	size_t service_count;
};

/* All sections of conf.d into `sections`, which has room for SETUP_SECTIONS + 1 and ends with NULL. -1: too many. */
int setup_sections(const struct section **sections, const struct milter *const *milters);

/* 0, or -1 with one or more lines in `error`. `milters` ends with NULL. */
int setup_load(struct setup *setup, const char *directory, const struct milter *const *milters, char *error,
	       size_t size);
void setup_free(struct setup *setup);

/* What stands in for a deferral that cannot be said: HOLD, OBSERVE (accept) or REJECT. */
enum action setup_instead_of_defer(const struct setup *setup);

/* What leumund.texts says in a rule's place; NULL: nothing. */
const char *setup_own_text(const struct leumund_options *options, const struct rule *rule);

/* Is this milter enabled, and in which service? NULL when not. */
const char *setup_service_of(const struct setup *setup, const struct milter *milter);

#endif
