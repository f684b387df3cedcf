/* lint_form.c -- the forms of texts. SPEC.md section 16.3. */
#include "protocol/award/lint.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* SPEC 16.3: "A text is *blank* if it has nothing but U+0009, U+000A, U+000D and U+0020." */
bool definition_blank(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!memchr("\t\n\r ", text.p[i], 4))
			return false;
	return true;
}

bool lint_is_name(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !is_digit(*s) && *s != '-')
			return false;
	return true;
}

/* SPEC 16.3: "a subtag of 2..8 letters, then any number of `-` and a subtag of 1..8 letters or digits" */
bool lint_is_language(const char *s)
{
	for (unsigned tag = 0;; tag++, s++) {
		size_t n = 0;
		for (; is_letter(s[n]) || (tag > 0 && is_digit(s[n])); n++)
			if (n == 8)
				return false;
		if (n < (tag == 0 ? 2u : 1u))
			return false;
		s += n;
		if (*s != '-')
			return *s == 0;
	}
}

/* SPEC 16.3: "a letter, then letters, digits, `+`, `-` and `.`; a colon; then one or more of the characters that RFC 3986 allows" */
bool lint_is_uri(const char *s)
{
	if (!is_letter(*s))
		return false;
	while (is_letter(*s) || is_digit(*s) || (*s && strchr("+-.", *s)))
		s++;
	if (*s++ != ':' || !*s)
		return false;
	for (; *s; s++) {
		if (*s == '%') {
			if (!is_hex(s[1]) || !is_hex(s[2]))
				return false;
			s += 2;
		} else if (!is_letter(*s) && !is_digit(*s) && !strchr("-._~:/?#[]@!$&'()*+,;=", *s)) {
			return false;
		}
	}
	return true;
}
