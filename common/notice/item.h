/*
 * A notice on its way: a copy of what was posted, and its forms for programs, for JSON and for people. Internal to
 * common/notice/.
 */
#ifndef LEUMUND_NOTICE_ITEM_H
#define LEUMUND_NOTICE_ITEM_H

#include <stdatomic.h>

#include "notice/notice.h"
#include "text.h"

struct item {
	atomic_uint references;
	int64_t when_ms; /* wall clock */
	const char *service, *kind, *account, *rule, *text, *id;
	size_t fact_count;
	struct notice_fact facts[NOTICE_FACTS];
	char bytes[]; /* the strings, but for the service's name */
};

/* NULL: no memory. */
struct item *item_new(const struct notice *notice, const char *service, int64_t now_ms);
struct item *item_ref(struct item *item);
void item_unref(struct item *item);

/* The log's words. */
void item_log(const struct item *item, struct text *line);

/* Each to be freed; NULL: no memory. The environment's strings are in the same block as the array. */
char *item_json(const struct item *item, size_t *len);
char **item_environment(const struct item *item);

/* A whole message (RFC 5322) with lines that end so. */
char *item_mail(const struct item *item, const char *address, const char *line_end, size_t *len);

#endif
