/*
 * What an instance has to say (instance.h).
 */
#include <stdarg.h>
#include <stdio.h>

#include "instance.h"

void say(const struct instance *instance, enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_printf(level, "%s", line);
	if (instance->setup.leumund->log == LOG_TO_SYSLOG)
		fprintf(stderr, "leumund: %s\n", line);
}
