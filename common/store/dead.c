/*
 * Dead mailboxes (store/dead.h).
 */
#include <stdio.h>

#include "store/ask.h"
#include "store/dead.h"

enum { STATE, DONE, NOW, NEXT, ATTEMPTS, FIRST, LAST, UNTIL, REFUSED, SAID, ACCOUNTS, FIELDS };

/* The provider's name is one word, so that it can be told from what it said. */
static struct span write_said(struct dead_request *request)
{
	struct text text;

	text_init(&text, request->said_room, sizeof(request->said_room));
	if (request->said_by.len)
		text_word(&text, request->said_by.at, request->said_by.len, DEAD_TEXT_SIZE);
	else
		text_char(&text, '?');
	text_char(&text, ' ');
	if (request->said.len)
		text_escaped(&text, request->said.at, request->said.len, DEAD_TEXT_SIZE);
	return (struct span){ text.at, text.len };
}

struct store_request dead_ask(struct dead_request *request, struct store *store)
{
	static const char *const modes[] = { "look", "reserve", "fail", "refuse", "clear" };
	const struct dead_rule *rule = request->rule;
	struct ask ask;

	ask_begin(&ask, &request->asked);
	ask_key(&ask, "dead", request->address, (struct span){ "", 0 });
	ask_word(&ask, span_of(modes[request->mode]));
	ask_token(&ask, store, request->mode == DEAD_LOOK ? (struct span){ "", 0 } : request->token);
	ask_time(&ask, request->at_ms);
	ask_time(&ask, 0);
	ask_number(&ask, rule->attempts);
	ask_number(&ask, rule->days);
	ask_number(&ask, rule->apart_ms);
	ask_number(&ask, rule->keep_ms);
	ask_number(&ask, rule->watch_ms);
	ask_name(&ask, request->account);
	ask_word(&ask, request->mode == DEAD_FAIL ? write_said(request) : (struct span){ "", 0 });
	return ask_end(&ask, STORE_SCRIPT_DEAD);
}

static void split_said(struct dead_request *request, struct span said)
{
	const char *blank = said.len ? memchr(said.at, ' ', said.len) : NULL;
	const size_t by = blank ? (size_t)(blank - said.at) : said.len;

	snprintf(request->by, sizeof(request->by), "%.*s", (int)by, by ? said.at : "");
	snprintf(request->words, sizeof(request->words), "%s", blank ? blank + 1 : "");
}

bool dead_answer(struct dead_request *request, const struct store_answer *answer)
{
	int64_t done;

	request->state = DEAD_UNKNOWN;
	request->may_go = request->counted = request->again = request->newly_dead = false;
	request->next_ms = request->attempts = request->refused = 0;
	request->first_ms = request->last_ms = request->until_ms = 0;
	request->by[0] = request->words[0] = request->accounts[0] = '\0';
	if (!answer || answer->result != STORE_OK || answer->count != FIELDS)
		return false;
	if (store_field_number(answer, STATE) == 1 || store_field_number(answer, STATE) == 2)
		request->state = (enum dead_state)store_field_number(answer, STATE);
	done = store_field_number(answer, DONE);
	request->may_go = request->mode == DEAD_RESERVE && done == 1;
	request->again = request->mode != DEAD_RESERVE && done == 2;
	request->counted = request->mode != DEAD_RESERVE && (done == 1 || done == 3);
	request->newly_dead = done == 3;
	request->next_ms = answer_time(answer, NEXT, NOW);
	request->attempts = store_field_number(answer, ATTEMPTS);
	request->first_ms = answer_time(answer, FIRST, NOW);
	request->last_ms = answer_time(answer, LAST, NOW);
	request->until_ms = answer_time(answer, UNTIL, NOW);
	request->refused = store_field_number(answer, REFUSED);
	split_said(request, store_field(answer, SAID));
	snprintf(request->accounts, sizeof(request->accounts), "%s", store_field(answer, ACCOUNTS).at);
	return true;
}
