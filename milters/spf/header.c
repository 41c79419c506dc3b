/*
 * What a message's header says of its SPF results (header.h).
 */
#include "auth_results.h"
#include "milters/spf/header.h"

static const char *const properties[SPF_IDENTITIES] = { "smtp.mailfrom", "smtp.helo" };
static const char *const identities[SPF_IDENTITIES] = { "mailfrom", "helo" };

static void results_put(const struct spf_header *header, enum spf_identity identity, struct text *out)
{
	const struct spf_outcome *outcome = inquiry_outcome(header->inquiry, identity);
	const char *about = inquiry_about(header->inquiry, identity);

	if (out->len == 0)
		text_str(out, header->authserv_id);
	text_str(out, ";\n\tspf=");
	text_str(out, spf_result_names[outcome->result]);
	if (outcome->problem[0] != '\0') {
		text_str(out, " reason=");
		auth_results_value(out, outcome->problem);
		text_str(out, "\n\t");
	}
	if (about[0] != '\0') {
		text_char(out, ' ');
		text_str(out, properties[identity]);
		text_char(out, '=');
		auth_results_value(out, about);
	}
}

void header_results(const struct spf_header *header, struct text *out)
{
	for (int i = 0; i < SPF_IDENTITIES; i++)
		if (header->shown[i])
			results_put(header, (enum spf_identity)i, out);
}

static void key_put(struct text *out, const char *key, const char *value)
{
	if (value[0] == '\0')
		return;
	text_str(out, key);
	text_char(out, '=');
	auth_results_value(out, value);
	text_str(out, ";\n\t");
}

void header_received(const struct spf_header *header, enum spf_identity identity, struct text *out)
{
	const struct spf_outcome *outcome = inquiry_outcome(header->inquiry, identity);

	text_str(out, spf_result_names[outcome->result]);
	text_char(out, ' ');
	key_put(out, "client-ip", header->client_addr);
	key_put(out, "envelope-from", inquiry_about(header->inquiry, SPF_MAIL_FROM));
	key_put(out, "helo", header->helo);
	key_put(out, "problem", outcome->problem);
	key_put(out, "receiver", header->authserv_id);
	text_str(out, "identity=");
	text_str(out, identities[identity]);
}
