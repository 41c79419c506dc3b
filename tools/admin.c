/*
 * What an admin does to an account is noted in its history (admin.h).
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "address/address.h"
#include "admin.h"
#include "directory/directory.h"
#include "system/clock.h"

#define CHANCES 60466176 /* of a decision's id: 36^5 */
#define VALUE_BYTES 400
#define NOTE_BYTES 2000

const char *admin_name(char out[ADMIN_NAME_SIZE])
{
	char login[256] = "", number[24];
	const char *sudo = getenv("SUDO_USER"), *name = login;
	const struct passwd *user = NULL;
	struct text text;

	if (getlogin_r(login, sizeof(login)) != 0 || login[0] == '\0') {
		name = sudo && *sudo ? sudo : NULL;
		user = name ? NULL : getpwuid(getuid());
		snprintf(number, sizeof(number), "uid%lu", (unsigned long)getuid());
		name = name ? name : user ? user->pw_name : number;
	}
	text_init(&text, out, ADMIN_NAME_SIZE);
	text_word(&text, name, strlen(name), ADMIN_NAME_SIZE - 1);
	return out;
}

void admin_fact(struct text *facts, const char *key, const char *value)
{
	text_char(facts, ' ');
	text_str(facts, key);
	text_char(facts, '=');
	text_word(facts, value, strlen(value), VALUE_BYTES);
}

/* "ID id=ID action=admin ...": what the history's entry holds. */
static void note_write(struct text *note, const char *id, const char *account, const char *what, const char *facts)
{
	char who[ADMIN_NAME_SIZE];

	text_str(note, id);
	admin_fact(note, "id", id);
	admin_fact(note, "action", "admin");
	admin_fact(note, "what", what);
	admin_fact(note, "who", admin_name(who));
	admin_fact(note, "account", account);
	text_str(note, facts);
}

static struct span key_write(struct text *key, char buffer[STORE_KEY_SIZE], const char *kind, const char *account)
{
	text_init(key, buffer, STORE_KEY_SIZE);
	store_key_write(key, kind, span_of(account), span_of(""));
	return (struct span){ key->at, key->len };
}

bool admin_note(const struct question *question, const char *account, const char *what, const char *facts)
{
	const struct store_options *options = question->setup.store;
	const int64_t now_ms = clock_wall_ms();
	char keys[2][STORE_KEY_SIZE], numbers[4][24], id[16], entry[NOTE_BYTES];
	uint32_t chance = 0;
	struct store_answer *answers;
	struct text texts[2], note;

	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		chance = (uint32_t)getpid();
	chance %= CHANCES;
	decision_id(now_ms, chance, id);
	text_init(&note, entry, sizeof(entry));
	note_write(&note, id, account, what, facts);
	const struct span key[] = { key_write(&texts[0], keys[0], "hist", account),
				    key_write(&texts[1], keys[1], "refused", account) };
	const long long values[] = { now_ms, chance, options->history_keep, options->history_max };
	for (size_t i = 0; i < 4; i++)
		snprintf(numbers[i], sizeof(numbers[i]), "%lld", values[i]);
	const struct span args[] = { span_of(numbers[0]), span_of(numbers[1]), { note.at, note.len },
				     span_of(numbers[2]), span_of(numbers[3]), span_of(""),
				     span_of("") };
	const struct store_request request = { STORE_SCRIPT_DECISION, key, 2, args, sizeof(args) / sizeof(*args) };
	const enum store_result result = store_run(question->store, &request, 1, &answers, QUESTION_MS);
	store_answers_free(&answers);
	if (result == STORE_OK)
		return true;
	complain("done, but the store did not take the note of it for `leumund history`; `leumund check` says what to "
		 "do");
	return false;
}

/* ---- accounts mistyped --------------------------------------------------------------------------------- */

static void report_directory(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	(void)is_warning;
	(void)sentence;
}

/* The account that a login, an address or a domain belongs to, or NULL. */
static const char *account_meant(const struct directory *directory, const char *word)
{
	const char *sign = strrchr(word, '@'), *name = sign ? sign + 1 : word, *owner = NULL;
	domain_name domain;

	if (sign && directory_login(directory, word))
		return directory_login(directory, word);
	if (strchr(name, '.') && domain_canonical(name, strlen(name), domain) == 0 &&
	    directory_owners(directory, domain, true, &owner, 1) == 1)
		return owner;
	return NULL;
}

void admin_doubt(const struct question *question, const char *account)
{
	struct directory *directory = directory_reload(NULL, &question->setup.domains, report_directory, NULL);
	const char *meant;

	if (directory_size(directory) == 0 || directory_account(directory, account)) {
		directory_unref(&directory);
		return;
	}
	meant = account_meant(directory, account);
	fputs("leumund: note: no line of the directory names an account '", stderr);
	print_safe(stderr, account);
	if (meant) {
		fputs("'; it belongs to the account '", stderr);
		print_safe(stderr, meant);
	}
	fputs("'\n", stderr);
	directory_unref(&directory);
}
