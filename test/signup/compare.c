/*
 * compare [FILE]: which way to tell near-identical texts is best on the sample: an exact hash of the normalised text, a
 * 64-bit simhash, min-hashes as the house takes them. And how many local parts look made up.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fold.h"
#include "milters/signup/localpart.h"
#include "milters/signup/sketch.h"
#include "sample.h"

#define WORDS_MAX 512
#define MAILS_MAX 200000
#define TRIES 40 /* partners for each mail, among the next ones */
#define NEAR 3000

enum method { EXACT, NO_NAMES, SIMHASH, MINHASH, METHODS };

static const char *const method_names[] = { "exact hash", "exact, no names", "simhash 64, pairs",
					    "min-hash 8x8, pairs" };

/* Differing bits up to which simhashes are near; what of them is printed. */
static const unsigned distances[] = { 3, 6, 9, 12, 15, 18 };

struct mail {
	char account[16], text[40];
	uint64_t value[METHODS];
	bool is_form; /* written by one template with little of a person's own */
};

struct shares {
	unsigned long pairs, alike[METHODS][64];
};

static double spent_ns[METHODS];
static unsigned long local_parts[2], random_parts[2];

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

/* Each is done so often that the clock costs nothing. */
#define REPEATS 16

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool is_within(struct span word, struct span text)
{
	return word.len >= 3 && memmem(text.at, text.len, word.at, word.len) != NULL;
}

/* Hashes of the words, all that have digits being one. With `but`, words that stand in it are left out. */
static size_t read_words(const struct line *line, struct span but, uint64_t *out)
{
	char text[2048];
	size_t len = fold_words(line->subject, text, 500), count = 0;
	struct span body = { line->body.at, line->body.len < SKETCH_BODY_MAX ? line->body.len : SKETCH_BODY_MAX };

	text[len++] = ' ';
	len += fold_words(body, text + len, sizeof(text) - len);
	for (size_t at = 0, end; at < len && count < WORDS_MAX; at = end + 1) {
		uint64_t hash = UINT64_C(0xcbf29ce484222325);
		bool has_digit = false;

		for (end = at; end < len && text[end] != ' '; end++) {
			has_digit |= text[end] >= '0' && text[end] <= '9';
			hash = (hash ^ (unsigned char)text[end]) * UINT64_C(0x100000001b3);
		}
		if (end > at && !is_within((struct span){ text + at, end - at }, but))
			out[count++] = has_digit ? 3 : mix(hash);
	}
	return count;
}

static uint64_t exact_hash(const uint64_t *words, size_t count)
{
	uint64_t hash = 1;

	for (size_t i = 0; i < count; i++)
		hash = mix(hash * 31 + words[i]);
	return hash;
}

static uint64_t simhash(const uint64_t *words, size_t count)
{
	int votes[64] = { 0 };
	uint64_t hash = 0;

	for (size_t i = 0; i + 1 < count; i++) {
		uint64_t pair = mix(words[i] * 31 + words[i + 1]);

		for (unsigned bit = 0; bit < 64; bit++)
			votes[bit] += pair >> bit & 1 ? 1 : -1;
	}
	for (unsigned bit = 0; bit < 64; bit++)
		if (votes[bit] > 0)
			hash |= UINT64_C(1) << bit;
	return hash;
}

static bool is_form(const char *text)
{
	static const char *const forms[] = { "forum_", "shop_",	  "wp_",     "cms_",  "optin",
					     "order",  "invoice", "shipped", "reset", "list_confirm" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strncmp(text, forms[i], strlen(forms[i])))
			return true;
	return false;
}

static void read_mail(const struct line *line, struct mail *mail)
{
	uint64_t words[WORDS_MAX];
	struct span local = line->recipients[0];
	size_t count;
	double before;

	snprintf(mail->account, sizeof(mail->account), "%s", line->account);
	snprintf(mail->text, sizeof(mail->text), "%s", line->text);
	mail->is_form = is_form(line->text);
	count = read_words(line, (struct span){ "", 0 }, words);
	mail->value[EXACT] = exact_hash(words, count);
	before = now_ns();
	for (unsigned i = 0; i < REPEATS; i++)
		mail->value[SIMHASH] = simhash(words, read_words(line, (struct span){ "", 0 }, words));
	spent_ns[SIMHASH] += now_ns() - before;
	before = now_ns();
	for (unsigned i = 0; i < REPEATS; i++)
		mail->value[MINHASH] = sketch_make(line->subject, line->body);
	spent_ns[MINHASH] += now_ns() - before;
	mail->value[NO_NAMES] = exact_hash(words, read_words(line, local, words));
	local.len = (size_t)((const char *)memchr(local.at, '@', local.len) - local.at);
	/* providers' own made-up addresses are known by their domains */
	if (memmem(line->recipients[0].at, line->recipients[0].len, ".appleid.", 9) ||
	    memmem(line->recipients[0].at, line->recipients[0].len, "@marketplace.", 13))
		return;
	local_parts[line->label == LABEL_BOT]++;
	random_parts[line->label == LABEL_BOT] += localpart_is_random(local);
}

static void shares_add(struct shares *shares, const struct mail *a, const struct mail *b)
{
	unsigned same_bytes = 0;
	uint64_t differing = a->value[MINHASH] ^ b->value[MINHASH];

	for (unsigned i = 0; i < 8; i++, differing >>= 8)
		same_bytes += (differing & 0xff) == 0;
	shares->pairs++;
	shares->alike[EXACT][0] += a->value[EXACT] == b->value[EXACT];
	shares->alike[NO_NAMES][0] += a->value[NO_NAMES] == b->value[NO_NAMES];
	for (size_t i = 0; i < sizeof(distances) / sizeof(*distances); i++)
		shares->alike[SIMHASH][i] +=
			(unsigned)__builtin_popcountll(a->value[SIMHASH] ^ b->value[SIMHASH]) <= distances[i];
	for (unsigned least = 0; least < 8; least++)
		shares->alike[MINHASH][least] += same_bytes > least;
}

static double percent(unsigned long part, unsigned long whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void print_row(enum method method, unsigned column, const char *where, unsigned least, const struct shares *same,
		      const struct shares *other)
{
	printf("%-20s %s %-3u %10.2f %14.3f", method_names[method], where, least,
	       percent(same->alike[method][column], same->pairs), percent(other->alike[method][column], other->pairs));
	putchar('\n');
}

int main(int count, char **argument)
{
	struct sample sample = { .file = count > 1 ? fopen(argument[1], "r") : stdin };
	struct mail *mails = calloc(MAILS_MAX, sizeof(*mails));
	static struct shares same, other;
	size_t mail_count = 0;
	struct line line;

	if (!sample.file || !mails)
		return 2;
	while (sample_next(&sample, &line))
		if (line.event == EVENT_MAIL && mail_count < MAILS_MAX)
			read_mail(&line, &mails[mail_count++]);
	srand(1);
	for (size_t i = 0; i < mail_count; i++)
		for (unsigned try = 0; try < TRIES; try++) {
			size_t j = i + 1 + (size_t)(rand() % NEAR);

			if (j >= mail_count || strcmp(mails[i].account, mails[j].account) != 0)
				continue;
			if (strcmp(mails[i].text, mails[j].text) != 0)
				shares_add(&other, &mails[i], &mails[j]);
			else if (mails[i].is_form)
				shares_add(&same, &mails[i], &mails[j]);
		}
	printf("%lu pairs that one form wrote, %lu that two forms of one account wrote\n", same.pairs, other.pairs);
	printf("%-20s %6s %10s %14s\n", "taken for alike", "", "% of same", "% of others");
	print_row(EXACT, 0, "  ", 0, &same, &other);
	print_row(NO_NAMES, 0, "  ", 0, &same, &other);
	for (unsigned i = 0; i < sizeof(distances) / sizeof(*distances); i++)
		print_row(SIMHASH, i, "<=", distances[i], &same, &other);
	for (unsigned i = 2; i < 7; i++)
		print_row(MINHASH, i, ">=", i + 1, &same, &other);
	printf("CPU with the reading of the text: simhash %.0f ns a mail, min-hash %.0f ns\n",
	       spent_ns[SIMHASH] / REPEATS / (double)mail_count, spent_ns[MINHASH] / REPEATS / (double)mail_count);
	printf("local parts that look made up: %.2f %% of %lu honest and stolen mails' first recipients, %.2f %% of "
	       "%lu of bots'\n",
	       percent(random_parts[0], local_parts[0]), local_parts[0], percent(random_parts[1], local_parts[1]),
	       local_parts[1]);
	free(mails);
	free(sample.buffer);
	return 0;
}
