/*
 * stack.h: what each way of submission lets us say (measured on the real MTAs, see test/mta).
 */
#include "test.h"

#include "stack.h"

static const struct row {
	const char *sentence;
	enum mta mta;
	enum submission_path path;
	bool local_command;
	enum stage stage;
	enum action wanted, instead_of_defer, said;
} rows[] = {
	{ "smtp_rcpt_may_be_refused", MTA_POSTFIX, PATH_AUTH, false, STAGE_RCPT, ACTION_REJECT, ACTION_HOLD,
	  ACTION_REJECT },
	{ "smtp_rcpt_may_be_deferred", MTA_SENDMAIL, PATH_AUTH, false, STAGE_RCPT, ACTION_DEFER, ACTION_HOLD,
	  ACTION_DEFER },
	{ "smtp_rcpt_cannot_be_held", MTA_EXIM, PATH_AUTH, false, STAGE_RCPT, ACTION_HOLD, ACTION_HOLD,
	  ACTION_OBSERVE },
	{ "smtp_end_may_be_held", MTA_POSTFIX, PATH_AUTH, false, STAGE_END, ACTION_HOLD, ACTION_HOLD, ACTION_HOLD },
	{ "smtp_end_may_be_deferred", MTA_EXIM, PATH_AUTH, false, STAGE_END, ACTION_DEFER, ACTION_HOLD, ACTION_DEFER },
	{ "postfix_command_sees_no_rcpt_refusal", MTA_POSTFIX, PATH_COMMAND, true, STAGE_RCPT, ACTION_REJECT,
	  ACTION_HOLD, ACTION_OBSERVE },
	{ "postfix_command_sees_no_rcpt_deferral", MTA_POSTFIX, PATH_COMMAND, true, STAGE_RCPT, ACTION_DEFER,
	  ACTION_HOLD, ACTION_OBSERVE },
	{ "postfix_command_is_held_instead_of_deferred", MTA_POSTFIX, PATH_COMMAND, true, STAGE_END, ACTION_DEFER,
	  ACTION_HOLD, ACTION_HOLD },
	{ "postfix_command_is_refused_instead_of_deferred", MTA_POSTFIX, PATH_COMMAND, true, STAGE_END, ACTION_DEFER,
	  ACTION_REJECT, ACTION_REJECT },
	{ "postfix_command_is_accepted_instead_of_deferred", MTA_POSTFIX, PATH_COMMAND, true, STAGE_END, ACTION_DEFER,
	  ACTION_OBSERVE, ACTION_OBSERVE },
	{ "postfix_command_may_be_refused_at_the_end", MTA_POSTFIX, PATH_COMMAND, true, STAGE_END, ACTION_REJECT,
	  ACTION_HOLD, ACTION_REJECT },
	{ "exim_command_is_held_instead_of_deferred", MTA_EXIM, PATH_COMMAND, true, STAGE_END, ACTION_DEFER,
	  ACTION_HOLD, ACTION_HOLD },
	{ "exim_command_waits_for_the_router", MTA_EXIM, PATH_COMMAND, true, STAGE_END, ACTION_DEFER, ACTION_DEFER,
	  ACTION_DEFER },
	{ "exim_command_waits_for_no_router_at_rcpt", MTA_EXIM, PATH_COMMAND, true, STAGE_RCPT, ACTION_DEFER,
	  ACTION_DEFER, ACTION_OBSERVE },
	{ "exims_bounces_never_wait", MTA_EXIM, PATH_INTERNAL, true, STAGE_END, ACTION_DEFER, ACTION_DEFER,
	  ACTION_OBSERVE },
	{ "sendmail_command_may_be_deferred", MTA_SENDMAIL, PATH_COMMAND, false, STAGE_END, ACTION_DEFER, ACTION_HOLD,
	  ACTION_DEFER },
	{ "unknown_local_mail_is_treated_with_care", MTA_UNKNOWN, PATH_COMMAND, true, STAGE_RCPT, ACTION_REJECT,
	  ACTION_HOLD, ACTION_OBSERVE },
	{ "bounces_are_never_refused", MTA_POSTFIX, PATH_INTERNAL, true, STAGE_END, ACTION_REJECT, ACTION_HOLD,
	  ACTION_OBSERVE },
	{ "bounces_are_never_deferred", MTA_EXIM, PATH_INTERNAL, true, STAGE_END, ACTION_DEFER, ACTION_REJECT,
	  ACTION_OBSERVE },
	{ "observing_stays_observing", MTA_POSTFIX, PATH_AUTH, false, STAGE_END, ACTION_OBSERVE, ACTION_HOLD,
	  ACTION_OBSERVE },
};

static void each_way_says_what_it_can(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		enum action said = stack_expressible(row->mta, row->path, row->local_command, row->stage, row->wanted,
						     row->instead_of_defer);

		if (said != row->said)
			fail_msg("%s: %s", row->sentence, action_names[said]);
	}
}

/* Every combination: a 4xx or a refusal at RCPT never reaches Postfix' sendmail(1) mail, whatever is configured. */
static void postfix_command_never_loops_in_maildrop(void **state)
{
	(void)state;
	for (int action = 0; action < ACTIONS; action++)
		for (int instead = ACTION_OBSERVE; instead < ACTIONS; instead++)
			for (int path = 0; path < PATHS; path++) {
				assert_true(stack_expressible(MTA_POSTFIX, (enum submission_path)path, true, STAGE_RCPT,
							      (enum action)action,
							      (enum action)instead) <= ACTION_OBSERVE);
				assert_int_not_equal(stack_expressible(MTA_POSTFIX, (enum submission_path)path, true,
								       STAGE_END, (enum action)action,
								       (enum action)instead),
						     ACTION_DEFER);
			}
}

static void strongest_verdict_wins_and_notes_are_kept(void **state)
{
	static const struct rule a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
	struct decision decision = { .verdict = VERDICT_NONE };

	(void)state;
	decision_add(&decision, (struct verdict){ .action = ACTION_OBSERVE, .rule = &a });
	decision_add(&decision, (struct verdict){ .action = ACTION_HOLD, .rule = &b });
	decision_add(&decision, (struct verdict){ .action = ACTION_REJECT, .rule = &c });
	decision_add(&decision, (struct verdict){ .action = ACTION_REJECT, .rule = &b });
	decision_add(&decision, VERDICT_NONE);
	assert_ptr_equal(decision.verdict.rule, &c);
	assert_int_equal(decision.observed_count, 1);
	for (int i = 0; i < 3 * DECISION_NOTES; i++)
		decision_add(&decision, (struct verdict){ .action = ACTION_OBSERVE, .rule = &a });
	assert_int_equal(decision.observed_count, DECISION_NOTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_way_says_what_it_can),
		cmocka_unit_test(postfix_command_never_loops_in_maildrop),
		cmocka_unit_test(strongest_verdict_wins_and_notes_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
