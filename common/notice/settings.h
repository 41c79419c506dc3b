/*
 * The options in force, copied: they outlive the configuration that they came from. Internal to common/notice/.
 */
#ifndef LEUMUND_NOTICE_SETTINGS_H
#define LEUMUND_NOTICE_SETTINGS_H

#include <stdatomic.h>

#include "notice/notice.h"

struct settings {
	atomic_uint references;
	struct notice_options options;
	char bytes[];
};

/* NULL: no memory. */
struct settings *settings_new(const struct notice_options *options);
struct settings *settings_ref(struct settings *settings);
void settings_unref(struct settings *settings);

#endif
