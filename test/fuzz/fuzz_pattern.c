/*
 * Fuzzes patterns: the first line is the pattern, the second the local part, the third the
 * domain. Where fnmatch(3) knows the same wildcards, both must agree.
 */
#include <fnmatch.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_plain(const char *text, const char *allowed)
{
	return text[strspn(text, allowed)] == '\0';
}

static void compare(const struct pattern *pattern, const char *text, const char *local, bool matches)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-*?";
	size_t len = strlen(text);
	char glob[128];

	if (len < 3 || len >= sizeof(glob) || strcmp(text + len - 2, "@*") != 0 || !pattern)
		return;
	memcpy(glob, text, len - 2);
	glob[len - 2] = '\0';
	if (is_plain(glob, letters) && is_plain(local, letters) && (fnmatch(glob, local, 0) == 0) != matches)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *input = malloc(size + 1);
	char *rest = input, *from, *local, *domain;
	const char *why = NULL;
	struct pattern *pattern;

	if (!input)
		return 0;
	memcpy(input, data, size);
	input[size] = '\0';
	from = strsep(&rest, "\n");
	local = rest ? strsep(&rest, "\n") : "";
	domain = rest ? strsep(&rest, "\n") : "";
	pattern = pattern_new(from, &why);
	if ((pattern == NULL) != (why != NULL))
		abort();
	if (pattern) {
		compare(pattern, from, local, pattern_match(pattern, local, strlen(local), domain));
		pattern_free(&pattern);
	}
	free(input);
	return 0;
}
