/*
 * The words for classes, subjects, phases and reactions, in both directions (evidence.h).
 */
#include "evidence/inner.h"

static const char *const classes[EVIDENCE_CLASSES] = {
	[EVIDENCE_DEAD] = "nonexistent-mailbox",  [EVIDENCE_DISABLED] = "mailbox-disabled",
	[EVIDENCE_FULL] = "mailbox-full",	  [EVIDENCE_POLICY] = "policy-block",
	[EVIDENCE_RATE] = "rate-limited",	  [EVIDENCE_SPAM] = "spam-content",
	[EVIDENCE_AUTH] = "auth-failure",	  [EVIDENCE_NO_DOMAIN] = "domain-not-found",
	[EVIDENCE_TEMPORARY] = "temporary-other", [EVIDENCE_PERMANENT] = "permanent-other",
	[EVIDENCE_LOCAL] = "local-defer",	  [EVIDENCE_DELIVERED] = "delivered",
	[EVIDENCE_COMPLAINT] = "complaint",	  [EVIDENCE_NOT_BOUNCE] = "not-bounce",
};

static const char *const abouts[EVIDENCE_ABOUTS] = {
	[ABOUT_NOTHING] = "nothing", [ABOUT_RECIPIENT] = "recipient",	      [ABOUT_EGRESS_IP] = "ip",
	[ABOUT_NETWORK] = "network", [ABOUT_SENDER_DOMAIN] = "sender-domain", [ABOUT_MESSAGE] = "message",
};

static const char *const phases[EVIDENCE_PHASES] = {
	[PHASE_UNKNOWN] = "unknown", [PHASE_CONNECT] = "connect", [PHASE_HELO] = "helo",
	[PHASE_TLS] = "tls",	     [PHASE_AUTH] = "auth",	  [PHASE_MAIL] = "mail",
	[PHASE_RCPT] = "rcpt",	     [PHASE_DATA] = "data",	  [PHASE_END] = "end",
};

static const char *const reactions[EVIDENCE_REACTIONS] = {
	[REACTION_NONE] = "none",
	[REACTION_COUNT] = "count",
	[REACTION_BACK_OFF] = "back-off",
	[REACTION_STOP] = "stop",
	[REACTION_SLOW] = "slow",
	[REACTION_SPLIT] = "split",
	[REACTION_AUTHENTICATE] = "authenticate",
	[REACTION_ACCOUNT] = "account",
	[REACTION_RETRY] = "retry",
};

static int find(const char *const *names, int count, struct span word)
{
	for (int i = 0; i < count; i++)
		if (strlen(names[i]) == word.len && memcmp(names[i], word.at, word.len) == 0)
			return i;
	return -1;
}

int class_of(struct span word)
{
	return find(classes, EVIDENCE_CLASSES, word);
}

int about_of(struct span word)
{
	return find(abouts, EVIDENCE_ABOUTS, word);
}

int phase_of(struct span word)
{
	return find(phases, EVIDENCE_PHASES, word);
}

int reaction_of(struct span word)
{
	return find(reactions, EVIDENCE_REACTIONS, word);
}

const char *evidence_class_name(enum evidence_class class)
{
	return classes[class];
}

const char *evidence_about_name(enum evidence_about about)
{
	return abouts[about];
}

const char *evidence_phase_name(enum evidence_phase phase)
{
	return phases[phase];
}

const char *evidence_reaction_name(enum evidence_reaction reaction)
{
	return reactions[reaction];
}
