/*
 * The buffer of what was posted, and the command that stores it (store/post.h).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/command.h"
#include "store/key.h"
#include "store/post.h"
#include "store/script.h"

bool posts_init(struct posts *posts, size_t size)
{
	/* Untouched pages cost nothing: the ring starts again at its begin whenever it is empty. */
	*posts = (struct posts){ .ring = malloc(size), .size = size };
	return posts->ring != NULL;
}

void posts_free(struct posts *posts)
{
	free(posts->ring);
	posts->ring = NULL;
}

bool posts_empty(const struct posts *posts)
{
	return posts->tail == posts->head;
}

static struct post *post_at(const struct posts *posts, uint64_t place)
{
	return (struct post *)(void *)(posts->ring + place % posts->size);
}

/* Steps over the gap at the ring's end. */
static uint64_t post_place(const struct posts *posts, uint64_t place)
{
	if (place < posts->head && post_at(posts, place)->size == 0)
		place += posts->size - place % posts->size;
	return place;
}

static unsigned drop_until_fits(struct posts *posts, uint64_t head)
{
	unsigned dropped = 0;
	while (head - posts->tail > posts->size) {
		const uint64_t place = post_place(posts, posts->tail);
		posts->tail = place + post_at(posts, place)->size;
		dropped++;
	}
	if (posts->sent < posts->tail)
		posts->sent = posts->tail;
	return dropped;
}

static uint16_t append(struct post *post, uint16_t at, const char *from, size_t len)
{
	memcpy(post->bytes + at, from, len);
	post->bytes[at + len] = '\0';
	return (uint16_t)(at + len + 1);
}

/* A new record of that many bytes, a multiple of 8, at the end of all. */
static struct post *add(struct posts *posts, uint32_t size, unsigned *dropped)
{
	if (posts_empty(posts))
		posts->tail = posts->sent = posts->head += (posts->size - posts->head % posts->size) % posts->size;
	const size_t left = posts->size - posts->head % posts->size;
	const uint64_t place = left < size ? posts->head + left : posts->head;
	*dropped = drop_until_fits(posts, place + size);
	if (place != posts->head)
		post_at(posts, posts->head)->size = 0;
	posts->head = place + size;

	struct post *post = post_at(posts, place);
	*post = (struct post){ .size = size };
	return post;
}

static uint32_t round_up(size_t size)
{
	return (uint32_t)((size + 7) & ~(size_t)7);
}

unsigned posts_put(struct posts *posts, const struct store_decision *decision)
{
	const size_t account = strnlen(decision->account, 254), id = strnlen(decision->id, DECISION_ID_LENGTH);
	const size_t rule = decision->rule ? strnlen(decision->rule, 40) : 0;
	const size_t action = decision->action ? strnlen(decision->action, 20) : 0;
	const size_t others = sizeof(struct post) + account + id + rule + action + 5;
	const size_t text = decision->text.len < POST_MAX - others ? decision->text.len : POST_MAX - others;
	unsigned dropped;
	struct post *post = add(posts, round_up(others + text), &dropped);

	post->script = STORE_SCRIPT_DECISION;
	post->at_ms = decision->at_ms;
	post->refused = decision->rule != NULL;
	post->id = append(post, 0, decision->account, account);
	post->rule = append(post, post->id, decision->id, id);
	post->action = append(post, post->rule, decision->rule ? decision->rule : "", rule);
	post->text = append(post, post->action, decision->action ? decision->action : "", action);
	post->end = append(post, post->text, text ? decision->text.at : "", text);
	return dropped;
}

bool posts_put_request(struct posts *posts, const struct store_request *request, unsigned *dropped)
{
	char TEXT_BUFFER command[POST_MAX - sizeof(struct post)];
	struct text text;

	text_init(&text, command, sizeof(command));
	command_request(&text, request);
	if (text.cut)
		return false;
	struct post *post = add(posts, round_up(sizeof(*post) + text.len + 1), dropped);
	post->script = (uint8_t)request->script;
	post->request = true;
	post->end = (uint16_t)text.len;
	memcpy(post->bytes, command, text.len);
	return true;
}

const struct post *posts_next(struct posts *posts, uint64_t *end)
{
	if (posts->sent == posts->head)
		return NULL;
	const uint64_t place = post_place(posts, posts->sent);
	const struct post *post = post_at(posts, place);
	*end = posts->sent = place + post->size;
	return post;
}

bool posts_acknowledge(struct posts *posts, uint64_t end)
{
	if (end <= posts->tail)
		return false;
	posts->tail = end;
	return true;
}

void posts_rewind(struct posts *posts)
{
	posts->sent = posts->tail;
}

uint64_t posts_count(const struct posts *posts)
{
	uint64_t count = 0;
	for (uint64_t place = posts->tail; place < posts->head; count++) {
		place = post_place(posts, place);
		place += post_at(posts, place)->size;
	}
	return count;
}

/* ---- the command ----------------------------------------------------------------------------- */

static void key(struct text *out, const char *begin, size_t begin_len, const char *entity, size_t entity_len)
{
	command_open(out, begin_len + entity_len + 1);
	text_mem(out, begin, begin_len);
	text_mem(out, entity, entity_len);
	text_char(out, '}');
	command_close(out);
}

/* "ID TEXT" in one field: dashboards show only the first one. */
static void entry(struct text *out, const char *id, const char *body, size_t body_len)
{
	const size_t id_len = strlen(id);
	const bool has_id = body_len >= id_len && memcmp(body, id, id_len) == 0;

	command_open(out, body_len + (has_id ? 0 : id_len + 1));
	if (!has_id) {
		text_mem(out, id, id_len);
		text_char(out, ' ');
	}
	const size_t from = out->len;
	text_mem(out, body, body_len);
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)(out->at[i] - ' ') > '~' - ' ') /* it will be printed on terminals */
			out->at[i] = '?';
	command_close(out);
}

static void refusal(struct text *out, const struct post *post, struct post_form *form)
{
	const int64_t second = post->at_ms / 1000;
	const time_t at = (time_t)second;
	struct tm utc;
	char last[128];
	struct text text;

	if (second != form->second || !*form->when) {
		form->second = second;
		if (!gmtime_r(&at, &utc) || !strftime(form->when, sizeof(form->when), "%Y-%m-%d %H:%M:%S UTC ", &utc))
			form->when[0] = '\0';
	}
	/* Beyond 64 bytes a value turns a small hash into one that takes twice the memory. */
	text_init(&text, last, 65);
	text_str(&text, form->when);
	const size_t from = text.len;
	text_mem(&text, post->bytes + post->rule, (size_t)(post->action - post->rule) - 1);
	text_char(&text, '.');
	text_mem(&text, post->bytes + post->action, (size_t)(post->text - post->action) - 1);
	command_word(out, (struct span){ last + from, text.len - from });
	command_word(out, (struct span){ last, text.len });
}

static void decision_command(struct text *out, const struct post *post, struct post_form *form)
{
	static const char begin[] = "*12\r\n$7\r\nEVALSHA\r\n", nothing[] = "$0\r\n\r\n$0\r\n\r\n";
	static const char hist[] = "leu:hist:{", refused[] = "leu:refused:{";
	char entity[STORE_ENTITY_SIZE];
	const char *id = post->bytes + post->id;
	const int64_t id_ms = decision_id_ms(id), chance = decision_id_chance(id);

	store_entity(entity, post->bytes);
	const size_t entity_len = strlen(entity);
	text_mem(out, begin, sizeof(begin) - 1);
	command_word(out, (struct span){ script_sha(STORE_SCRIPT_DECISION), SCRIPT_SHA_LENGTH });
	command_number(out, 2);
	key(out, hist, sizeof(hist) - 1, entity, entity_len);
	key(out, refused, sizeof(refused) - 1, entity, entity_len);
	command_number(out, id_ms >= 0 ? id_ms : post->at_ms);
	command_number(out, chance);
	entry(out, id, post->bytes + post->text, (size_t)(post->end - post->text) - 1);
	command_number(out, form->keep);
	command_number(out, form->max);
	if (post->refused)
		refusal(out, post, form);
	else
		text_mem(out, nothing, sizeof(nothing) - 1);
}

void post_command(struct text *out, const struct post *post, struct post_form *form)
{
	if (post->request)
		text_mem(out, post->bytes, post->end);
	else
		decision_command(out, post, form);
}
