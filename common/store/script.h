/*
 * The scripts of redis/ as they are built in. Internal to common/store/ and their tests.
 */
#ifndef LEUMUND_STORE_SCRIPT_H
#define LEUMUND_STORE_SCRIPT_H

#include "store/store.h"

#define SCRIPT_SHA_LENGTH 40

const char *script_name(enum store_script script);
const char *script_text(enum store_script script);
/* By which the server knows it, in hexadecimal digits. */
const char *script_sha(enum store_script script);

#endif
