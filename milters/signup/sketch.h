/*
 * Are two messages nearly the same? Eight bytes for each, of which near-identical texts share most.
 */
#ifndef LEUMUND_SIGNUP_SKETCH_H
#define LEUMUND_SIGNUP_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

/* Bytes of a body that count: what follows the greeting is what forms have in common. */
#define SKETCH_BODY_MAX 512

/*
 * Of eight bytes so many alike make two texts near-identical. Measured on test/data/signup: 5 of 8 takes for alike 91 %
 * of the pairs that one form wrote, and 0.01 % of those that two forms of one account wrote; a simhash of 64 bits with
 * as many of the former has four times as many of the latter, an exact hash finds a third.
 */
#define SKETCH_ALIKE 5

/*
 * Eight min-hashes of eight bits over the pairs of neighbouring words of subject and body (UTF-8, decoded). Numbers,
 * links and addresses are all the same. 0: too few words to tell. The same on every server: strangers can
 * choose texts that collide, and win nothing but a lower limit for themselves.
 */
uint64_t sketch_make(struct span subject, struct span body);

bool sketch_is_alike(uint64_t a, uint64_t b);

#endif
