/*
 * Options for people and programs: the values in force with where they come from, the list
 * for the manual, and the sample file. All of it comes from the rows.
 */
#include <inttypes.h>
#include <string.h>

#include "option/inner.h"

#define SAMPLE_WIDTH 100 /* columns of a sample file's comments */

static const void *value_at(const struct config_part *part, const struct option *row)
{
	return (const char *)part->values + row->offset;
}

/* As conf.d takes it: in double quotes; a $ in front of { gets a backslash, or libconfuse would look for a variable. */
static void print_quoted(const char *value, FILE *out)
{
	static const char letters[] = "\n\r\t\"\\", codes[] = "nrt\"\\";

	putc('"', out);
	for (; *value; value++) {
		const char *found = strchr(letters, *value);

		if (found)
			fprintf(out, "\\%c", codes[found - letters]);
		else if (value[0] == '$' && value[1] == '{')
			fputs("\\$", out);
		else
			putc(*value, out);
	}
	putc('"', out);
}

/* RFC 8259 7. The value is UTF-8: option_scan() takes no other. DEL is escaped for the terminal's sake. */
static void print_json_string(const char *value, FILE *out)
{
	putc('"', out);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
	putc('"', out);
}

static void print_list(const struct string_list *list, bool json, FILE *out)
{
	putc(json ? '[' : '{', out);
	for (size_t i = 0; i < list->count; i++) {
		fputs(i ? json ? "," : ", " : "", out);
		(json ? print_json_string : print_quoted)(list->at[i], out);
	}
	putc(json ? ']' : '}', out);
}

static void print_time(int64_t seconds, bool json, FILE *out)
{
	char buffer[32];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	option_time_text(&text, seconds);
	fprintf(out, json ? "\"%s\"" : "%s", buffer);
}

static void print_value(const struct config_part *part, const struct option *row, bool json, FILE *out)
{
	const void *at = value_at(part, row);

	switch (row->type) {
	case OPTION_BOOL:
		fputs(*(const bool *)at ? "true" : "false", out);
		break;
	case OPTION_NUMBER:
		fprintf(out, "%" PRId64, *(const int64_t *)at);
		break;
	case OPTION_TIME:
		print_time(*(const int64_t *)at, json, out);
		break;
	case OPTION_CHOICE:
		fprintf(out, json ? "\"%s\"" : "%s", row->choices[*(const int *)at]);
		break;
	case OPTION_STRING:
		(json ? print_json_string : print_quoted)(*(const char *const *)at, out);
		break;
	case OPTION_LIST:
		print_list(at, json, out);
		break;
	}
}

static void print_json_origin(const struct option_origin *origin, FILE *out)
{
	char where[4200];

	if (origin->file)
		snprintf(where, sizeof(where), "%s:%u", origin->file, origin->line);
	print_json_string(origin->file ? where : "default", out);
}

static void print_part(const struct config_part *part, FILE *out)
{
	const struct option *rows = part->section->options;

	for (size_t i = 0; rows[i].name; i++) {
		const struct option_origin *origin = &part->origins[i];

		fprintf(out, "%s.%s = ", part->section->name, rows[i].name);
		print_value(part, &rows[i], false, out);
		if (origin->file)
			fprintf(out, "    # %s:%u\n", origin->file, origin->line);
		else
			fputs("    # default\n", out);
	}
}

static void print_part_json(const struct config_part *part, FILE *out)
{
	const struct option *rows = part->section->options;

	print_json_string(part->section->name, out);
	fputs(":{", out);
	for (size_t i = 0; rows[i].name; i++) {
		if (i)
			putc(',', out);
		print_json_string(rows[i].name, out);
		fputs(":{\"value\":", out);
		print_value(part, &rows[i], true, out);
		fputs(",\"from\":", out);
		print_json_origin(&part->origins[i], out);
		putc('}', out);
	}
	putc('}', out);
}

void config_print(const struct config *config, const char *only, bool json, FILE *out)
{
	bool first = true;

	if (json)
		putc('{', out);
	for (size_t i = 0; i < config->part_count; i++) {
		const struct config_part *part = &config->parts[i];

		if (only && strcmp(only, part->section->name) != 0)
			continue;
		if (json && !first)
			putc(',', out);
		first = false;
		(json ? print_part_json : print_part)(part, out);
	}
	if (json)
		fputs("}\n", out);
}

/* ---- manual and sample ------------------------------------------------------------------------- */

/* mdoc: a backslash and a quote have names; a line may not begin with a dot or an apostrophe. */
static void print_mdoc(const char *from, FILE *out)
{
	if (*from == '.' || *from == '\'')
		fputs("\\&", out);
	for (; *from; from++) {
		if (*from == '\\')
			fputs("\\e", out);
		else if (*from == '"')
			fputs("\\(dq", out);
		else
			putc(*from, out);
	}
}

void section_manual(const struct section *section, FILE *out)
{
	for (const struct option *row = section->options; row->name; row++) {
		char buffer[1024];
		struct text allowed;

		text_init(&allowed, buffer, sizeof(buffer));
		option_allowed_text(&allowed, row);
		/* in quotes no word of the default is taken for a macro */
		fprintf(out, ".It Cm \"%s = ", row->name);
		print_mdoc(row->preset, out);
		fputs("\"\n", out);
		print_mdoc(row->text, out);
		if (allowed.len > 0 && row->type != OPTION_BOOL) {
			fputs("\nAllowed", out);
			print_mdoc(buffer + strlen("allowed"), out);
			putc('.', out);
		}
		putc('\n', out);
	}
}

static void print_wrapped(const char *from, const char *indent, size_t width, FILE *out)
{
	size_t column = 0;

	while (*from) {
		size_t len = strcspn(from, " \n");

		if (column > 0 && column + 1 + len > width) {
			putc('\n', out);
			column = 0;
		}
		column += len + 1;
		fputs(column == len + 1 ? indent : "", out);
		fprintf(out, " %.*s", (int)len, from);
		from += len;
		from += strspn(from, " \n");
	}
	putc('\n', out);
}

void section_sample(const struct section *section, FILE *out)
{
	print_wrapped(section->summary, "#", SAMPLE_WIDTH - 1, out);
	fprintf(out, "%s {\n", section->name);
	for (const struct option *row = section->options; row->name; row++) {
		char buffer[2048];
		struct text comment;

		text_init(&comment, buffer, sizeof(buffer));
		text_str(&comment, row->text);
		if (row->type != OPTION_BOOL) {
			text_str(&comment, row->type == OPTION_STRING || row->type == OPTION_LIST ? "" : " ");
			option_allowed_text(&comment, row);
		}
		fputs(row == section->options ? "" : "\n", out);
		print_wrapped(buffer, "\t#", SAMPLE_WIDTH - 9, out);
		fprintf(out, "\t#%s = %s\n", row->name, row->preset);
	}
	fputs("}\n", out);
}
