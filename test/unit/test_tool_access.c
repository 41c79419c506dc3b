/*
 * Whether an MTA's user may open a socket: owner, group, others, and the folders above.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tools/access.c" /* the command's parts are in no library */

static void the_first_class_that_fits_decides(void **state)
{
	static const struct {
		uid_t uid;
		gid_t groups[2];
		mode_t mode; /* of a file of user 10, group 20 */
		bool may_write;
	} rows[] = {
		{ 10, { 1, 1 }, 0600, true },	{ 10, { 20, 1 }, 0060, false }, /* the owner's class denies it */
		{ 11, { 20, 1 }, 0660, true },	{ 11, { 1, 20 }, 0660, true },	{ 11, { 1, 2 }, 0660, false },
		{ 11, { 1, 2 }, 0666, true },	{ 11, { 20, 1 }, 0606, false }, { 0, { 0, 0 }, 0000, true },
		{ 11, { 20, 1 }, 0640, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct someone someone = { .uid = rows[i].uid, .group_count = 2 };
		struct stat file = { .st_uid = 10, .st_gid = 20, .st_mode = S_IFSOCK | rows[i].mode };

		memcpy(someone.groups, rows[i].groups, sizeof(rows[i].groups));
		if (someone_may(&someone, &file, 2) != rows[i].may_write)
			fail_msg("row %zu", i);
	}
}

static void a_closed_folder_above_is_named(void **state)
{
	char folder[] = "/tmp/leumund-access-XXXXXX", path[64], where[128] = "";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct someone other = { .name = "other", .uid = 60000, .groups = { 60000 }, .group_count = 1 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/s.sock", folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 5), 0);

	chmod(path, 0666);
	chmod(folder, 0755);
	assert_true(someone_may_connect(&other, path, where, sizeof(where)));
	chmod(folder, 0750);
	assert_false(someone_may_connect(&other, path, where, sizeof(where)));
	assert_string_equal(where, folder);
	chmod(folder, 0755);
	chmod(path, 0660);
	assert_false(someone_may_connect(&other, path, where, sizeof(where)));
	assert_string_equal(where, path);
	unlink(path);
	assert_false(someone_may_connect(&other, path, where, sizeof(where)));
	close(fd);
	rmdir(folder);
}

static void a_user_who_gave_up_his_groups_has_one(void **state)
{
	struct someone someone;

	(void)state;
	assert_true(someone_find("root", true, &someone));
	assert_int_equal(someone.uid, 0);
	assert_int_equal(someone.group_count, 1);
	assert_false(someone_find("no-such-user-here", true, &someone));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_class_that_fits_decides),
		cmocka_unit_test(a_closed_folder_above_is_named),
		cmocka_unit_test(a_user_who_gave_up_his_groups_has_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
