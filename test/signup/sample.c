/*
 * The sample's lines (sample.h).
 */
#include "sample.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 16

static const char *const events[] = { "contact", "in", "mail", NULL };
static const char *const labels[] = { "honest", "bot", "stolen", "side", NULL };

static void fail(const struct sample *sample, const char *what)
{
	fprintf(stderr, "sample: line %lu: %s\n", sample->number, what);
	exit(2);
}

static unsigned index_of(const struct sample *sample, const char *const *names, const char *name)
{
	for (unsigned i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			return i;
	fail(sample, name);
	return 0;
}

static const char *absent(const char *column)
{
	return !strcmp(column, "-") ? "" : column;
}

/* Undoes \n in place. */
static struct span text_of(char *from)
{
	char *to = from;

	for (const char *at = from; *at; at++) {
		if (at[0] == '\\' && at[1] == 'n') {
			*to++ = '\n';
			at++;
		} else {
			*to++ = *at;
		}
	}
	return (struct span){ from, (size_t)(to - from) };
}

static void read_recipients(const struct sample *sample, char *column, struct line *out)
{
	for (char *word; (word = strsep(&column, ",")) != NULL;) {
		if (out->recipient_count == RECIPIENTS_MAX && out->event == EVENT_MAIL)
			fail(sample, "too many recipients");
		/* contacts only say who is known: the rest of a long line comes as the caller's next ones would */
		if (out->recipient_count < RECIPIENTS_MAX)
			out->recipients[out->recipient_count++] = (struct span){ word, strlen(word) };
	}
}

static void read_headers(const struct sample *sample, char *column, struct line *out)
{
	struct span all = text_of(column);
	char *at = column, *line;

	column[all.len] = '\0';
	while ((line = strsep(&at, "\n")) != NULL) {
		char *value = strchr(line, ':');

		if (line[0] == '\0' || !strcmp(line, "-"))
			continue;
		if (!value || out->header_count == HEADERS_MAX)
			fail(sample, "header fields");
		*value++ = '\0';
		out->headers[out->header_count++] = (struct header_field){ line, { value, strlen(value) } };
	}
}

static void read_mail(const struct sample *sample, char *column[COLUMNS], struct line *out)
{
	out->has_login = !strcmp(column[5], "auth");
	out->script = absent(column[6]);
	out->client = absent(column[7]);
	out->domain = strchr(column[8], '@') ? strchr(column[8], '@') + 1 : "";
	read_headers(sample, column[9], out);
	out->subject = text_of(column[10]);
	out->body = text_of(column[11]);
	out->label = (enum label)index_of(sample, labels, column[12]);
	out->kind = column[13];
	out->attack = absent(column[14]);
}

bool sample_next(struct sample *sample, struct line *out)
{
	char *column[COLUMNS], *at;
	unsigned count = 0;
	ssize_t len = getline(&sample->buffer, &sample->size, sample->file);

	if (len < 0)
		return false;
	sample->number++;
	if (len > 0 && sample->buffer[len - 1] == '\n')
		sample->buffer[len - 1] = '\0';
	at = sample->buffer;
	while (count < COLUMNS && (column[count] = strsep(&at, "\t")) != NULL)
		count++;
	if (count < 5)
		fail(sample, "too few columns");
	memset(out, 0, sizeof(*out));
	out->time = atoll(column[0]);
	out->event = (enum event)index_of(sample, events, column[1]);
	out->server = column[2];
	out->account = column[3];
	read_recipients(sample, column[4], out);
	out->text = count > 5 ? column[count - 1] : "";
	if (out->event != EVENT_MAIL)
		return true;
	if (count != COLUMNS)
		fail(sample, "too few columns");
	read_mail(sample, column, out);
	return true;
}
