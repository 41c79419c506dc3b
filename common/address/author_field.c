/*
 * Which header fields name an author, for the most lenient reader.
 */
#include "address/address.h"

#include <string.h>

#include "address/lex.h"

enum author_field author_field_of(const char *name, size_t len)
{
	struct span word = { name, len };

	/* RFC 5322 4.5: obsolete syntax has blanks before the colon; espoofer has NUL and other controls there. */
	while (word.len && (lex_of(name[word.len - 1]) & (LEX_BLANK | LEX_CONTROL)))
		word.len--;
	if (span_is(word, "from"))
		return AUTHOR_FIELD_FROM;
	return span_is(word, "sender") ? AUTHOR_FIELD_SENDER : AUTHOR_FIELD_NONE;
}

/* True when a line begins with the name of an author field and its colon. */
static bool line_is_author(const char *at, size_t len)
{
	size_t i = 0;

	while (i < len && at[i] != ':' && at[i] != '\r' && at[i] != '\n')
		i++;
	return i < len && at[i] == ':' && author_field_of(at, i) != AUTHOR_FIELD_NONE;
}

/* Of two places the first; NULL is none. */
static const char *earlier(const char *a, const char *b)
{
	return !a || (b && b < a) ? b : a;
}

bool author_field_within(const char *value, size_t len)
{
	const char *end = value + len;
	const char *lf = memchr(value, '\n', len), *cr = memchr(value, '\r', len), *at;

	/* nearly every field is one line */
	while ((at = earlier(lf, cr)) && at + 1 < end) {
		if (line_is_author(at + 1, (size_t)(end - at - 1)))
			return true;
		if (at == lf)
			lf = memchr(at + 1, '\n', (size_t)(end - at - 1));
		else
			cr = memchr(at + 1, '\r', (size_t)(end - at - 1));
	}
	return false;
}
