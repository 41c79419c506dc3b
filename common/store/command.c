/*
 * Commands in the server's protocol (store/command.h).
 */
#include "store/command.h"
#include "store/script.h"

#define WORD_ROOM ((size_t)32) /* "$", a length of up to 20 digits, two line ends */

void command_begin(struct text *out, size_t words)
{
	text_char(out, '*');
	text_u64(out, words);
	text_mem(out, "\r\n", 2);
}

void command_open(struct text *out, size_t len)
{
	text_char(out, '$');
	text_u64(out, len);
	text_mem(out, "\r\n", 2);
}

void command_close(struct text *out)
{
	text_mem(out, "\r\n", 2);
}

void command_word(struct text *out, struct span word)
{
	command_open(out, word.len);
	text_mem(out, word.len ? word.at : "", word.len);
	command_close(out);
}

void command_number(struct text *out, int64_t number)
{
	char digits[24];
	struct text text;

	text_init(&text, digits, sizeof(digits));
	text_u64(&text, number > 0 ? (uint64_t)number : 0);
	command_word(out, (struct span){ digits, text.len });
}

size_t command_size(int argc, const char *const *argv)
{
	size_t size = WORD_ROOM;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + WORD_ROOM;
	return size;
}

void command_words(struct text *out, int argc, const char *const *argv)
{
	command_begin(out, (size_t)argc);
	for (int i = 0; i < argc; i++)
		command_word(out, (struct span){ argv[i], strlen(argv[i]) });
}

static size_t words_size(const struct span *words, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < count; i++)
		size += words[i].len + WORD_ROOM;
	return size;
}

static void put_words(struct text *out, const struct span *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		command_word(out, words[i]);
}

static const struct span evalsha = { "EVALSHA", 7 };

size_t command_request_size(const struct store_request *request)
{
	return (size_t)4 * WORD_ROOM + evalsha.len + SCRIPT_SHA_LENGTH + words_size(request->keys, request->key_count) +
	       words_size(request->args, request->arg_count);
}

void command_request(struct text *out, const struct store_request *request)
{
	command_begin(out, 3 + request->key_count + request->arg_count);
	command_word(out, evalsha);
	command_word(out, (struct span){ script_sha(request->script), SCRIPT_SHA_LENGTH });
	command_number(out, (int64_t)request->key_count);
	put_words(out, request->keys, request->key_count);
	put_words(out, request->args, request->arg_count);
}
