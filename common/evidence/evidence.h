/*
 * What another server's answer means, and whom it concerns: the recipient, our address, the customer's domain, the
 * message. An enhanced code does not tell (5.1.1 stands on a third of the refusals for unknown mailboxes), so the words
 * decide, after SMTP's phase and who spoke.
 *
 * The words live in tables, not here: the built-in one (evidence.table), and before it the admin's own, CONF.D/
 * *.table. The first rule that fits wins. What no rule knows suppresses nobody, and nothing that was said before RCPT
 * TO ever concerns a recipient, whatever a rule says.
 */
#ifndef LEUMUND_EVIDENCE_H
#define LEUMUND_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

enum evidence_class {
	EVIDENCE_DEAD,	    /* no such mailbox */
	EVIDENCE_DISABLED,  /* there, but closed */
	EVIDENCE_FULL,	    /* for now, or for long */
	EVIDENCE_POLICY,    /* our address, network or name is not wanted */
	EVIDENCE_RATE,	    /* too much at once */
	EVIDENCE_SPAM,	    /* this message is not wanted */
	EVIDENCE_AUTH,	    /* SPF, DKIM, DMARC of the sender's domain */
	EVIDENCE_NO_DOMAIN, /* the recipient's domain takes no mail */
	EVIDENCE_TEMPORARY,
	EVIDENCE_PERMANENT,
	EVIDENCE_LOCAL, /* our own MTA waits; nobody was asked */
	EVIDENCE_DELIVERED,
	EVIDENCE_COMPLAINT,
	EVIDENCE_NOT_BOUNCE,
	EVIDENCE_CLASSES
};

enum evidence_about {
	ABOUT_NOTHING, /* of ours */
	ABOUT_RECIPIENT,
	ABOUT_EGRESS_IP,
	ABOUT_NETWORK, /* around our address */
	ABOUT_SENDER_DOMAIN,
	ABOUT_MESSAGE,
	EVIDENCE_ABOUTS
};

/* What the other side was answering to. */
enum evidence_phase {
	PHASE_UNKNOWN,
	PHASE_CONNECT, /* the greeting */
	PHASE_HELO,
	PHASE_TLS,
	PHASE_AUTH,
	PHASE_MAIL,
	PHASE_RCPT,
	PHASE_DATA,
	PHASE_END, /* of the data */
	EVIDENCE_PHASES
};

enum evidence_speaker { SPEAKER_UNKNOWN, SPEAKER_REMOTE, SPEAKER_LOCAL /* our own MTA */ };

enum evidence_reaction {
	REACTION_NONE,
	REACTION_COUNT,	       /* this recipient is one refusal nearer to being dead */
	REACTION_BACK_OFF,     /* this recipient waits */
	REACTION_STOP,	       /* nothing more to this provider from this address */
	REACTION_SLOW,	       /* less to this provider from this address */
	REACTION_SPLIT,	       /* fewer recipients in one message */
	REACTION_AUTHENTICATE, /* the domain's SPF, DKIM, DMARC */
	REACTION_ACCOUNT,      /* counts against the sending account */
	REACTION_RETRY,
	EVIDENCE_REACTIONS
};

/* X.Y.Z of RFC 3463; class 0: none was given. */
struct enhanced_code {
	uint8_t class;
	uint16_t subject, detail;
};

/* What was said, and how. */
struct evidence_answer {
	enum evidence_phase phase;
	enum evidence_speaker speaker;
	const char *provider;	       /* the provider's group, such as "google"; "" when unknown */
	unsigned code;		       /* of the reply, 200 to 599; 0: none */
	struct enhanced_code enhanced; /* as said; where the reply had none, as the MTA reported */
	struct span text;	       /* any bytes; the first EVIDENCE_TEXT of them count */
};

#define EVIDENCE_TEXT 4096

struct evidence {
	enum evidence_class class;
	enum evidence_about about;
	enum evidence_reaction reaction;
	bool by_words;	    /* the rule looks at words; else the codes alone decided */
	uint32_t wait_s;    /* for the reaction; 0: no time is known */
	const char *rule;   /* its name, as long as the table lives; "" when none fits */
	const char *source; /* where it is known from */
	const char *file;   /* the rule's, with its line */
	unsigned line;
};

/* Rules as they were read; immutable, so that threads may share it. */
struct evidence_table;

/*
 * The built-in rules, and before them those of DIRECTORY's *.table files in the order of their names; NULL: only the
 * built-in ones. A later rule of a name that is taken is left out: so an admin's rule replaces ours. On failure NULL,
 * and `error` holds lines `file:line: what, and what is allowed`.
 */
struct evidence_table *evidence_load(const char *directory, char *error, size_t size);

/* One table that is in memory already, alone, for tests; `name` stands in complaints. */
struct evidence_table *evidence_load_text(const char *name, const char *bytes, size_t len, char *error, size_t size);
void evidence_free(struct evidence_table **table);
size_t evidence_rules(const struct evidence_table *table);

/* Never fails: what no rule knows is temporary or permanent by its code, and about nothing. */
void evidence_classify(const struct evidence_table *table, const struct evidence_answer *answer, struct evidence *out);

/*
 * A reply as it stands in logs and reports, with one code or one on each line, perhaps with what the MTA put around it:
 * "host H[A] said: 550 5.1.1 ... (in reply to RCPT TO command)", "SMTP error from remote mail server after RCPT
 * TO:<A>: host H [A]: 550 ...". `out->text` points into `text`; provider is "".
 */
void evidence_answer_parse(const char *text, size_t len, struct evidence_answer *out);

/* "5.1.1" and nothing else; false: it is none. */
bool enhanced_code_parse(const char *text, size_t len, struct enhanced_code *out);

/* As words, such as "nonexistent-mailbox", "recipient", "rcpt", "count". */
const char *evidence_class_name(enum evidence_class class);
const char *evidence_about_name(enum evidence_about about);
const char *evidence_phase_name(enum evidence_phase phase);
const char *evidence_reaction_name(enum evidence_reaction reaction);

#endif
