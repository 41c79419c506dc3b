/*
 * From the facts of a message to the evidence of its kind (evidence.h).
 */
#include "milters/signup/evidence.h"

#include "session.h"

/* So many strangers have got the same text before it counts as written by a machine; fewer with a form's subject. */
#define ALIKE_LEAST 5
#define ALIKE_LEAST_WORDS 2

#define BIT(evidence) (1u << (evidence))

/* clang-format off */
/*
 * Fields that programs write and people's mail does not have. `begin` is how the value begins, case-blind; "" any.
 */
static const struct {
	const char *name, *begin;
	unsigned shows;
} fields[] = {
	{ "Auto-Submitted", "auto-", BIT(SIGNUP_MACHINE) }, /* RFC 3834 5 */
	{ "Precedence", "bulk", BIT(SIGNUP_MACHINE) },
	{ "Precedence", "junk", BIT(SIGNUP_MACHINE) },
	{ "Precedence", "list", BIT(SIGNUP_MACHINE) },
	{ "X-Auto-Response-Suppress", "", BIT(SIGNUP_MACHINE) },
	{ "X-PHP-Originating-Script", "", BIT(SIGNUP_MACHINE) },
	{ "X-PHP-Script", "", BIT(SIGNUP_MACHINE) },
	{ "X-AntiAbuse", "Board servername", BIT(SIGNUP_MACHINE) }, /* phpBB; cPanel's own begins otherwise */
	{ "X-Mailer", "PHPMailer", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "PHP/", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "phpBB", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "SMF", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "WPMailSMTP", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "Drupal", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "XenForo", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "osTicket", BIT(SIGNUP_MACHINE) },
	{ "X-Mailer", "MailPoet", BIT(SIGNUP_MACHINE) },
	{ "List-Id", "", BIT(SIGNUP_LIST) | BIT(SIGNUP_MACHINE) }, /* RFC 2919 */
	{ "List-Unsubscribe", "", BIT(SIGNUP_LIST) | BIT(SIGNUP_MACHINE) }, /* RFC 2369 */
	{ "In-Reply-To", "<", BIT(SIGNUP_REPLY) },
};
/* clang-format on */

const char *const signup_headers[] = {
	"Auto-Submitted",
	"Precedence",
	"X-Auto-Response-Suppress",
	"X-PHP-Originating-Script",
	"X-PHP-Script",
	"X-AntiAbuse",
	"X-Mailer",
	"List-Id",
	"List-Unsubscribe",
	"In-Reply-To",
	"Subject",
	NULL,
};

static bool begins(struct span value, const char *begin)
{
	size_t at = 0;

	while (at < value.len && (value.at[at] == ' ' || value.at[at] == '\t'))
		at++;
	for (; *begin; begin++, at++)
		if (at == value.len || ascii_lower(value.at[at]) != ascii_lower(*begin))
			return false;
	return true;
}

unsigned evidence_of_header(const char *name, struct span value)
{
	unsigned shows = 0;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (header_name_is(name, fields[i].name) && begins(value, fields[i].begin))
			shows |= fields[i].shows;
	return shows;
}

/*
 * One subject may have words of both tables ("Confirm your order"): what is bought is what it is about. But where a
 * form sends its visitor a copy, or calls him by the name that he gave it, the words behind that begin are not its own.
 */
static unsigned evidence_of_subject(struct span subject, const struct evidence_words *words)
{
	const char *begin = words->copy ? stems_begin(words->copy, subject) : NULL;

	if (begin)
		return words->subject && stems_find(words->subject, span_of(begin)) ? BIT(SIGNUP_SUBJECT)
										    : BIT(SIGNUP_MACHINE);
	if (words->trade && stems_find(words->trade, subject))
		return BIT(SIGNUP_TRADE);
	if (words->subject && stems_find(words->subject, subject))
		return BIT(SIGNUP_SUBJECT);
	return 0;
}

unsigned evidence_of(const struct evidence_facts *facts, const struct evidence_words *words)
{
	unsigned shows = facts->headers | evidence_of_subject(facts->subject, words);

	/* a list's or newsletter's request to confirm has the list's fields too */
	if (SIGNUP_HAS(shows, SIGNUP_SUBJECT))
		shows &= ~BIT(SIGNUP_LIST);
	if (facts->alike >= (shows & (BIT(SIGNUP_SUBJECT) | BIT(SIGNUP_TRADE)) ? ALIKE_LEAST_WORDS : ALIKE_LEAST))
		shows |= BIT(SIGNUP_ALIKE);
	if (!facts->has_login)
		shows |= BIT(SIGNUP_MACHINE);
	if (!SIGNUP_HAS(shows, SIGNUP_MACHINE) && !SIGNUP_HAS(shows, SIGNUP_ALIKE))
		shows |= BIT(SIGNUP_PERSONAL);
	/* marketplaces and "hide my address" make up recipients too: of orders, newsletters and answers */
	if (facts->has_random && !(shows & (BIT(SIGNUP_TRADE) | BIT(SIGNUP_LIST) | BIT(SIGNUP_PERSONAL))))
		shows |= BIT(SIGNUP_RANDOM);
	return shows;
}
