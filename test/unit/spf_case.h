/*
 * Cases for tests of SPF: a zone, a client, a sender, what must come out. Each is run with all answers at hand and
 * again with none that was not asked for.
 */
#ifndef LEUMUND_TEST_SPF_CASE_H
#define LEUMUND_TEST_SPF_CASE_H

#include "test/unit/spf_table.h"
#include "test/unit/test.h"

/* Name, type, data; ends with a NULL. */
typedef const char *const rows[][3];

#define CLIENT "192.0.2.1"
#define FROM "user@d.example"

struct case_row {
	const char *ip, *helo, *mail_from;
	enum spf_result result;
	const char *explanation; /* NULL: whatever */
};

void check_all(const char *const (*zone)[3], const struct case_row *cases, size_t count);

#define CHECK(zone, cases) check_all(zone, cases, sizeof(cases) / sizeof((cases)[0]))

/* One record of d.example, with whatever else the zone has; for CLIENT and FROM. */
struct spf_outcome outcome_of(const char *record, const char *const (*zone)[3], bool late);
void record_gives(const char *record, const char *const (*zone)[3], enum spf_result result);

#endif
