/*
 * A configuration in memory: its sections with their values and where each comes from, and the notes of what
 * is wrong in a file on its way in.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "option/inner.h"

#define CONFIG_MEMORY_MAX (256u << 20) /* bytes: a runaway file must not take the machine */

void option_problem(struct option_file *file, unsigned line, const char *format, ...)
{
	char sentence[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (file->problem_count++ > 0)
		text_char(file->problems, '\n');
	text_str(file->problems, file->name);
	text_char(file->problems, ':');
	if (line > 0) {
		text_u64(file->problems, line);
		text_char(file->problems, ':');
	}
	text_char(file->problems, ' ');
	text_str(file->problems, sentence);
}

struct config_part *config_part(const struct config *config, const char *name, size_t len)
{
	for (size_t i = 0; i < config->part_count; i++) {
		const char *known = config->parts[i].section->name;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return &config->parts[i];
	}
	return NULL;
}

const struct option *section_option(const struct section *section, const char *name, size_t len)
{
	for (const struct option *row = section->options; row->name; row++) {
		if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
			return row;
	}
	return NULL;
}

size_t section_size(const struct section *section)
{
	size_t count = 0;

	while (section->options[count].name)
		count++;
	return count;
}

static bool part_init(struct config *config, struct config_part *part, const struct section *section)
{
	size_t count = section_size(section);

	part->section = section;
	part->place = 0;
	part->values = arena_alloc(&config->arena, section->size ? section->size : 1);
	part->origins = arena_alloc(&config->arena, (count + 1) * sizeof(*part->origins));
	if (!part->values || !part->origins)
		return false;
	memset(part->values, 0, section->size);
	memset(part->origins, 0, (count + 1) * sizeof(*part->origins));
	return true;
}

struct config *config_new(const struct section *const *sections)
{
	struct config *config = calloc(1, sizeof(*config));
	size_t count = 0;

	if (!config)
		return NULL;
	arena_init(&config->arena, CONFIG_MEMORY_MAX);
	while (sections[count])
		count++;
	config->parts = arena_alloc(&config->arena, (count + 1) * sizeof(*config->parts));
	for (size_t i = 0; config->parts && i < count; i++) {
		if (!part_init(config, &config->parts[i], sections[i]))
			break;
		config->part_count++;
	}
	if (config->part_count < count)
		config_free(&config);
	return config;
}

void config_free(struct config **config)
{
	if (!*config)
		return;
	arena_free(&(*config)->arena);
	free(*config);
	*config = NULL;
}

const void *config_section(const struct config *config, const char *name)
{
	const struct config_part *part = config_part(config, name, strlen(name));

	return part ? part->values : NULL;
}

unsigned config_place(const struct config *config, const char *name)
{
	const struct config_part *part = config_part(config, name, strlen(name));

	return part ? part->place : 0;
}
