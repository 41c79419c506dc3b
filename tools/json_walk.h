/*
 * Reads the JSON of our own daemons: strict, nothing allocated, every value with its path.
 */
#ifndef LEUMUND_TOOLS_JSON_WALK_H
#define LEUMUND_TOOLS_JSON_WALK_H

#include <stdbool.h>

/*
 * Called for each string, number, true, false and null, as text, in their order. The path is of the form
 * "store.state"; an element of a list is "milters[]". When an object in a list ends, once with its
 * path and value NULL. False ends the walk.
 */
typedef bool json_walk_fn(void *arg, const char *path, const char *value);

/* 0, or -1 when `text` is not one JSON value, is deeper than 8, or has a string longer than 1000 bytes. */
int json_walk(const char *text, json_walk_fn *fn, void *arg);

#endif
