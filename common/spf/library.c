/*
 * libspf2 behind a boundary of ours (library.h).
 *
 * Its server and request are made here by hand: SPF_server_new() ends the process when gethostname() fails, and
 * compiles texts for each server that nobody reads. Client and domain are constants; the real ones stay with us. It
 * writes header lines about both for each record: there is no HELO, no sender, and the client is "::", which are the
 * shortest.
 */
#include "spf/library.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <spf2/spf.h>

struct run {
	const struct spf_library_calls *calls;
	void *arg;
	SPF_dns_rr_t *spare; /* the library ends the process when it gets no answer */
};

/* "12.x": a name with a top label, or the library would write a warning about it. */
static unsigned number_of(const char *name)
{
	return (unsigned)strtoul(name, NULL, 10);
}

static SPF_errcode_t give_record(SPF_server_t *server, SPF_request_t *request, SPF_response_t *response,
				 SPF_record_t **record)
{
	struct run *run = server->resolver->hook;
	char TEXT_BUFFER bytes[SPF_LIBRARY_RECORD];
	struct text text;

	*record = NULL;
	text_init(&text, bytes, sizeof(bytes));
	if (!run->calls->load(run->arg, number_of(request->cur_dom), &text) || text.cut)
		return SPF_E_DNS_ERROR;
	return SPF_record_compile(server, response, record, bytes);
}

static SPF_dns_rr_t *give_answer(SPF_dns_server_t *server, const char *name, ns_type type, int should_cache)
{
	struct run *run = server->hook;
	enum spf_match match = run->calls->match(run->arg, number_of(name));
	SPF_dns_rr_t *answer = SPF_dns_rr_new_init(server, NULL, type, 0, TRY_AGAIN);

	(void)should_cache;
	if (!answer) {
		/* it asks nothing after a failure, so one spare is enough */
		answer = run->spare;
		run->spare = NULL;
		return answer;
	}
	answer->herrno = match == SPF_MATCH_YES ? NETDB_SUCCESS : match == SPF_MATCH_NO ? NO_DATA : TRY_AGAIN;
	/* of "exists" it looks at the number only */
	answer->num_rr = match == SPF_MATCH_YES;
	return answer;
}

static char result_of(SPF_response_t *response)
{
	switch (SPF_response_result(response)) {
	case SPF_RESULT_PASS:
		return '+';
	case SPF_RESULT_FAIL:
		return '-';
	case SPF_RESULT_SOFTFAIL:
		return '~';
	case SPF_RESULT_NEUTRAL:
		return '?';
	default:
		return '\0';
	}
}

static char query(SPF_server_t *server)
{
	char first[] = "0.x";
	SPF_request_t request = { .spf_server = server, .client_ver = AF_INET6, .env_from_dp = first };
	SPF_response_t *response = NULL;
	char result;

	SPF_request_query_mailfrom(&request, &response);
	if (!response)
		return '\0';
	result = result_of(response);
	SPF_response_free(response);
	return result;
}

char spf_library_run(const struct spf_library_calls *calls, void *arg)
{
	struct run run = { calls, arg, NULL };
	SPF_dns_server_t layer = { .lookup = give_answer, .get_spf = give_record, .hook = &run };
	char receiver[] = "x";
	SPF_server_t server = {
		.resolver = &layer,
		.rec_dom = receiver,
		/* it counts for each record; we count for the evaluation, RFC 7208 4.6.4 */
		.max_dns_mech = 1000,
	};
	char result;

	run.spare = SPF_dns_rr_new_init(&layer, NULL, ns_t_a, 0, TRY_AGAIN);
	if (!run.spare)
		return '\0';
	result = query(&server);
	if (run.spare)
		SPF_dns_rr_free(run.spare);
	return result;
}
