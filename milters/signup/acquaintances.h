/*
 * Whom this process has lately seen its accounts know: what first contacts are told by while the store is away.
 */
#ifndef LEUMUND_SIGNUP_ACQUAINTANCES_H
#define LEUMUND_SIGNUP_ACQUAINTANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct acquaintances;

/* Room for `count` of them, 4 bytes each; of two in one place the later stays. NULL when memory is short. */
struct acquaintances *acquaintances_new(size_t count);
void acquaintances_free(struct acquaintances **acquaintances);

/* By the fingerprint of account and recipient together (store/contact.h). From any thread. */
void acquaintances_add(struct acquaintances *acquaintances, int32_t print);
bool acquaintances_have(const struct acquaintances *acquaintances, int32_t print);

#endif
