/*
 * What a service has in force now: its configuration, the directory of owners, the store, who is told. Any thread may
 * take a reference; only the main thread (service/service.c) loads, looks and reloads.
 */
#ifndef LEUMUND_SERVICE_STATE_H
#define LEUMUND_SERVICE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory/directory.h"
#include "judge.h"
#include "notice/notice.h"
#include "store/store.h"

/* Each returns a reference for the caller. */
struct house *service_house(void);
struct directory *service_directory(void); /* may be NULL */
struct store *service_store(void);	   /* belongs to the service */
struct notices *service_notices(void);	   /* the same */

/* The configuration `directory`, for the first time. 0, or -1 with lines in `error`. Strings and milters stay the
 * caller's. */
int service_load(const char *directory, const char *name, const struct milter *const *milters, char *error,
		 size_t size);

/* The same directory again; a bad configuration is logged, and the old one stays. True when a new one is in force. */
bool service_reload(void);

/* The files of owners may have changed: to be called once a second. */
void service_directory_look(void);

/* After service_load(). 0, or -1 with a sentence in `error`. */
int service_store_open(char *error, size_t size);
void service_store_close(int64_t flush_ms);

/* The same for notices; messages that still come may post some, which are only logged. */
int service_notices_open(char *error, size_t size);
void service_notices_end(int64_t flush_ms);

/* When the configuration in force was read: wall clock. */
int64_t service_configured_ms(void);

/* What the configuration in force says; for the main thread, until the next reload. */
const struct setup *service_setup(void);

#endif
