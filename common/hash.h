/*
 * A hash for tables whose keys strangers choose: without a secret they could choose ones that collide.
 */
#ifndef LEUMUND_HASH_H
#define LEUMUND_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The secret is this process's; so is the hash: never store it. */
uint64_t hash_bytes(const void *from, size_t len);

/* The same for what is compared case-blind: ASCII letters count as lower-case. */
uint64_t hash_lower(const void *from, size_t len);

/*
 * SipHash-2-4 under a secret of the caller's: the same on every machine, so it may be stored. Nothing can be told
 * from it without the secret.
 */
uint64_t hash_keyed(const uint64_t key[2], const void *from, size_t len);

#endif
