/*
 * tools/learn_store.c: what was learnt is known to a look by the address as a milter folds it, and to no other account.
 */
#include "tools/learn_store.c" /* the command's parts are in no library */

#include "contact.h"
#include "test/unit/store_fixture.h"

static struct span folded(char *buffer, size_t size, const char *local, const char *domain)
{
	struct text text;

	text_init(&text, buffer, size);
	contact_fold((struct span){ local, strlen(local) }, domain, &text);
	return (struct span){ text.at, text.len };
}

static bool is_new(struct fixture *f, const char *account, const char *local, const char *domain)
{
	struct contact_request request = { .mode = CONTACT_LOOK, .account = { account, strlen(account) } };
	char address[CONTACT_MAX];
	struct store_secret secret;
	struct store_answer *answers;

	assert_true(store_secret(f->store, &secret));
	assert_true(contact_put(&request, &secret, folded(address, sizeof(address), local, domain)));
	const struct store_request ask_it = contact_ask(&request);
	assert_int_equal(store_run(f->store, &ask_it, 1, &answers, 5000), STORE_OK);
	assert_true(contact_answer(&request, answers));
	store_answers_free(&answers);
	return request.new_count == 1;
}

static void what_was_learnt_is_known(void **state)
{
	struct fixture *f = *state;
	struct learn_found found;
	char address[CONTACT_MAX], local[16];

	NEEDS_SERVER(f);
	open_store(f);
	assert_true(becomes(f->store, STORE_STATE_UP, 5000));
	struct learn_store *learn = learn_store_new(f->store);
	assert_non_null(learn);
	for (int i = 0; i < 1000; i++) {
		snprintf(local, sizeof(local), "R%d+x", i);
		assert_true(learn_contact(learn, i % 2 ? "CP1001" : "cp1002",
					  folded(address, sizeof(address), local, "far.example"), clock_wall_ms()));
	}
	assert_true(learn_store_flush(learn));
	learn_store_found(learn, &found);
	assert_int_equal(found.recipients, 1000);
	assert_in_range(found.added, 999, 1000);
	assert_false(is_new(f, "cp1001", "r999", "far.example"));
	assert_false(is_new(f, "cp1001", "R999+tag", "far.example"));
	assert_false(is_new(f, "cp1002", "r0", "far.example"));
	assert_true(is_new(f, "cp1002", "r999", "far.example"));
	assert_true(is_new(f, "cp1001", "r1001", "far.example"));
	learn_store_free(&learn);
}

int main(void)
{
	const struct CMUnitTest tests[] = { STORE_TEST(what_was_learnt_is_known) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
