/*
 * The directory: what its files may hold, who owns what, and what becomes of it when the files
 * change, break or vanish.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/clock.h"
#include "directory/directory.h"

#define FILES 2

static char folder[64];
static char paths[FILES][96];
static const char *path_list[FILES] = { paths[0], paths[1] };
static const struct string_list both = { path_list, 2 }, one = { path_list, 1 };
static char said[16384];
static unsigned warnings;
static time_t age; /* each write is a second older than now, and younger than the one before */

static void report(void *arg, bool is_warning, const char *sentence)
{
	size_t len = strlen(said);

	(void)arg;
	warnings += is_warning;
	snprintf(said + len, sizeof(said) - len, "%s\n", sentence);
}

static void forget(void)
{
	said[0] = '\0';
	warnings = 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_directory.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	for (size_t i = 0; i < FILES; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/domains%zu", folder, i);
	age = 100000;
	forget();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < FILES; i++)
		unlink(paths[i]);
	return rmdir(folder);
}

/* A time of its own for each write, old enough to be read at once. */
static void settle(size_t file)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = time(NULL) - age-- } };

	assert_int_equal(utimensat(AT_FDCWD, paths[file], times, 0), 0);
}

static void write_bytes(size_t file, const char *text, size_t len)
{
	int fd = open(paths[file], O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	settle(file);
}

static void write_file(size_t file, const char *text)
{
	write_bytes(file, text, strlen(text));
}

static struct directory *load(const char *text)
{
	struct directory *directory;

	write_file(0, text);
	directory = directory_reload(NULL, &one, report, NULL);
	assert_non_null(directory);
	return directory;
}

/* The owners, sorted and joined with blanks. */
static const char *owners_of(const struct directory *directory, const char *domain, bool parents)
{
	static char joined[512];
	const char *owners[8];
	size_t count = directory_owners(directory, domain, parents, owners, 8);

	joined[0] = '\0';
	for (size_t i = 0; i < count && i < 8; i++)
		for (size_t j = i + 1; j < count && j < 8; j++)
			if (strcmp(owners[j], owners[i]) < 0) {
				const char *swapped = owners[i];

				owners[i] = owners[j];
				owners[j] = swapped;
			}
	for (size_t i = 0; i < count && i < 8; i++)
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "%s%s", i ? " " : "", owners[i]);
	return joined;
}

static void lines_name_the_owners_of_domains(void **state)
{
	struct directory *d = load("# panel\n\nexample.com: alice\n  Shop.Example.ORG\t:\tbob # his shop\r\n*: nobody\n"
				   "m\303\274nchen.example: carol\nxn--mnchen-3ya.example: dave\nexample.net.: "
				   "erin@example.com\nlast.example:zoe");

	(void)state;
	assert_string_equal(owners_of(d, "example.com", false), "alice");
	assert_string_equal(owners_of(d, "shop.example.org", false), "bob");
	assert_string_equal(owners_of(d, "xn--mnchen-3ya.example", false), "carol dave");
	assert_string_equal(owners_of(d, "example.net", false), "erin@example.com");
	assert_string_equal(owners_of(d, "last.example", false), "zoe");
	assert_string_equal(owners_of(d, "other.example", false), "");
	assert_string_equal(owners_of(d, "", true), "");
	assert_int_equal(directory_size(d), 5);
	assert_int_equal(warnings, 0);
	assert_true(directory_changed_ms(d) > 0);
	directory_unref(&d);
	assert_null(d);
}

static void several_accounts_may_share_a_domain(void **state)
{
	struct directory *d =
		load("a.example: alice\na.example: bob\na.example: carol\na.example: alice\na.example: ALICE\n");
	const char *owners[2] = { NULL, NULL };

	(void)state;
	assert_string_equal(owners_of(d, "a.example", false), "alice bob carol");
	assert_int_equal(directory_owners(d, "a.example", false, owners, 2), 3);
	assert_non_null(owners[1]);
	assert_int_equal(directory_owners(d, "a.example", false, NULL, 0), 3);
	assert_true(directory_owns(d, "Bob", "a.example", false));
	assert_false(directory_owns(d, "bo", "a.example", false));
	assert_false(directory_owns(d, "bobb", "a.example", false));
	assert_int_equal(directory_size(d), 1);
	directory_unref(&d);
}

static void the_nearest_listed_parent_counts(void **state)
{
	struct directory *d;

	(void)state;
	write_file(0, "example.com: alice\ncom: registry\n");
	write_file(1, "shop.example.com: bob\n");
	d = directory_reload(NULL, &both, report, NULL);
	assert_string_equal(owners_of(d, "www.example.com", false), "");
	assert_string_equal(owners_of(d, "a.www.example.com", true), "alice");
	assert_string_equal(owners_of(d, "www.shop.example.com", true), "bob");
	assert_string_equal(owners_of(d, "other.com", true), "registry");
	assert_true(directory_owns(d, "bob", "x.shop.example.com", true));
	assert_false(directory_owns(d, "alice", "shop.example.com", true));
	assert_false(directory_owns(d, "alice", "badexample.com", true));
	directory_unref(&d);
}

static void two_files_are_one_directory(void **state)
{
	struct directory *d;

	(void)state;
	write_file(0, "a.example: alice\nb.example: alice\n");
	write_file(1, "a.example: alice\na.example: bob\nc.example: Alice\n");
	d = directory_reload(NULL, &both, report, NULL);
	assert_string_equal(owners_of(d, "a.example", false), "alice bob");
	assert_int_equal(directory_size(d), 3);
	assert_string_equal(directory_account(d, "ALICE"), "alice");
	assert_string_equal(directory_account(d, "Bob"), "bob");
	assert_null(directory_account(d, "carol"));
	assert_null(directory_account(d, ""));
	directory_unref(&d);
}

static void login_lines_name_one_account(void **state)
{
	struct directory *d =
		load("Info@Example.com: alice\nexample.com: bob\ninfo@example.com: carol\ninfo@example.com: alice\n"
		     "x@m\303\274nchen.example: dave\n");

	(void)state;
	assert_string_equal(directory_login(d, "INFO@example.COM"), "alice");
	assert_string_equal(directory_login(d, "x@xn--mnchen-3ya.example"), "dave");
	assert_null(directory_login(d, "info"));
	assert_null(directory_login(d, "@example.com"));
	assert_null(directory_login(d, "other@example.com"));
	assert_null(directory_login(d, "example.com"));
	assert_string_equal(owners_of(d, "example.com", false), "bob");
	assert_string_equal(owners_of(d, "info@example.com", true), "");
	assert_int_equal(directory_size(d), 3);
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(said, ":3: 'info@example.com' has another account already"));
	directory_unref(&d);
}

static void broken_lines_are_reported_and_skipped(void **state)
{
	struct directory *d =
		load("good.example: alice\nno colon here\nbad..example: bob\n: bob\nx.example:\nx.example: a b\n"
		     "x.example: a:b\n\"q\"@x.example: bob\nx.example: @b\n\xff\xfe.example: bob\nalso.example: bob\n");

	(void)state;
	assert_int_equal(directory_size(d), 2);
	assert_int_equal(warnings, 9);
	assert_non_null(strstr(
		said,
		"/domains0:2: 'no colon here' is no line `domain: account`: it has no colon; the line is skipped\n"));
	assert_non_null(strstr(said, "/domains0:3: 'bad..example' is neither a domain nor a login user@domain"));
	assert_non_null(strstr(said, ":4: ''"));
	assert_non_null(strstr(said, ":5: '' is no account"));
	assert_non_null(strstr(said, ":6: 'a b' is no account"));
	assert_non_null(strstr(said, ":10: '\\xff\\xfe.example'"));
	assert_string_equal(owners_of(d, "also.example", false), "bob");
	directory_unref(&d);
}

static void many_broken_lines_are_counted(void **state)
{
	static char text[4096];
	struct directory *d;

	(void)state;
	for (int i = 0; i < 50; i++)
		strcat(text, "broken\n");
	strcat(text, "good.example: alice\n");
	d = load(text);
	assert_int_equal(warnings, 21);
	assert_non_null(strstr(said, "/domains0: 30 more broken lines are skipped"));
	assert_int_equal(directory_size(d), 1);
	directory_unref(&d);
}

static void an_unchanged_file_changes_nothing(void **state)
{
	struct directory *d = load("a.example: alice\n");

	(void)state;
	forget();
	assert_null(directory_reload(d, &one, report, NULL));
	assert_string_equal(said, "");
	directory_unref(&d);
}

static void a_changed_file_is_seen_and_the_other_shared(void **state)
{
	struct directory *d, *next;
	const char *before, *after;

	(void)state;
	write_file(0, "a.example: alice\n");
	write_file(1, "b.example: bob\n");
	d = directory_reload(NULL, &both, report, NULL);
	write_file(1, "b.example: eve\n");
	next = directory_reload(d, &both, report, NULL);
	assert_non_null(next);
	assert_true(directory_owns(d, "bob", "b.example", false));
	assert_true(directory_owns(next, "eve", "b.example", false));
	directory_owners(d, "a.example", false, &before, 1);
	directory_owners(next, "a.example", false, &after, 1);
	assert_ptr_equal(before, after);
	directory_unref(&d);
	assert_string_equal(after, "alice");
	assert_null(directory_reload(next, &both, report, NULL));
	d = directory_reload(next, &one, report, NULL);
	assert_non_null(d);
	assert_int_equal(directory_size(d), 1);
	directory_unref(&d);
	directory_unref(&next);
}

static void a_file_that_is_being_written_is_taken_later(void **state)
{
	struct directory *d = load("a.example: alice\n"), *next;
	int fd = open(paths[0], O_WRONLY | O_TRUNC);

	(void)state;
	assert_int_equal(write(fd, "a.example: bob\n", 15), 15);
	close(fd);
	/* written a moment ago: perhaps there is more to come */
	assert_null(directory_reload(d, &one, report, NULL));
	usleep(60000);
	next = directory_reload(d, &one, report, NULL);
	assert_non_null(next);
	assert_true(directory_owns(next, "bob", "a.example", false));
	directory_unref(&d);
	directory_unref(&next);
}

static void the_first_load_waits_for_a_young_file(void **state)
{
	int fd = open(paths[0], O_WRONLY | O_CREAT, 0644);
	struct directory *d;

	(void)state;
	assert_int_equal(write(fd, "a.example: bob\n", 15), 15);
	close(fd);
	d = directory_reload(NULL, &one, report, NULL);
	assert_int_equal(directory_size(d), 1);
	directory_unref(&d);
}

/* What happened to the file keeps what was known, is said once, and ends when the file is well again. */
static void assert_kept(struct directory **d, const char *why)
{
	struct directory *next;

	forget();
	next = directory_reload(*d, &one, report, NULL);
	assert_non_null(next);
	assert_true(directory_owns(next, "alice", "a.example", false));
	assert_int_equal(directory_size(next), 1);
	assert_int_equal(warnings, 1);
	if (!strstr(said, why) || !strstr(said, "what was read before stays in force"))
		fail_msg("%s", said);
	directory_unref(d);
	*d = next;
	assert_null(directory_reload(*d, &one, report, NULL));
	assert_int_equal(warnings, 1);
}

static void an_empty_or_vanished_file_keeps_the_last_good_state(void **state)
{
	struct directory *d = load("a.example: alice\n"), *next;

	(void)state;
	write_file(0, "");
	assert_kept(&d, "/domains0: the file is empty");
	unlink(paths[0]);
	assert_kept(&d, "/domains0: No such file or directory");
	write_file(0, "# nothing\n*: nobody\n");
	assert_kept(&d, "/domains0: the file has no line that can be used");
	unlink(paths[0]);
	assert_int_equal(mkdir(paths[0], 0755), 0);
	assert_kept(&d, "/domains0: no regular file");
	assert_int_equal(rmdir(paths[0]), 0);
	write_file(0, "a.example: bob\n");
	forget();
	next = directory_reload(d, &one, report, NULL);
	assert_non_null(next);
	assert_true(directory_owns(next, "bob", "a.example", false));
	assert_non_null(strstr(said, "1 domains and 0 logins of 1 accounts are known from it"));
	assert_int_equal(warnings, 0);
	directory_unref(&d);
	directory_unref(&next);
}

static void nothing_is_known_before_the_first_file(void **state)
{
	struct directory *d = directory_reload(NULL, &one, report, NULL);

	(void)state;
	assert_non_null(d);
	assert_int_equal(directory_size(d), 0);
	assert_int_equal(directory_changed_ms(d), 0);
	assert_non_null(strstr(said, "nothing is known from it"));
	directory_unref(&d);
	assert_int_equal(directory_size(NULL), 0);
	assert_int_equal(directory_changed_ms(NULL), 0);
	assert_int_equal(directory_owners(NULL, "a.example", true, NULL, 0), 0);
	assert_false(directory_owns(NULL, "alice", "a.example", true));
	assert_null(directory_login(NULL, "a@b.example"));
	assert_null(directory_account(NULL, "alice"));
	directory_domains(NULL, "alice", NULL, NULL);
	assert_null(directory_ref(NULL));
	directory_unref(&d);
}

static void collect(void *arg, const char *domain)
{
	strcat(arg, domain);
	strcat(arg, " ");
}

static void an_accounts_domains_can_be_listed(void **state)
{
	char list[256] = "";
	struct directory *d;

	(void)state;
	write_file(0, "a.example: alice\nb.example: bob\nb.example: Alice\nx@a.example: alice\n");
	write_file(1, "a.example: alice\nc.example: alice\n");
	d = directory_reload(NULL, &both, NULL, NULL);
	directory_domains(d, "ALICE", collect, list);
	/* in any order, each once, no login */
	assert_int_equal(strlen(list), strlen("a.example b.example c.example "));
	assert_non_null(strstr(list, "a.example "));
	assert_non_null(strstr(list, "b.example "));
	assert_non_null(strstr(list, "c.example "));
	directory_unref(&d);
}

static void the_domains_of_all_accounts_can_be_listed(void **state)
{
	char list[256] = "";
	struct directory *d;

	(void)state;
	write_file(0, "a.example: alice\nb.example: bob\nx@a.example: alice\n");
	write_file(1, "a.example: bob\nc.example: carol\n");
	d = directory_reload(NULL, &both, NULL, NULL);
	directory_domains(d, NULL, collect, list);
	assert_int_equal(strlen(list), strlen("a.example b.example c.example "));
	assert_non_null(strstr(list, "a.example "));
	assert_non_null(strstr(list, "b.example "));
	assert_non_null(strstr(list, "c.example "));
	directory_unref(&d);
}

static void many_domains_and_owners_are_found_again(void **state)
{
	char *text = malloc(200000 * 40), name[64];
	struct directory *d;
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 20000; i++)
		len += (size_t)sprintf(text + len, "d%d.example: a%d\nshared.example: a%d\n", i, i / 3, i);
	write_bytes(0, text, len);
	free(text);
	d = directory_reload(NULL, &one, report, NULL);
	assert_int_equal(directory_size(d), 20001);
	for (int i = 0; i < 20000; i++) {
		char account[16];

		snprintf(name, sizeof(name), "d%d.example", i);
		snprintf(account, sizeof(account), "a%d", i / 3);
		assert_true(directory_owns(d, account, name, false));
		assert_string_equal(owners_of(d, name, false), account);
	}
	assert_true(directory_owners(d, "shared.example", false, NULL, 0) >= 20000);
	assert_true(directory_owns(d, "a17", "shared.example", false));
	assert_false(directory_owns(d, "a1", "d20000.example", true));
	directory_unref(&d);
}

static struct directory *shared;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool stop;

/* A message's way: take, ask, give back; a changed file gives a whole old or a whole new answer. */
static void *reader(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		struct directory *d;

		pthread_mutex_lock(&shared_lock);
		d = directory_ref(shared);
		pthread_mutex_unlock(&shared_lock);
		if (directory_owns(d, "alice", "a.example", true) == directory_owns(d, "bob", "a.example", true))
			abort();
		directory_unref(&d);
	}
	return NULL;
}

static void readers_keep_their_snapshot_while_files_change(void **state)
{
	pthread_t threads[3];

	(void)state;
	shared = load("a.example: alice\n");
	atomic_store(&stop, false);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, reader, NULL), 0);
	for (int i = 0; i < 200; i++) {
		struct directory *next, *old;

		write_file(0, i % 2 ? "a.example: alice\n" : "a.example: bob\n");
		next = directory_reload(shared, &one, report, NULL);
		assert_non_null(next);
		pthread_mutex_lock(&shared_lock);
		old = shared;
		shared = next;
		pthread_mutex_unlock(&shared_lock);
		directory_unref(&old);
	}
	atomic_store(&stop, true);
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	directory_unref(&shared);
}

static void a_uid_has_its_login_name(void **state)
{
	struct passwd *me = getpwuid(getuid());
	const char *name = user_name((uint32_t)getuid());

	(void)state;
	assert_string_equal(name, me ? me->pw_name : "");
	assert_ptr_equal(name, user_name((uint32_t)getuid()));
	assert_string_equal(user_name(0), "root");
	assert_string_equal(user_name(0xfffffff0), "");
	/* far more uids than the cache has places */
	for (uint32_t uid = 3000000000; uid < 3000010000; uid += 7)
		assert_string_equal(user_name(uid), "");
	assert_string_equal(user_name(0), "root");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(lines_name_the_owners_of_domains),
		TEST(several_accounts_may_share_a_domain),
		TEST(the_nearest_listed_parent_counts),
		TEST(two_files_are_one_directory),
		TEST(login_lines_name_one_account),
		TEST(broken_lines_are_reported_and_skipped),
		TEST(many_broken_lines_are_counted),
		TEST(an_unchanged_file_changes_nothing),
		TEST(a_changed_file_is_seen_and_the_other_shared),
		TEST(a_file_that_is_being_written_is_taken_later),
		TEST(the_first_load_waits_for_a_young_file),
		TEST(an_empty_or_vanished_file_keeps_the_last_good_state),
		TEST(nothing_is_known_before_the_first_file),
		TEST(an_accounts_domains_can_be_listed),
		TEST(the_domains_of_all_accounts_can_be_listed),
		TEST(many_domains_and_owners_are_found_again),
		TEST(readers_keep_their_snapshot_while_files_change),
		TEST(a_uid_has_its_login_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
