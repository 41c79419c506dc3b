/*
 * Takes a mail apart with GMime: its fields, the text for people, the parts for machines, our message that came back
 * (inner.h).
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

#if LEUMUND_WITH_GMIME
#include <gmime/gmime.h>

#define HEADS_MAX 400 /* "Content-Type" fields that a mail may show: GMime builds a part for each */

struct walk {
	struct arena *arena;
	struct view *out;
	struct text prose;
	int parts;
};

/* ---- limits ------------------------------------------------------------------------------------ */

/* Counted before GMime sees the bytes: it would build them all. */
static bool is_harmless(const char *bytes, size_t len)
{
	static const char word[] = "content-type";
	const char *end = bytes + len;
	int count = 0;

	for (const char *at = bytes; (at = memchr(at, '\n', (size_t)(end - at))) != NULL;) {
		at++;
		if ((size_t)(end - at) >= sizeof(word) - 1 && strncasecmp(at, word, sizeof(word) - 1) == 0 &&
		    ++count > HEADS_MAX)
			return false;
	}
	return true;
}

/* ---- fields ------------------------------------------------------------------------------------ */

static const char *copy(struct arena *arena, const char *text, size_t max)
{
	const size_t len = text ? strnlen(text, max) : 0;
	char *out = arena_copy(arena, text ? text : "", len);

	for (size_t i = 0; out && i < len; i++)
		if (out[i] == '\n' || out[i] == '\r' || out[i] == '\t')
			out[i] = ' ';
	return out ? out : "";
}

static void take_fields(struct arena *arena, GMimeHeaderList *list, struct fields *out)
{
	const int count = list ? g_mime_header_list_get_count(list) : 0;

	for (int i = 0; i < count && out->count < FIELDS_MAX; i++) {
		GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
		const char *name = header ? g_mime_header_get_name(header) : NULL;
		if (name)
			out->at[out->count++] =
				(struct field){ copy(arena, name, 100),
						copy(arena, g_mime_header_get_value(header), FIELD_MAX) };
	}
}

/* ---- parts ------------------------------------------------------------------------------------- */

/* A part's bytes, decoded, at most `max` of them; a text in UTF-8. NUL-terminated. */
static struct span content(struct arena *arena, GMimePart *part, const char *charset, size_t max)
{
	GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
	struct span out = { "", 0 };

	if (!wrapper)
		return out;
	GMimeStream *memory = g_mime_stream_mem_new();
	GMimeStream *filtered = g_mime_stream_filter_new(memory);
	if (charset && strcasecmp(charset, "utf-8") != 0 && strcasecmp(charset, "us-ascii") != 0) {
		GMimeFilter *filter = g_mime_filter_charset_new(charset, "utf-8");
		if (filter) {
			g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
			g_object_unref(filter);
		}
	}
	g_mime_data_wrapper_write_to_stream(wrapper, filtered);
	g_mime_stream_flush(filtered);
	const GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
	const size_t len = bytes && bytes->len < max ? bytes->len : bytes ? max : 0;
	char *taken = len > 0 ? arena_copy(arena, (const char *)bytes->data, len) : NULL;
	if (taken)
		out = (struct span){ taken, len };
	g_object_unref(filtered);
	g_object_unref(memory);
	return out;
}

/* Tags become line ends, so that words stay apart; the few entities that hide letters of addresses are resolved. */
static void prose_html(struct text *out, struct span html)
{
	static const struct {
		const char *name, *text;
	} entities[] = { { "&lt;", "<" },  { "&gt;", ">" },   { "&amp;", "&" }, { "&quot;", "\"" },
			 { "&#39;", "'" }, { "&nbsp;", " " }, { "&#64;", "@" } };
	bool in_tag = false, silent = false;

	for (size_t i = 0; i < html.len; i++) {
		const struct span rest = { html.at + i, html.len - i };
		size_t entity = 0;

		if (in_tag) {
			in_tag = html.at[i] != '>';
			if (!in_tag && !silent)
				text_char(out, rest.at[0] == '>' ? '\n' : ' ');
			continue;
		}
		if (html.at[i] == '<') {
			in_tag = rest.len > 1 && rest.at[1] != ' ';
			if (rest.len > 6 &&
			    (strncasecmp(rest.at, "<style", 6) == 0 || strncasecmp(rest.at, "<head", 5) == 0))
				silent = true;
			if (rest.len > 7 &&
			    (strncasecmp(rest.at, "</style", 7) == 0 || strncasecmp(rest.at, "</head", 6) == 0 ||
			     strncasecmp(rest.at, "<body", 5) == 0))
				silent = false;
			continue;
		}
		if (silent)
			continue;
		while (entity < sizeof(entities) / sizeof(*entities) &&
		       (rest.len < strlen(entities[entity].name) ||
			strncasecmp(rest.at, entities[entity].name, strlen(entities[entity].name)) != 0))
			entity++;
		if (entity < sizeof(entities) / sizeof(*entities)) {
			text_str(out, entities[entity].text);
			i += strlen(entities[entity].name) - 1;
		} else {
			text_char(out, html.at[i] == '\0' ? ' ' : html.at[i]);
		}
	}
}

static void take_text(struct walk *walk, GMimePart *part, GMimeContentType *type)
{
	const struct span text =
		content(walk->arena, part, g_mime_content_type_get_parameter(type, "charset"), PROSE_MAX);

	if (walk->prose.len > 0)
		text_char(&walk->prose, '\n');
	if (g_mime_content_type_is_type(type, "text", "html"))
		prose_html(&walk->prose, text);
	else
		text_mem(&walk->prose, text.at, text.len);
}

static void take_leaf(struct walk *walk, GMimePart *part)
{
	GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
	struct view *out = walk->out;

	if (g_mime_content_type_is_type(type, "message", "delivery-status") ||
	    g_mime_content_type_is_type(type, "message", "global-delivery-status")) {
		if (out->status.len == 0)
			out->status = content(walk->arena, part, NULL, STATUS_MAX);
	} else if (g_mime_content_type_is_type(type, "message", "feedback-report")) {
		if (out->feedback.len == 0)
			out->feedback = content(walk->arena, part, NULL, STATUS_MAX);
	} else if (g_mime_content_type_is_type(type, "text", "rfc822-headers") ||
		   g_mime_content_type_is_type(type, "text", "rfc822-header") ||
		   g_mime_content_type_is_type(type, "message", "rfc822-headers") ||
		   g_mime_content_type_is_type(type, "message", "global-headers")) {
		const struct span head = content(walk->arena, part, NULL, STATUS_MAX);
		if (!out->has_original)
			fields_read(walk->arena, head.at, head.len, &out->original);
		out->has_original = true;
	} else if (g_mime_content_type_is_type(type, "text", "*") && !out->has_original) {
		take_text(walk, part, type);
	}
}

static void walk_part(struct walk *walk, GMimeObject *object, int depth)
{
	if (depth > PART_DEPTH || ++walk->parts > PARTS_MAX)
		return;
	if (GMIME_IS_MULTIPART(object)) {
		GMimeMultipart *multipart = GMIME_MULTIPART(object);
		const int count = g_mime_multipart_get_count(multipart);
		/* two forms of one text: the plain one is enough, where it says something */
		const bool alternative =
			g_mime_content_type_is_type(g_mime_object_get_content_type(object), "multipart", "alternative");

		for (int i = 0; i < count && walk->parts < PARTS_MAX; i++) {
			const size_t before = walk->prose.len;
			walk_part(walk, g_mime_multipart_get_part(multipart, i), depth + 1);
			if (alternative && walk->prose.len > before + 20)
				break;
		}
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
		if (message && !walk->out->has_original) {
			take_fields(walk->arena, g_mime_object_get_header_list(GMIME_OBJECT(message)),
				    &walk->out->original);
			walk->out->has_original = true;
		}
	} else if (GMIME_IS_PART(object)) {
		take_leaf(walk, GMIME_PART(object));
	}
}

/* ---- the whole --------------------------------------------------------------------------------- */

static const char *parameter(struct arena *arena, GMimeContentType *type, const char *name)
{
	return copy(arena, g_mime_content_type_get_parameter(type, name), 100);
}

static void take_message(struct walk *walk, GMimeMessage *message)
{
	GMimeObject *body = g_mime_message_get_mime_part(message);
	struct view *out = walk->out;

	take_fields(walk->arena, g_mime_object_get_header_list(GMIME_OBJECT(message)), &out->head);
	if (!body)
		return;
	GMimeContentType *type = g_mime_object_get_content_type(body);
	char *name = g_mime_content_type_get_mime_type(type);
	out->type = copy(walk->arena, name, 100);
	out->report = parameter(walk->arena, type, "report-type");
	g_free(name);
	walk_part(walk, body, 0);
}

/* The body as it stands: for mails whose MIME is broken, such as a multipart without a boundary. */
static void take_raw_body(struct walk *walk, const char *bytes, size_t len)
{
	const char *blank = memmem(bytes, len, "\n\n", 2), *crlf = memmem(bytes, len, "\n\r\n", 3);

	if (crlf && (!blank || crlf < blank))
		blank = crlf;
	if (!blank)
		return;
	for (const char *at = blank, *end = bytes + len; at < end && walk->prose.len + 1 < PROSE_MAX;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const size_t length = (size_t)((stop ? stop + 1 : end) - at);

		/* boundaries and heads of parts are no words of anybody's */
		if ((length < 8 || strncasecmp(at, "Content-", 8) != 0) && (length < 2 || memcmp(at, "--", 2) != 0))
			text_mem(&walk->prose, at, length);
		at += length;
	}
	for (size_t i = 0; i < walk->prose.len; i++)
		if (walk->prose.at[i] == '\0')
			walk->prose.at[i] = ' ';
}

static bool is_blank(const struct text *text)
{
	for (size_t i = 0; i < text->len; i++)
		if (!strchr(" \t\r\n", text->at[i]))
			return false;
	return true;
}

const char *view_read(struct arena *arena, const char *bytes, size_t len, struct view *out)
{
	static bool begun;
	struct walk walk = { .arena = arena, .out = out };
	char *prose = arena_alloc(arena, PROSE_MAX);

	out->type = out->report = "";
	out->prose = out->status = out->feedback = (struct span){ "", 0 };
	if (!prose)
		return "out of memory";
	if (!is_harmless(bytes, len))
		return "far too many parts; it is no report";
	if (!begun) {
		g_mime_init();
		begun = true;
	}
	text_init(&walk.prose, prose, PROSE_MAX);
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(bytes, len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message) {
		take_message(&walk, message);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	if (is_blank(&walk.prose) && out->status.len == 0 && out->feedback.len == 0 && !out->has_original)
		take_raw_body(&walk, bytes, len);
	out->prose = (struct span){ walk.prose.at, walk.prose.len };
	return NULL;
}

#else

const char *view_read(struct arena *arena, const char *bytes, size_t len, struct view *out)
{
	(void)arena;
	(void)bytes;
	(void)len;
	(void)out;
	return "this build cannot read mails: install libgmime-3.0-dev and build again";
}

#endif
