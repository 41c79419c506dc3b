/*
 * The keyed hash, beside the figures of its authors (SipHash-2-4, key 00 01 .. 0f).
 */
#include "hash.h"
#include "test/unit/test.h"

static void keyed_hashes_are_those_of_the_paper(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 7, UINT64_C(0xab0200f58b01d137) },  { 8, UINT64_C(0x93f5f5799a932462) },
		{ 15, UINT64_C(0xa129ca6149be45e5) }, { 16, UINT64_C(0x3f2acc7f57c29bdb) },
		{ 63, UINT64_C(0x958a324ceb064572) },
	};
	const uint64_t key[2] = { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) };
	unsigned char bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_true(hash_keyed(key, bytes, rows[i].len) == rows[i].hash);
}

static void another_key_is_another_hash(void **state)
{
	const uint64_t one[2] = { 1, 2 }, other[2] = { 1, 3 };

	(void)state;
	assert_true(hash_keyed(one, "a", 1) != hash_keyed(other, "a", 1));
	assert_true(hash_keyed(one, "a", 1) == hash_keyed(one, "a", 1));
	assert_true(hash_lower("AbC-@[", 6) == hash_lower("aBc-@[", 6));
	assert_true(hash_bytes("AbC", 3) != hash_bytes("aBc", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyed_hashes_are_those_of_the_paper),
		cmocka_unit_test(another_key_is_another_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
