/*
 * Commands in the server's protocol, written by hand: the client library prints each word's length with printf, which
 * costs five times as much. Free of any client library. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_COMMAND_H
#define LEUMUND_STORE_COMMAND_H

#include "store/store.h"

/* The words follow. */
void command_begin(struct text *out, size_t words);

void command_word(struct text *out, struct span word);

/* What is negative becomes 0. */
void command_number(struct text *out, int64_t number);

/* One word of several pieces: its length first, then the pieces by text_mem(), then the end. */
void command_open(struct text *out, size_t len);
void command_close(struct text *out);

/* A buffer of that size holds the command for certain. */
size_t command_size(int argc, const char *const *argv);
void command_words(struct text *out, int argc, const char *const *argv);

/* EVALSHA of one script. */
size_t command_request_size(const struct store_request *request);
void command_request(struct text *out, const struct store_request *request);

#endif
