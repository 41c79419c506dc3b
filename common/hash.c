/*
 * SipHash (Aumasson, Bernstein 2012): 1-3 is the variant for hash tables, 2-4 the one for what others may see (hash.h).
 */
#include <endian.h>
#include <pthread.h>
#include <sys/random.h>

#include "hash.h"
#include "system/clock.h"
#include "text.h"

static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void secret_make(void)
{
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
		secret[0] = (uint64_t)clock_ticks_ms();
		secret[1] = (uint64_t)(uintptr_t)&secret_once;
	}
}

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void sip_begin(uint64_t v[4], const uint64_t key[2])
{
	v[0] = key[0] ^ UINT64_C(0x736f6d6570736575);
	v[1] = key[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = key[0] ^ UINT64_C(0x6c7967656e657261);
	v[3] = key[1] ^ UINT64_C(0x7465646279746573);
}

static inline void sip_word(uint64_t v[4], uint64_t word, int rounds)
{
	v[3] ^= word;
	for (int i = 0; i < rounds; i++)
		sip_round(v);
	v[0] ^= word;
}

static inline uint64_t sip_end(uint64_t v[4], int rounds)
{
	v[2] ^= 0xff;
	for (int i = 0; i < rounds; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Lower case of eight bytes at once. */
static inline uint64_t lower_word(uint64_t word)
{
	static const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
	/* sums of seven bits: the eighth says "from A on", and "behind Z" */
	uint64_t low = word & ~highs, from_a = low + ones * (0x80 - 'A'), behind_z = low + ones * (0x80 - 'Z' - 1);

	return word | ((from_a ^ behind_z) & ~word & highs) >> 2;
}

static inline uint64_t sip(const char *bytes, size_t len, bool fold)
{
	uint64_t v[4], word;
	size_t at = 0;

	pthread_once(&secret_once, secret_make);
	sip_begin(v, secret);
	for (; len - at >= 8; at += 8) {
		word = word_load(bytes + at);
		sip_word(v, fold ? lower_word(word) : word, 1);
	}
	word = word_load_rest(bytes + at, len - at);
	sip_word(v, (fold ? lower_word(word) : word) | (uint64_t)len << 56, 1);
	return sip_end(v, 3);
}

uint64_t hash_bytes(const void *from, size_t len)
{
	return sip(from, len, false);
}

uint64_t hash_lower(const void *from, size_t len)
{
	return sip(from, len, true);
}

/* Words are little-endian by definition. */
uint64_t hash_keyed(const uint64_t key[2], const void *from, size_t len)
{
	const char *bytes = from;
	uint64_t v[4], rest = 0;
	size_t at = 0;

	sip_begin(v, key);
	for (; len - at >= 8; at += 8)
		sip_word(v, le64toh(word_load(bytes + at)), 2);
	for (size_t i = 0; at + i < len; i++)
		rest |= (uint64_t)(unsigned char)bytes[at + i] << (8 * i);
	sip_word(v, rest | (uint64_t)len << 56, 2);
	return sip_end(v, 4);
}
