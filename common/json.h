/*
 * JSON text for those who read by program.
 */
#ifndef LEUMUND_JSON_H
#define LEUMUND_JSON_H

#include "text.h"

/* A string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_string(struct text *text, const char *from);

/* "name":"value" and "name":number, with a comma in front unless the object has just begun. */
void json_member(struct text *text, const char *name, const char *value);
void json_member_u64(struct text *text, const char *name, uint64_t value);

/* "name":{ or "name":[ with a comma where one is due; `name` NULL inside a list. */
void json_open(struct text *text, const char *name, char bracket);
void json_close(struct text *text, char bracket);

#endif
