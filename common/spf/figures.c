/*
 * What a milter that evaluates SPF tells in the status of the service (spf/figures.h).
 */
#include "dns/dns.h"
#include "json.h"
#include "spf/check.h"
#include "spf/figures.h"

void spf_figures(struct dns *dns, struct text *json)
{
	const struct dns_counts asked = dns_counts(dns);
	const struct spf_check_counts checks = spf_check_counts();

	json_open(json, "dns", '{');
	json_member_u64(json, "asked", asked.asked);
	json_member_u64(json, "cached", asked.hits);
	json_member_u64(json, "joined", asked.joined);
	json_member_u64(json, "unanswered", asked.unanswered);
	json_member_u64(json, "failed", asked.failed);
	json_member_u64(json, "cache_entries", asked.cache_entries);
	json_member_u64(json, "cache_bytes", asked.cache_bytes);
	json_member_u64(json, "cache_bytes_max", asked.cache_bytes_max);
	json_close(json, '}');
	json_open(json, "evaluations", '{');
	json_member_u64(json, "under_way", checks.under_way);
	json_member_u64(json, "under_way_max", SPF_CHECKS_MAX);
	json_member_u64(json, "refused", checks.refused);
	json_member_u64(json, "late", checks.late);
	json_close(json, '}');
}
