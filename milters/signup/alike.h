/*
 * To how many strangers has an account just sent this text? Kept in the process: it is evidence, not a count that
 * anybody is held to.
 */
#ifndef LEUMUND_SIGNUP_ALIKE_H
#define LEUMUND_SIGNUP_ALIKE_H

#include <stddef.h>
#include <stdint.h>

struct alike;

/*
 * Room for `accounts` accounts that send at a time, 256 bytes each, and never more: the texts longest unused go. NULL
 * when memory is short. One thread at a time may use it.
 */
struct alike *alike_new(size_t accounts);
void alike_free(struct alike **alike);

/*
 * `strangers` more get the text of this sketch (sketch.h) from the account of that hash. How many got it before, those
 * of the last hour in full, earlier ones half for each hour. A clock that is set back forgets nothing.
 */
uint32_t alike_add(struct alike *alike, uint64_t account, uint64_t sketch, uint32_t strangers, int64_t now_ms);

#endif
