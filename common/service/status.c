/*
 * How a service is (service/status.h).
 */
#include <unistd.h>

#include "front.h"
#include "json.h"
#include "log.h"
#include "record.h"
#include "service/canary_schedule.h"
#include "service/state.h"
#include "service/status.h"
#include "system/clock.h"

static const char *service_name, *configured_in;
static int64_t started_ms;

void service_status_start(const char *name, const char *directory)
{
	service_name = name;
	configured_in = directory;
	started_ms = clock_wall_ms();
}

static void list_verdict(void *arg, const char *milter, const char *rule, const char *action, uint64_t count)
{
	struct text *text = arg;

	json_open(text, NULL, '{');
	json_member(text, "milter", milter);
	json_member(text, "rule", rule);
	json_member(text, "action", action);
	json_member_u64(text, "count", count);
	json_close(text, '}');
}

static void list_store(struct text *text)
{
	static const char *const words[] = { "up", "connecting", "away", "denied" };
	struct store *store = service_store();
	struct store_status status;

	json_open(text, "store", '{');
	if (store) {
		store_status(store, &status);
		json_member(text, "state", words[status.state]);
		json_member_u64(text, "since_ms", (uint64_t)status.since_ms);
		json_member(text, "server", status.server);
		json_member(text, "trouble", status.trouble);
		json_member_u64(text, "posted", status.posted);
		json_member_u64(text, "written", status.written);
		json_member_u64(text, "dropped", status.dropped);
		json_member_u64(text, "local", status.local);
		json_member_u64(text, "forgotten", status.forgotten);
	}
	json_close(text, '}');
}

static void list_milters(struct text *text, const struct house *house)
{
	json_open(text, "milters", '[');
	for (size_t i = 0; i < stack_count(house_stack(house)); i++)
		json_member(text, NULL, stack_milter(house_stack(house), i)->name);
	json_close(text, ']');
}

static void list_canary(struct text *text)
{
	int64_t at_ms;

	json_member(text, "canary", service_canary_word(&at_ms));
	json_member_u64(text, "canary_ms", (uint64_t)at_ms);
}

bool service_status(char *out, size_t size)
{
	struct text text;
	struct house *house = service_house();
	struct directory *directory = service_directory();

	text_init(&text, out, size);
	text_char(&text, '{');
	json_member(&text, "service", service_name);
	json_member(&text, "version", LEUMUND_VERSION);
	json_member_u64(&text, "pid", (uint64_t)getpid());
	json_member_u64(&text, "since_ms", (uint64_t)started_ms);
	json_member_u64(&text, "configured_ms", (uint64_t)service_configured_ms());
	json_member(&text, "config", configured_in);
	list_milters(&text, house);
	json_open(&text, "figures", '{');
	stack_status(house_stack(house), &text);
	json_close(&text, '}');
	json_member_u64(&text, "connections", front_milter_connections());
	json_member_u64(&text, "exim_connections", front_exim_connections());
	json_member_u64(&text, "exim_outdated", front_exim_outdated());
	json_member_u64(&text, "messages", front_milter_messages());
	json_member_u64(&text, "accepted", record_accepted());
	json_open(&text, "verdicts", '[');
	record_counts(list_verdict, &text);
	json_close(&text, ']');
	list_store(&text);
	json_member_u64(&text, "domains", directory_size(directory));
	json_member_u64(&text, "domains_changed_ms", (uint64_t)directory_changed_ms(directory));
	list_canary(&text);
	json_member_u64(&text, "log_lines_lost", log_lost());
	text_char(&text, '}');
	directory_unref(&directory);
	house_unref(&house);
	return !text.cut;
}
