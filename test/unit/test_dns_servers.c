/*
 * Which name servers are asked: by a list, and by resolv.conf.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "dns/servers.h"
#include "test/unit/test.h"

static char path[] = "/tmp/leumund-resolv-XXXXXX";

static void file_write(const char *content)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

static void assert_server(const struct dns_servers *servers, unsigned index, const char *address, int port)
{
	const union dns_server *server = &servers->at[index];
	char text[INET6_ADDRSTRLEN];

	assert_true(index < servers->count);
	if (server->any.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &server->in6.sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &server->in.sin_addr, text, sizeof(text));
	assert_string_equal(text, address);
	assert_int_equal(ntohs(server->any.sa_family == AF_INET6 ? server->in6.sin6_port : server->in.sin_port), port);
}

static void resolv_conf_names_the_servers(void **state)
{
	struct dns_servers servers = { .count = 0 };

	(void)state;
	file_write("# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1\n\tnameserver\t2001:db8::1  \n"
		   "nameserver nonsense\nnameservers 192.0.2.8\nnameserver\nnameserver fe80::1%lo\noptions edns0\n");
	dns_servers_file(&servers, path);
	assert_int_equal(servers.count, 3);
	assert_server(&servers, 0, "192.0.2.1", 53);
	assert_server(&servers, 1, "2001:db8::1", 53);
	assert_server(&servers, 2, "fe80::1", 53);
	assert_true(servers.at[2].in6.sin6_scope_id > 0);
}

static void a_changed_resolv_conf_is_read_again(void **state)
{
	struct dns_servers servers = { .count = 0 };

	(void)state;
	file_write("nameserver 192.0.2.1\n");
	dns_servers_file(&servers, path);
	servers.at[0].in.sin_port = htons(77);
	dns_servers_file(&servers, path);
	assert_server(&servers, 0, "192.0.2.1", 77);
	file_write("nameserver 192.0.2.22\n");
	dns_servers_file(&servers, path);
	assert_server(&servers, 0, "192.0.2.22", 53);
}

static void without_any_server_this_host_is_asked(void **state)
{
	struct dns_servers servers = { .count = 0 };

	(void)state;
	file_write("search example\n");
	dns_servers_file(&servers, path);
	assert_server(&servers, 0, "127.0.0.1", 53);
	servers.count = 0;
	dns_servers_file(&servers, "/nonexistent/resolv.conf");
	assert_int_equal(servers.count, 1);
	assert_server(&servers, 0, "127.0.0.1", 53);
}

static void a_file_of_many_servers_gives_the_first_ones(void **state)
{
	struct dns_servers servers = { .count = 0 };
	char content[2000] = "";

	(void)state;
	for (int i = 0; i < 50; i++)
		memcpy(content + i * 21, "nameserver 192.0.2.1\n", 22);
	file_write(content);
	dns_servers_file(&servers, path);
	assert_int_equal(servers.count, DNS_SERVERS);
}

static void a_list_names_servers_and_ports(void **state)
{
	struct dns_servers servers;
	char error[200] = "";

	(void)state;
	assert_true(dns_servers_list(&servers, "192.0.2.1, 192.0.2.2:5353,[2001:db8::1]:54,2001:db8::2,[::1]", error,
				     sizeof(error)));
	assert_int_equal(servers.count, 5);
	assert_server(&servers, 0, "192.0.2.1", 53);
	assert_server(&servers, 1, "192.0.2.2", 5353);
	assert_server(&servers, 2, "2001:db8::1", 54);
	assert_server(&servers, 3, "2001:db8::2", 53);
	assert_server(&servers, 4, "::1", 53);
}

static void what_is_no_list_is_refused_with_a_sentence(void **state)
{
	static const char *const wrong[] = {
		"localhost", "192.0.2",	   "192.0.2.1:",    "192.0.2.1:0", "192.0.2.1:65536", "::1]:53",   "[::1",
		"[::1]53",   "127.0.0.1,", "127.0.0.1:5 3", ",",	   "fe80::1%no",      "1.2.3.4.5", ""
	};
	struct dns_servers servers;
	char error[200], many[2000] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		error[0] = '\0';
		assert_false(dns_servers_list(&servers, wrong[i], error, sizeof(error)));
		assert_non_null(strstr(error, "ADDRESS[:PORT]"));
	}
	for (size_t i = 0; i < 200; i++)
		memcpy(many + i * 8, "1.1.1.1,", 9);
	assert_false(dns_servers_list(&servers, many, error, sizeof(error)));
	assert_non_null(strstr(error, "more than"));
}

static int begin(void **state)
{
	(void)state;
	return close(mkstemp(path));
}

static int end(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolv_conf_names_the_servers),
		cmocka_unit_test(a_changed_resolv_conf_is_read_again),
		cmocka_unit_test(without_any_server_this_host_is_asked),
		cmocka_unit_test(a_file_of_many_servers_gives_the_first_ones),
		cmocka_unit_test(a_list_names_servers_and_ports),
		cmocka_unit_test(what_is_no_list_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
