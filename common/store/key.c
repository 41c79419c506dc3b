/*
 * Decision ids and keys: what things are called in the store. See store/key.h.
 */
#include <stdio.h>
#include <string.h>

#include "store/key.h"

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

static void write_base36(char *out, size_t width, uint64_t number)
{
	while (width-- > 0) {
		out[width] = digits[number % 36];
		number /= 36;
	}
}

/* -1 for a byte that is no digit. */
static int64_t read_base36(const char *from, size_t width)
{
	int64_t number = 0;
	for (size_t i = 0; i < width; i++) {
		const char c = from[i];
		if (c >= '0' && c <= '9')
			number = number * 36 + (c - '0');
		else if (c >= 'a' && c <= 'z')
			number = number * 36 + (c - 'a' + 10);
		else
			return -1;
	}
	return number;
}

void decision_id(int64_t now_ms, uint32_t chance, char out[16])
{
	write_base36(out, 8, now_ms > 0 ? (uint64_t)now_ms : 0);
	write_base36(out + 8, 5, chance % DECISION_CHANCES);
	out[DECISION_ID_LENGTH] = '\0';
}

int64_t decision_id_ms(const char *id)
{
	if (strnlen(id, DECISION_ID_LENGTH + 1) != DECISION_ID_LENGTH || decision_id_chance(id) < 0)
		return -1;
	return read_base36(id, 8);
}

int64_t decision_id_chance(const char *id)
{
	if (strnlen(id, DECISION_ID_LENGTH + 1) != DECISION_ID_LENGTH)
		return -1;
	return read_base36(id + 8, 5);
}

/* ---- keys ------------------------------------------------------------------------------------ */

#define HASH_ROOM (2 + 16) /* "%%" and 16 digits: no escaped name holds "%%" */

/* FNV-1a: who chooses the names of two things of his own so that they collide has them counted together. */
static uint64_t fnv_lower(struct span name)
{
	uint64_t hash = 14695981039346656037u;
	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ (unsigned char)ascii_lower(name.at[i])) * 1099511628211u;
	return hash;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c && strchr(".@_+-", c));
}

static size_t escape(char out[STORE_ENTITY_SIZE], struct span name)
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 0, fits = 0; /* fits: the last end of a whole character that leaves room for the hash */
	for (size_t i = 0; i < name.len; i++) {
		const char c = ascii_lower(name.at[i]);
		if (len + 3 >= STORE_ENTITY_SIZE) {
			snprintf(out + fits, STORE_ENTITY_SIZE - fits, "%%%%%016llx",
				 (unsigned long long)fnv_lower(name));
			return fits + HASH_ROOM;
		}
		if (is_plain(c)) {
			out[len++] = c;
		} else {
			out[len++] = '%';
			out[len++] = hex[(unsigned char)c >> 4];
			out[len++] = hex[(unsigned char)c & 15];
		}
		if (len + HASH_ROOM < STORE_ENTITY_SIZE)
			fits = len;
	}
	out[len] = '\0';
	return len;
}

static struct span named(struct span name)
{
	return name.len ? name : (struct span){ "unknown", 7 };
}

void store_entity(char out[STORE_ENTITY_SIZE], const char *name)
{
	escape(out, named((struct span){ name, strlen(name) }));
}

void store_key_part(struct text *out, struct span part)
{
	char TEXT_BUFFER safe[STORE_ENTITY_SIZE];

	text_char(out, ':');
	text_mem(out, safe, escape(safe, part));
}

void store_key_write(struct text *out, const char *kind, struct span entity, struct span sub)
{
	char TEXT_BUFFER safe[STORE_ENTITY_SIZE];

	text_mem(out, "leu:", 4);
	text_str(out, kind);
	text_mem(out, ":{", 2);
	text_mem(out, safe, escape(safe, named(entity)));
	text_char(out, '}');
	if (sub.len)
		store_key_part(out, sub);
}

void store_key(char out[STORE_KEY_SIZE], const char *kind, const char *name)
{
	struct text text;
	text_init(&text, out, STORE_KEY_SIZE);
	store_key_write(&text, kind, (struct span){ name, strlen(name) }, (struct span){ "", 0 });
}

void store_key_entity(char out[STORE_ENTITY_SIZE], const char *key, size_t len)
{
	const char *open = memchr(key, '{', len);
	const char *close = open ? memchr(open, '}', len - (size_t)(open - key)) : NULL;
	size_t n = close ? (size_t)(close - open - 1) : 0;
	if (n >= STORE_ENTITY_SIZE)
		n = STORE_ENTITY_SIZE - 1;
	if (n > 0)
		memcpy(out, open + 1, n);
	out[n] = '\0';
}
