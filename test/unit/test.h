/*
 * What every unit test includes: cmocka and what it wants included before it.
 */
#ifndef LEUMUND_TEST_H
#define LEUMUND_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#endif
