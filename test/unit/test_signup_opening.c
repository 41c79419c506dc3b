/*
 * The first words of a message: MIME parts, encodings and HTML as mailers write them, and as nobody should.
 */
#include "test.h"

#include "milters/signup/opening.h"

static const char *opening(const char *type, const char *encoding, const char *body)
{
	static char out[600];
	size_t len = opening_read(span_of(type), span_of(encoding), span_of(body), out, sizeof(out) - 1);

	out[len] = '\0';
	return out;
}

static void plain_text_is_itself(void **state)
{
	(void)state;
	assert_string_equal(opening("", "", "hello\r\nyou"), "hello\r\nyou");
	assert_string_equal(opening("text/plain; charset=utf-8", "8bit", "grün"), "grün");
	assert_string_equal(opening("", "", ""), "");
}

static void encodings_are_undone(void **state)
{
	(void)state;
	assert_string_equal(opening("text/plain", "base64", "aGVsbG8g\r\nZ3LDvG4=\r\n"), "hello grün");
	assert_string_equal(opening("text/plain", " BASE64 ", "aGVs*bG8"), "hello");
	assert_string_equal(opening("text/plain", "quoted-printable", "gr=C3=BCn and=20=\r\nlong=\nest =3D = =X"),
			    "grün and longest = = =X");
}

static void html_is_read_without_tags(void **state)
{
	(void)state;
	assert_string_equal(opening("Text/HTML", "",
				    "<html><head><title>x</title><STYLE type=a>p { a }</style></head>"
				    "<p class=\"a\">Hi&nbsp;you</p><script>1</script><br/>bye &amp end"),
			    "        Hi you    bye  end");
	assert_string_equal(opening("text/html", "quoted-printable", "<p cla=\nss=3D\"x\">Gr=C3=BC=C3=9Fe</p>"),
			    " Grüße ");
	/* cut off in the middle of a tag, an entity */
	assert_string_equal(opening("text/html", "", "a <b"), "a ");
	assert_string_equal(opening("text/html", "", "a &eacut"), "a  ");
}

static void the_first_text_part_of_a_multipart(void **state)
{
	(void)state;
	assert_string_equal(opening("multipart/alternative; boundary=\"=_b 1\"", "",
				    "This is MIME.\r\n--=_b 1\r\nContent-Type: text/plain; charset=UTF-8\r\n"
				    "Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--=_b 1\r\n"
				    "Content-Type: text/html\r\n\r\n<p>hello</p>\r\n--=_b 1--\r\n"),
			    "hello");
	/* a logo first, then the text in a multipart of its own, whose boundary begins like the outer one */
	assert_string_equal(opening("multipart/related;\r\n\tBoundary=b", "",
				    "--b\nContent-Type: image/png\n\nPNG\n--b\nContent-Type: multipart/alternative;\n"
				    "\tboundary=b2\n\n--b2\nContent-Type: text/html\n\n<i>hi</i>\n--b2--\n--b--\n"),
			    " hi \n");
	/* no header at all: text, RFC 2046 5.1 */
	assert_string_equal(opening("multipart/mixed; boundary=b", "", "--b\r\n\r\nhello\r\n--b--"), "hello\r\n");
}

static void what_has_no_text_gives_none(void **state)
{
	(void)state;
	assert_string_equal(opening("application/pdf", "base64", "aGVsbG8="), "");
	assert_string_equal(opening("multipart/mixed", "", "--b\r\n\r\nhello"), "");
	assert_string_equal(opening("multipart/mixed; boundary=", "", "--\r\n\r\nhello"), "");
	assert_string_equal(opening("multipart/mixed; boundary=b", "", "no part"), "");
	assert_string_equal(opening("multipart/mixed; boundary=b", "", "--b\nContent-Type: image/png\n\nPNG\n--b--"),
			    "");
}

static void endless_nesting_ends(void **state)
{
	char body[8000];
	struct text text;

	(void)state;
	text_init(&text, body, sizeof(body));
	for (int i = 0; i < 100; i++)
		text_str(&text, "--b\nContent-Type: multipart/mixed; boundary=b\n\n");
	text_str(&text, "--b\n\nhello\n");
	assert_string_equal(opening("multipart/mixed; boundary=b", "", body), "");
}

static void any_bytes_any_length(void **state)
{
	static const char *const types[] = { "multipart/mixed; boundary=a", "text/html", "text/plain",
					     "multipart/x; boundary=\"" };
	static const char *const encodings[] = { "base64", "quoted-printable", "" };
	char *body = malloc(50000), out[64];
	uint32_t random = 3;

	(void)state;
	assert_non_null(body);
	for (unsigned round = 0; round < 600; round++) {
		static const char letters[] = "--a\r\n\n:=<>&;Content-Type: text/html";
		size_t len = round < 500 ? round : 50000;

		for (size_t i = 0; i < len; i++) {
			random = random * 1664525 + 1013904223;
			body[i] = random >> 31 ? letters[(random >> 8) % (sizeof(letters) - 1)] : (char)(random >> 16);
		}
		for (unsigned i = 0; i < 12; i++)
			assert_in_range(opening_read(span_of(types[i % 4]), span_of(encodings[i % 3]),
						     (struct span){ body, len }, out, sizeof(out)),
					0, sizeof(out));
	}
	assert_int_equal(opening_read(span_of("text/plain"), span_of(""), span_of("hello"), out, 0), 0);
	free(body);
}

#define TEST(name)                                              \
	{                                                       \
		"signup_opening_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(plain_text_is_itself),	   TEST(encodings_are_undone),
		TEST(html_is_read_without_tags),   TEST(the_first_text_part_of_a_multipart),
		TEST(what_has_no_text_gives_none), TEST(endless_nesting_ends),
		TEST(any_bytes_any_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
