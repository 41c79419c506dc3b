/*
 * The rules of `sender` (policy.h): their codes and texts, and the decision.
 * The texts are ASCII because SMTP replies are; {about} is the address or domain at fault.
 */
#include "policy.h"

/* clang-format off */
const struct rule sender_rules[] = {
	[SENDER_DEFAULT_DOMAIN] = {
		"default_domain", "SND10", "5.7.1", "4.7.1",
		{ "{about} is a temporary address of this server; send from an address of your own domain",
		  "{about} ist eine voruebergehende Adresse dieses Servers; bitte von einer Adresse der eigenen Domain senden" } },
	[SENDER_DEFAULT_DOMAIN_RECIPIENT] = {
		"default_domain_recipient", "SND11", "5.7.1", "4.7.1",
		{ "{about} is a temporary address of this server; write to an address of the recipient's own domain",
		  "{about} ist eine voruebergehende Adresse dieses Servers; bitte an die eigene Domain des Empfaengers schreiben" } },
	[SENDER_ENVELOPE_OWNER] = {
		"envelope_owner", "SND20", "5.7.1", "4.7.1",
		{ "the sender address {about} does not belong to account {account}; send from a domain of this account",
		  "die Absenderadresse {about} gehoert nicht zum Konto {account}; bitte von einer Domain dieses Kontos senden" } },
	[SENDER_AUTHOR_OWNER] = {
		"author_owner", "SND21", "5.7.1", "4.7.1",
		{ "the From or Sender line ({about}) does not name an address of account {account}; use one of its domains",
		  "die From- oder Sender-Zeile ({about}) nennt keine Adresse des Kontos {account}; bitte eine seiner Domains verwenden" } },
	[SENDER_DISPLAY_SPOOF] = {
		"display_spoof", "SND22", "5.7.1", "4.7.1",
		{ "the sender's name shows a foreign address ({about}); leave it out of the name",
		  "der Absendername zeigt eine fremde Adresse ({about}); bitte aus dem Namen entfernen" } },
	[SENDER_HIDDEN_ACCOUNT] = {
		"hidden_account", "SND31", "5.7.1", "4.7.1",
		{ "the client had gone before this server could tell which account sends this mail ({about}); wait for each reply",
		  "die Gegenstelle war fort, bevor dieser Server das Konto dieser Mail erkannte ({about}); bitte jede Antwort abwarten" } },
	[SENDER_UNKNOWN_ACCOUNT] = {
		"unknown_account", "SND30", "5.7.1", "4.7.1",
		{ "this server cannot tell which account sends this mail ({about}); send with SMTP authentication",
		  "dieser Server erkennt nicht, welches Konto diese Mail sendet ({about}); bitte mit SMTP-Anmeldung senden" } },
	[SENDER_RULES] = { .name = NULL }
};
/* clang-format on */

struct verdict sender_decide(enum sender_rule rule, const struct sender_facts *facts,
			     const struct sender_limits *limits)
{
	if (!facts->found[rule].at || limits->action[rule] == ACTION_OFF)
		return VERDICT_NONE;
	return (struct verdict){
		limits->action[rule], &sender_rules[rule], facts->found[rule], { "", 0 }, { "", 0 }, false
	};
}
