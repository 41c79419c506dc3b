/*
 * A reply of the server, looked at without the client library's header; the library's one file, store/redis.c, has
 * them. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_REPLY_H
#define LEUMUND_STORE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

struct redisReply;

bool reply_is_error(const struct redisReply *reply);
bool reply_is_string(const struct redisReply *reply); /* a value, neither a status nor an error */
bool reply_is_text(const struct redisReply *reply);   /* any of the three */
bool reply_is_nil(const struct redisReply *reply);
bool reply_is_list(const struct redisReply *reply);
struct span reply_text(const struct redisReply *reply); /* NUL-terminated; empty when it is none */
int64_t reply_number(const struct redisReply *reply);	/* of an integer, or of text that is one; else 0 */
size_t reply_count(const struct redisReply *reply);	/* 0 when it is no list */
const struct redisReply *reply_at(const struct redisReply *reply, size_t i);
void reply_free(struct redisReply **reply);

#endif
