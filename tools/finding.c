/*
 * What `leumund check` finds (finding.h).
 */
#include <limits.h>
#include <stdarg.h>
#include <string.h>

#include "finding.h"
#include "words.h"

static unsigned counts[SEVERITIES];

void find(enum severity severity, const char *remedy, const char *format, ...)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	char sentence[PATH_MAX + 512], arrow[600];
	va_list args;

	counts[severity]++;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	printf("%-4s  ", words[severity]);
	if (severity == FINE) {
		print_wrapped(stdout, sentence, 6, 6);
		return;
	}
	snprintf(arrow, sizeof(arrow), "-> %s", remedy);
	if (6 + strlen(sentence) + 1 + strlen(arrow) <= print_width()) {
		print_safe(stdout, sentence);
		putchar(' ');
		print_safe(stdout, arrow);
		putchar('\n');
		return;
	}
	print_wrapped(stdout, sentence, 6, 6);
	print_wrapped(stdout, arrow, 6, 0);
}

void find_split(enum severity severity, const char *before, const char *sentence, const char *otherwise)
{
	const char *end = NULL;

	for (const char *at = strstr(sentence, "; "); at; at = strstr(at + 2, "; "))
		end = at;
	find(severity, end ? end + 2 : otherwise, "%s%.*s", before, end ? (int)(end - sentence) : (int)strlen(sentence),
	     sentence);
}

unsigned findings(enum severity severity)
{
	return counts[severity];
}
