/*
 * Section `learn` of conf.d: what leumund-learn(8) reads, and where it keeps its place.
 */
#ifndef LEUMUND_LEARN_H
#define LEUMUND_LEARN_H

#include "option/option.h"

/* What `leumund run` calls it, beside the services; no service may have this name. */
#define LEARN_NAME "learn"

/* In place of a file's name, perhaps with ":/DIRECTORY". */
#define LEARN_JOURNAL "journal"

struct learn_options {
	bool enable;
	struct string_list files; /* absolute names, or LEARN_JOURNAL */
	const char *state;	  /* directory */
	int64_t context;	  /* MB */
	int64_t spool;		  /* outcomes */
};

extern const struct section learn_section;

#endif
