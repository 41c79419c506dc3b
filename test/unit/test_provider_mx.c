/*
 * Providers by MX: which record decides, what is asked for and when, and what the servers of a store know together.
 */
#include <stdio.h>

#include "dns/shared.h"
#include "provider/cache.h"
#include "provider/kept.h"
#include "store/store.h"
#include "system/clock.h"
#include "test/unit/dns_server.h"
#include "test/unit/store_fixture.h"

#define WAIT_MS 8000

static const char *const groups[] = {
	"consumer: mx:olc.big.test hotmail.test moved.test gone.test silent.test nomail.test",
	"tenants: mx:mail.big.test",
	"backup: mx:backup.test",
};
static const char *const own[] = { "ours: pinned.test" };

static const char zone[] = "hotmail.test MX ttl=300 2 hotmail-test.olc.big.test\n"
			   "shop.test MX 10 shop-test.MAIL.big.test\n"
			   "moved.test MX 10 mx.other.test\n"
			   "alone.test MX 10 mx2.in.mailbox.test\n"
			   "alone.test MX 20 mx1.backup.test\n"
			   "bare.test A 192.0.2.1\n"
			   "nomail.test MX 0 .\n"
			   "alias.test CNAME shop.test\n"
			   "pinned.test MX 10 mx.other.test\n"
			   "silent.test MODE silent\n"
			   "failing.test MODE servfail\n"
			   "*.many.test MX ttl=7200 10 mx.many.test\n";

static struct provider_options options = {
	.groups = { groups, sizeof(groups) / sizeof(*groups) },
	.own_groups = { own, 1 },
	.lookup = true,
};

static struct dns_server server;
static struct dns_settings settings = { .servers = server.address, .cache = 1 };

static struct providers *providers_make(void)
{
	char error[256] = "";
	struct providers *providers = providers_open(&options, &settings, error, sizeof(error));

	if (!providers)
		fail_msg("%s", error);
	return providers;
}

static struct provider find(struct providers *providers, struct store *store, const char *domain, int64_t wait_for_ms)
{
	struct provider found;

	provider_find(providers, store, domain, wait_for_ms ? clock_ticks_ms() + wait_for_ms : 0, &found);
	return found;
}

static unsigned queries(const char *name)
{
	struct dns *dns = dns_server_open(server.address, 1500, 100);
	const unsigned count = dns_server_queries(dns, name);

	dns_close(&dns);
	return count;
}

/* ---- which record decides ---------------------------------------------------------------------- */

#define MX(preference_, name_)                                        \
	{                                                             \
		.mx = {.name = (name_), .preference = (preference_) } \
	}

static const struct {
	const char *what;
	enum dns_status status;
	size_t count;
	struct dns_record records[3];
	enum provider_mail mail;
	const char *host, *name, *group;
} decisions[] = {
	{ "one",
	  DNS_FOUND,
	  1,
	  { MX(10, "a.olc.big.test") },
	  PROVIDER_MAIL_MX,
	  "a.olc.big.test",
	  "consumer",
	  "consumer" },
	{ "the most preferred, not the first",
	  DNS_FOUND,
	  3,
	  { MX(20, "a.olc.big.test"), MX(10, "a.mail.big.test"), MX(30, "mx.backup.test") },
	  PROVIDER_MAIL_MX,
	  "a.mail.big.test",
	  "tenants",
	  "tenants" },
	{ "the most preferred, though the other one has a group",
	  DNS_FOUND,
	  2,
	  { MX(20, "mx.backup.test"), MX(10, "mx.own.test") },
	  PROVIDER_MAIL_MX,
	  "mx.own.test",
	  "own.test",
	  NULL },
	{ "of equals the one with a group",
	  DNS_FOUND,
	  3,
	  { MX(10, "a.own.test"), MX(10, "mx.backup.test"), MX(10, "b.own.test") },
	  PROVIDER_MAIL_MX,
	  "mx.backup.test",
	  "backup",
	  "backup" },
	{ "of other equals the first by name",
	  DNS_FOUND,
	  2,
	  { MX(10, "b.x.test"), MX(10, "A.y.test") },
	  PROVIDER_MAIL_MX,
	  "a.y.test",
	  "y.test",
	  NULL },
	{ "null MX", DNS_FOUND, 1, { MX(0, "") }, PROVIDER_MAIL_NULL, "", "d.example", NULL },
	{ "the root among others is no null MX",
	  DNS_FOUND,
	  2,
	  { MX(0, ""), MX(10, "a.olc.big.test") },
	  PROVIDER_MAIL_MX,
	  "a.olc.big.test",
	  "consumer",
	  "consumer" },
	{ "no host's name", DNS_FOUND, 1, { MX(10, "a b.test") }, PROVIDER_MAIL_UNKNOWN, "", "d.example", NULL },
	{ "no MX", DNS_NO_DATA, 0, { MX(0, "") }, PROVIDER_MAIL_ADDRESS, "d.example", "d.example", NULL },
	{ "no domain", DNS_NO_NAME, 0, { MX(0, "") }, PROVIDER_MAIL_NO_DOMAIN, "", "d.example", NULL },
	{ "no answer", DNS_FAILED, 0, { MX(0, "") }, PROVIDER_MAIL_UNKNOWN, "", "d.example", NULL },
	/* nothing that is not a group may look like one */
	{ "a host without a dot",
	  DNS_FOUND,
	  1,
	  { MX(10, "consumer") },
	  PROVIDER_MAIL_MX,
	  "consumer",
	  "consumer.",
	  NULL },
};

static void the_most_preferred_mx_decides(void **state)
{
	const char *option;
	char error[256];
	struct provider_table *table = provider_table_new(&options, &option, error, sizeof(error));

	(void)state;
	for (size_t i = 0; i < sizeof(decisions) / sizeof(*decisions); i++) {
		const struct dns_answer answer = { DNS_MX, decisions[i].status, decisions[i].count,
						   decisions[i].records, 300 };
		struct exchange exchange;
		struct provider found;

		exchange_read(table, "d.example", &answer, &exchange);
		exchange_provider(table, "d.example", &exchange, &found);
		if (exchange.mail != decisions[i].mail || strcmp(exchange.host, decisions[i].host) != 0 ||
		    strcmp(found.name, decisions[i].name) != 0 || (found.group != NULL) != (decisions[i].group != NULL))
			fail_msg("%s: %d '%s' '%s'", decisions[i].what, exchange.mail, exchange.host, found.name);
	}
	provider_table_free(&table);
}

static void what_the_store_keeps_is_read_back(void **state)
{
	static const struct exchange rows[] = {
		{ PROVIDER_MAIL_MX, "mx.a.test", 0 },
		{ PROVIDER_MAIL_ADDRESS, "d.example", 0 },
		{ PROVIDER_MAIL_NULL, "", 0 },
	};
	struct exchange exchange = { .mail = PROVIDER_MAIL_UNKNOWN };

	(void)state;
	assert_null(exchange_word(&exchange));
	exchange.mail = PROVIDER_MAIL_NO_DOMAIN;
	assert_null(exchange_word(&exchange));
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(exchange_of_word("d.example", span_of(exchange_word(&rows[i])), &exchange));
		assert_int_equal(exchange.mail, rows[i].mail);
		assert_string_equal(exchange.host, rows[i].host);
	}
	assert_false(exchange_of_word("d.example", span_of("a b"), &exchange));
	assert_false(exchange_of_word("d.example", span_of(".."), &exchange));
}

static void the_least_used_is_forgotten_but_not_what_is_asked_for(void **state)
{
	static struct cache cache;

	(void)state;
	cache_init(&cache, 3);
	cache_add(&cache, "a.test")->pinned = true;
	cache_add(&cache, "b.test");
	cache_add(&cache, "c.test");
	assert_non_null(cache_find(&cache, "b.test"));
	cache_add(&cache, "d.test");
	assert_non_null(cache_find(&cache, "a.test"));
	assert_non_null(cache_find(&cache, "b.test"));
	assert_null(cache_find(&cache, "c.test"));
	assert_non_null(cache_find(&cache, "d.test"));
	assert_int_equal(cache.count, 3);
	cache_free(&cache);
}

/* ---- asking ------------------------------------------------------------------------------------ */

static void nobody_waits_and_the_next_message_knows(void **state)
{
	struct providers *providers = providers_make();
	struct provider found = find(providers, NULL, "shop.test", 0);

	(void)state;
	assert_null(found.group);
	assert_string_equal(found.name, "shop.test");
	assert_int_equal(found.by, PROVIDER_BY_NOTHING);
	assert_null(provider_of(providers, NULL, "shop.test"));
	found = find(providers, NULL, "shop.test", WAIT_MS);
	assert_string_equal(found.group, "tenants");
	assert_string_equal(found.mx, "shop-test.mail.big.test");
	assert_int_equal(found.by, PROVIDER_BY_MX);
	assert_int_equal(found.ttl, 60);
	assert_in_range(found.holds_s, 3500, 3600);
	assert_string_equal(provider_of(providers, NULL, "shop.test"), "tenants");
	assert_int_equal(queries("shop.test"), 1);
	providers_close(&providers);
}

static void each_way_to_take_mail_has_its_provider(void **state)
{
	static const struct {
		const char *domain, *name;
		enum provider_by by;
		enum provider_mail mail;
	} rows[] = {
		{ "hotmail.test", "consumer", PROVIDER_BY_MX, PROVIDER_MAIL_MX },
		{ "alias.test", "tenants", PROVIDER_BY_MX, PROVIDER_MAIL_MX },
		/* a host that no group names says nothing against the list */
		{ "moved.test", "consumer", PROVIDER_BY_DOMAIN, PROVIDER_MAIL_MX },
		{ "alone.test", "mailbox.test", PROVIDER_BY_ORGANISATION, PROVIDER_MAIL_MX },
		{ "bare.test", "bare.test", PROVIDER_BY_ORGANISATION, PROVIDER_MAIL_ADDRESS },
		{ "nomail.test", "nomail.test", PROVIDER_BY_NOTHING, PROVIDER_MAIL_NULL },
		{ "nowhere.test", "nowhere.test", PROVIDER_BY_NOTHING, PROVIDER_MAIL_NO_DOMAIN },
		{ "gone.test", "consumer", PROVIDER_BY_DOMAIN, PROVIDER_MAIL_NO_DOMAIN },
		{ "failing.test", "failing.test", PROVIDER_BY_NOTHING, PROVIDER_MAIL_UNKNOWN },
		{ "consumer", "consumer.", PROVIDER_BY_NOTHING, PROVIDER_MAIL_UNKNOWN },
		{ "", ".", PROVIDER_BY_NOTHING, PROVIDER_MAIL_UNKNOWN },
	};
	struct providers *providers = providers_make();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct provider found = find(providers, NULL, rows[i].domain, WAIT_MS);

		if (strcmp(found.name, rows[i].name) != 0 || found.by != rows[i].by || found.mail != rows[i].mail)
			fail_msg("%s: '%s' %d %d", rows[i].domain, found.name, found.by, found.mail);
	}
	providers_close(&providers);
}

static void while_the_dns_is_silent_the_list_decides(void **state)
{
	struct providers *providers = providers_make();
	const int64_t since_ms = clock_ticks_ms();

	(void)state;
	assert_string_equal(provider_of(providers, NULL, "silent.test"), "consumer");
	assert_string_equal(provider_of(providers, NULL, "silent.test"), "consumer");
	assert_true(clock_ticks_ms() - since_ms < 1000);
	/* closed meanwhile, it ends by itself */
	providers_close(&providers);
}

static void what_failed_is_not_asked_for_again_at_once(void **state)
{
	struct providers *providers = providers_make();
	unsigned asked;

	(void)state;
	find(providers, NULL, "failing.test", WAIT_MS);
	asked = queries("failing.test");
	for (int i = 0; i < 100; i++)
		find(providers, NULL, "failing.test", 0);
	find(providers, NULL, "failing.test", 200);
	assert_int_equal(queries("failing.test"), asked);
	providers_close(&providers);
}

static void what_nobody_needs_is_not_asked_for(void **state)
{
	struct provider_options silent = options;
	struct providers *providers = providers_make();
	struct provider found = find(providers, NULL, "pinned.test", 100);
	char error[256];

	(void)state;
	assert_string_equal(found.group, "ours");
	assert_int_equal(found.by, PROVIDER_BY_OWN_DOMAIN);
	providers_close(&providers);
	silent.lookup = false;
	providers = providers_open(&silent, &settings, error, sizeof(error));
	assert_string_equal(find(providers, NULL, "gone.test", 100).group, "consumer");
	assert_null(find(providers, NULL, "never.test", 100).group);
	assert_int_equal(queries("pinned.test") + queries("never.test"), 0);
	providers_rest(providers);
	providers_close(&providers);
}

/* ---- together ---------------------------------------------------------------------------------- */

static bool field_seen(void *count, const char *domain, const char *field, const char *value)
{
	(void)domain;
	(void)value;
	assert_string_equal(field, "mx");
	(*(size_t *)count)++;
	return true;
}

static size_t kept_in(struct store *store)
{
	size_t count = 0;

	store_fields(store, "provider", NULL, field_seen, &count, 5000);
	return count;
}

static bool kept_becomes(struct store *store, size_t count)
{
	const int64_t until_ms = clock_ticks_ms() + WAIT_MS;

	while (kept_in(store) != count && clock_ticks_ms() < until_ms)
		wait_ms(20);
	return kept_in(store) == count;
}

static void what_one_server_has_asked_all_know(void **state)
{
	struct fixture *f = *state;
	struct providers *first = providers_make(), *second;
	struct provider found;

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	find(first, f->store, "alone.test", WAIT_MS);
	find(first, f->store, "nomail.test", WAIT_MS);
	find(first, f->store, "bare.test", WAIT_MS);
	find(first, f->store, "nowhere.test", WAIT_MS);
	assert_true(kept_becomes(f->store, 3));
	/* a server that has no DNS at all */
	settings.servers = "127.0.0.1:9";
	second = providers_make();
	settings.servers = server.address;
	found = find(second, f->store, "alone.test", WAIT_MS);
	assert_string_equal(found.name, "mailbox.test");
	assert_string_equal(found.mx, "mx2.in.mailbox.test");
	assert_in_range(found.holds_s, 3500, 3600);
	assert_int_equal(find(second, f->store, "nomail.test", WAIT_MS).mail, PROVIDER_MAIL_NULL);
	assert_int_equal(find(second, f->store, "bare.test", WAIT_MS).mail, PROVIDER_MAIL_ADDRESS);
	providers_close(&first);
	providers_close(&second);
}

static void strangers_domains_do_not_fill_the_store(void **state)
{
	struct fixture *f = *state;
	struct providers *providers = providers_make();
	char domain[32];

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	for (int i = 0; i < 700; i++) {
		snprintf(domain, sizeof(domain), "d%d.many.test", i);
		find(providers, f->store, domain, 0);
	}
	for (int i = 0; i < 700; i++) {
		snprintf(domain, sizeof(domain), "d%d.many.test", i);
		if (strcmp(find(providers, f->store, domain, WAIT_MS).mx, "mx.many.test") != 0)
			fail_msg("%s", domain);
	}
	assert_true(kept_becomes(f->store, 500));
	providers_close(&providers);
}

static void after_rest_the_store_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct providers *providers = providers_make();

	NEEDS_SERVER(f);
	open_store(f);
	for (int i = 0; i < 20; i++) {
		char domain[32];

		snprintf(domain, sizeof(domain), "r%d.many.test", i);
		find(providers, f->store, domain, 0);
	}
	providers_rest(providers);
	store_close(&f->store, 0);
	assert_string_equal(find(providers, NULL, "shop.test", WAIT_MS).name, "tenants");
	providers_close(&providers);
}

static int server_begin(void **state)
{
	(void)state;
	return dns_server_start(&server, zone) ? 0 : -1;
}

static int server_finish(void **state)
{
	(void)state;
	dns_server_end(&server);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_most_preferred_mx_decides),
		cmocka_unit_test(what_the_store_keeps_is_read_back),
		cmocka_unit_test(the_least_used_is_forgotten_but_not_what_is_asked_for),
		cmocka_unit_test(nobody_waits_and_the_next_message_knows),
		cmocka_unit_test(each_way_to_take_mail_has_its_provider),
		cmocka_unit_test(while_the_dns_is_silent_the_list_decides),
		cmocka_unit_test(what_failed_is_not_asked_for_again_at_once),
		cmocka_unit_test(what_nobody_needs_is_not_asked_for),
		STORE_TEST(what_one_server_has_asked_all_know),
		STORE_TEST(strangers_domains_do_not_fill_the_store),
		STORE_TEST(after_rest_the_store_is_left_alone),
	};

	return cmocka_run_group_tests(tests, server_begin, server_finish);
}
