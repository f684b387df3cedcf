/* Canonical N-Quads: what each kind of term becomes, names of blank nodes, and every refusal with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>

#include "protocol/award/json.h"
#include "protocol/award/rdf.h"

#define VC "\"https://www.w3.org/ns/credentials/v2\""
#define OB_AT(version) "\"https://purl.imsglobal.org/spec/ob/v3p0/context-" version ".json\""
#define CONTEXT "\"@context\":[" VC "," OB_AT("3.0.3") "]"
#define TYPE "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
#define OBV "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"

/* Quotes are written as ' in the documents here, for legibility. */
static json_t *document(const char *members)
{
	static char text[1 << 16];
	json_t *doc = NULL;
	char why[JSON_WHY_BYTES];
	int n = snprintf(text, sizeof text, "{%s}", members);
	assert_true(n > 0 && (size_t)n < sizeof text);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	if (json_parse(slice_str(text), &doc, why) != OK)
		fail_msg("%s: %s", text, why);
	return doc;
}

static void expect(const char *members, const char *expected)
{
	char why[RDF_WHY_BYTES];
	struct buf b = {0};
	json_t *doc = document(members);
	enum err e = rdf_canonical(doc, &b, why);
	if (e != OK)
		fail_msg("%s: %s", members, why);
	if (!slice_equal(buf_slice(&b), slice_str(expected)))
		fail_msg("%s:\n%.*s", members, (int)b.n, (const char *)b.p);
	buf_free(&b);
	json_decref(doc);
}

static void refused(const char *members, const char *reason)
{
	char why[RDF_WHY_BYTES];
	struct buf b = {0};
	json_t *doc = document(members);
	enum err e = rdf_canonical(doc, &b, why);
	if (e != ERR_REFUSED || strcmp(why, reason) != 0 || b.n)
		fail_msg("%s: error %d, \"%s\"", members, (int)e, why);
	buf_free(&b);
	json_decref(doc);
}

static void each_kind_of_term_becomes_what_the_context_says(void **state)
{
	(void)state;
	/* a text, a number, truth; a text with a datatype; an IRI; a class with another name */
	expect(CONTEXT
		",'id':'urn:x:a','type':'Achievement','name':'N','version':1.5,'humanCode':true,'creditsAvailable':2,"
		"'creator':'https://example.org/not-a-node','criteria':'https://example.org/c'",
		"<urn:x:a> " TYPE " <" OBV "Achievement> .\n"
		"<urn:x:a> <" OBV "Criteria> <https://example.org/c> .\n"
		"<urn:x:a> <" OBV "creator> \"https://example.org/not-a-node\" .\n"
		"<urn:x:a> <" OBV "creditsAvailable> \"2\"^^<https://www.w3.org/2001/XMLSchema#float> .\n"
		"<urn:x:a> <" OBV "humanCode> \"true\"^^<http://www.w3.org/2001/XMLSchema#boolean> .\n"
		"<urn:x:a> <" OBV "version> \"1.5E0\"^^<http://www.w3.org/2001/XMLSchema#double> .\n"
		"<urn:x:a> <https://schema.org/name> \"N\" .\n");
	expect(CONTEXT ",'id':'urn:x:a','type':['VerifiableCredential','AchievementCredential'],"
		       "'validFrom':'2025-01-01T00:00:00Z','awardedDate':'2025-01-01T00:00:00Z'",
		"<urn:x:a> " TYPE " <" OBV "OpenBadgeCredential> .\n"
		"<urn:x:a> " TYPE " <https://www.w3.org/2018/credentials#VerifiableCredential> .\n"
		"<urn:x:a> <" OBV "awardedDate> \"2025-01-01T00:00:00Z\"^^<xsd:dateTime> .\n"
		"<urn:x:a> <https://www.w3.org/2018/credentials#validFrom> "
		"\"2025-01-01T00:00:00Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n");
	/* any JSON */
	expect(CONTEXT ",'id':'urn:x:a','type':'JsonSchema','jsonSchema':{'b':1.50,'a':[null]}",
		"<urn:x:a> " TYPE " <https://www.w3.org/2018/credentials#JsonSchema> .\n"
		"<urn:x:a> <https://www.w3.org/2018/credentials#jsonSchema> \"{\\\"a\\\":[null],\\\"b\\\":1.5}\""
		"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON> .\n");
}

static void numbers_are_integers_or_doubles(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"0", "\"0\"^^<http://www.w3.org/2001/XMLSchema#integer>"},
		{"-0", "\"0\"^^<http://www.w3.org/2001/XMLSchema#integer>"},
		{"-12", "\"-12\"^^<http://www.w3.org/2001/XMLSchema#integer>"},
		{"1e2", "\"100\"^^<http://www.w3.org/2001/XMLSchema#integer>"},
		{"100000000000000000000",
			"\"100000000000000000000\"^^<http://www.w3.org/2001/XMLSchema#integer>"},
		{"1e21", "\"1.0E21\"^^<http://www.w3.org/2001/XMLSchema#double>"},
		{"0.1", "\"1.0E-1\"^^<http://www.w3.org/2001/XMLSchema#double>"},
		{"-2.5e-10", "\"-2.5E-10\"^^<http://www.w3.org/2001/XMLSchema#double>"},
		{"123.456", "\"1.23456E2\"^^<http://www.w3.org/2001/XMLSchema#double>"},
		{"1e300", "\"1.0E300\"^^<http://www.w3.org/2001/XMLSchema#double>"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char members[400], expected[400];
		snprintf(members, sizeof members, CONTEXT ",'id':'urn:x:a','name':%s", cases[i][0]);
		snprintf(
			expected, sizeof expected, "<urn:x:a> <https://schema.org/name> %s .\n", cases[i][1]);
		expect(members, expected);
	}
	refused(CONTEXT ",'id':'urn:x:a','name':0.30000000000000004",
		"the number 0.30000000000000004 has more than 16 digits");
}

static void sets_lists_and_repeated_statements(void **state)
{
	(void)state;
	expect(CONTEXT
		",'id':'urn:x:a','type':['Achievement','Achievement'],'tag':['b','a','b'],'alignment':[]",
		"<urn:x:a> " TYPE " <" OBV "Achievement> .\n"
		"<urn:x:a> <https://schema.org/keywords> \"a\" .\n"
		"<urn:x:a> <https://schema.org/keywords> \"b\" .\n");
#define RDF "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	expect(CONTEXT ",'id':'urn:x:a','type':'ResultDescription','allowedValue':['Pass','Fail']",
		"<urn:x:a> " TYPE " <" OBV "ResultDescription> .\n"
		"<urn:x:a> <" OBV "allowedValue> _:c14n0 .\n"
		"_:c14n0 <" RDF "first> \"Pass\" .\n"
		"_:c14n0 <" RDF "rest> _:c14n1 .\n"
		"_:c14n1 <" RDF "first> \"Fail\" .\n"
		"_:c14n1 <" RDF "rest> <" RDF "nil> .\n");
	expect(CONTEXT ",'id':'urn:x:a','type':'ResultDescription','allowedValue':[]",
		"<urn:x:a> " TYPE " <" OBV "ResultDescription> .\n"
		"<urn:x:a> <" OBV "allowedValue> <" RDF "nil> .\n");
}

/* The same is said of it in two graphs, in turn, once or more often. */
static void a_statement_counts_once_in_each_graph(void **state)
{
	(void)state;
	static const char *const again[] = {
		"", ",'DataIntegrityProof'", ",'DataIntegrityProof','DataIntegrityProof'"};
	struct buf b[3][3] = {0};
	for (int i = 0; i < 9; i++) {
		char text[600], why[RDF_WHY_BYTES];
		snprintf(text, sizeof text,
			CONTEXT ",'id':'urn:x:a','type':'VerifiableCredential',"
				"'endorsement':{'id':'urn:x:a','type':['DataIntegrityProof'%s]},"
				"'proof':{'id':'urn:x:a','type':['DataIntegrityProof'%s]},"
				"'termsOfUse':{'id':'urn:x:a','type':['DataIntegrityProof'%s]}",
			again[i / 3], again[i % 3], again[i / 3]);
		json_t *doc = document(text);
		enum err e = rdf_canonical(doc, &b[i / 3][i % 3], why);
		if (e != OK)
			fail_msg("%s", why);
		json_decref(doc);
		assert_true(slice_equal(buf_slice(&b[i / 3][i % 3]), buf_slice(&b[0][0])));
	}
	for (int i = 0; i < 9; i++)
		buf_free(&b[i / 3][i % 3]);
}

static void graphs_are_blank_nodes_of_their_own(void **state)
{
	(void)state;
	expect(CONTEXT
		",'id':'urn:x:a','type':'VerifiableCredential','proof':{'id':'urn:x:p','type':'DataIntegrityProof',"
		"'proofPurpose':'assertionMethod'}",
		"<urn:x:a> " TYPE " <https://www.w3.org/2018/credentials#VerifiableCredential> .\n"
		"<urn:x:a> <https://w3id.org/security#proof> _:c14n0 .\n"
		"<urn:x:p> " TYPE " <https://w3id.org/security#DataIntegrityProof> _:c14n0 .\n"
		"<urn:x:p> <https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> _:c14n0 .\n");
	refused(CONTEXT ",'id':'urn:x:a','type':'VerifiableCredential','proof':'urn:x:p'",
		"\"proof\" takes objects");
	refused(CONTEXT ",'id':'urn:x:a','type':'VerifiableCredential','proof':{}",
		"\"proof\" of VerifiableCredential says nothing");
	/* A presentation forgets all contexts for the credentials in it. */
	refused(CONTEXT ",'type':'VerifiablePresentation','verifiableCredential':{'id':'urn:x:b'}",
		"no \"@context\" for verifiableCredential");
	refused(CONTEXT ",'type':'VerifiablePresentation','verifiableCredential':{'@context':" OB_AT(
			"3.0.3") ",'id':'urn:x:b'}",
		"the first context is not that of Verifiable Credentials 2.0");
}

static void texts_are_escaped_and_sorted_by_code_point(void **state)
{
	(void)state;
	expect(CONTEXT
		",'id':'urn:x:a','name':'\\b\\t\\n\\f\\r\\\"\\\\\\u0001\\u001f\\u007f\\u0080<>/\\u00e9'",
		"<urn:x:a> <https://schema.org/name> "
		"\"\\b\\t\\n\\f\\r\\\"\\\\\\u0001\\u001F\\u007F\xc2\x80<>/\xc3\xa9\" .\n");
	/* U+FB33 before U+1F602: by code points, not by UTF-16. */
	expect(CONTEXT ",'id':'urn:x:a','name':['\\ud83d\\ude02','\\ufb33','z']",
		"<urn:x:a> <https://schema.org/name> \"z\" .\n"
		"<urn:x:a> <https://schema.org/name> \"\xef\xac\xb3\" .\n"
		"<urn:x:a> <https://schema.org/name> \"\xf0\x9f\x98\x82\" .\n");
}

static void types_end_with_their_object(void **state)
{
	(void)state;
	refused(CONTEXT ",'type':'Achievement','criteria':{'humanCode':'x'}",
		"unknown term \"humanCode\" in criteria");
	refused(CONTEXT ",'type':['VerifiableCredential'],'issuer':{'validFrom':'x'}",
		"unknown term \"validFrom\" in issuer");
	refused(CONTEXT ",'issuer':'urn:x:i'", "unknown term \"issuer\" in the document");
	/* One type does not define the next. */
	refused(CONTEXT ",'type':['Achievement','Result']",
		"type \"Result\" defines \"resultDescription\" otherwise than its neighbours");
	/* What a property defines goes further in, and first. */
	expect(CONTEXT ",'id':'urn:x:a','cnf':{'id':'urn:x:b','kid':'urn:x:k'},'kid':'urn:x:l'",
		"<urn:x:a> <https://www.iana.org/assignments/jose#kid> <urn:x:l> .\n"
		"<urn:x:a> <https://www.iana.org/assignments/jwt#cnf> <urn:x:b> .\n"
		"<urn:x:b> <https://www.iana.org/assignments/jwt#kid> <urn:x:k> .\n");
	refused(CONTEXT ",'cnf':{" CONTEXT ",'kid':'urn:x:k'}",
		"a context inside a property that has definitions of its own");
}

static void contexts_are_those_in_the_table(void **state)
{
	(void)state;
	refused("'id':'urn:x:a'", "no \"@context\" for the document");
	refused("'@context':[],'id':'urn:x:a'", "no \"@context\" for the document");
	refused("'@context':" OB_AT("3.0.3") ",'name':'x'",
		"the first context is not that of Verifiable Credentials 2.0");
	refused("'@context':[" VC "," OB_AT("3.0.4") "]",
		"unknown context \"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.4.json\"");
	refused("'@context':[" VC "," OB_AT("3.0.0") "]",
		"context \"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.0.json\" redefines terms of Verifiable Credentials 2.0");
	refused("'@context':[" VC "," OB_AT("3.0.1") "]",
		"context \"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json\" redefines terms of Verifiable Credentials 2.0");
	refused("'@context':[" VC "," OB_AT("3.0.2") "," OB_AT("3.0.3") "]",
		"context \"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json\" redefines terms of those before it");
	refused("'@context':[" VC ",{'x':'urn:x:y'}]", "\"@context\" holds a definition of its own");
	refused("'@context':{'x':'urn:x:y'}", "\"@context\" is neither an address nor an array of them");
	refused("'@context':null", "\"@context\" is neither an address nor an array of them");
	refused(CONTEXT ",'type':'Related','inLanguage':{'@context':" OB_AT("3.0.2") "}",
		"context \"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json\" redefines terms of those before it");
	refused("'@context':[" VC "," OB_AT("3.0.2") "],'type':'Related','inLanguage':'en'",
		"unknown term \"inLanguage\" in Related");
	refused("'@context':[" VC "," OB_AT("3.0.2") "],'type':['VerifiableCredential'],'awardedDate':'x'",
		"unknown term \"awardedDate\" in VerifiableCredential");
}

static void what_differs_between_the_contexts(void **state)
{
	(void)state;
	static const char members[] =
		",'id':'urn:x:a','type':'AchievementSubject','achievement':'x','image':'urn:x:i'";
	char text[400];
	snprintf(text, sizeof text, "'@context':[" VC "," OB_AT("3.0.2") "]%s", members);
	expect(text,
		"<urn:x:a> " TYPE " <" OBV "AchievementSubject> .\n"
		"<urn:x:a> <" OBV "Image> <urn:x:i> .\n"
		"<urn:x:a> <" OBV "achievement-0> \"x\" .\n");
	snprintf(text, sizeof text, CONTEXT "%s", members);
	expect(text,
		"<urn:x:a> " TYPE " <" OBV "AchievementSubject> .\n"
		"<urn:x:a> <" OBV "achievement> \"x\" .\n"
		"<urn:x:a> <" OBV "image> <urn:x:i> .\n");
}

static void what_the_vocabulary_does_not_have_is_refused(void **state)
{
	(void)state;
	refused(CONTEXT ",'type':'Achievement','level':'1'", "unknown term \"level\" in Achievement");
	refused(CONTEXT ",'type':['VerifiableCredential','OpenBadgeCredential'],'endorsementJwt':'x'",
		"unknown term \"endorsementJwt\" in OpenBadgeCredential");
	refused(CONTEXT ",'type':'Badge'", "unknown type \"Badge\" of the document");
	refused(CONTEXT ",'type':'name'", "unknown type \"name\" of the document");
	refused(CONTEXT ",'type':'https://schema.org/Person'",
		"unknown type \"https://schema.org/Person\" of the document");
	refused(CONTEXT ",'type':[['Achievement']]", "\"type\" of the document is no text");
	refused(CONTEXT ",'type':null", "\"type\" of the document is no text");
	refused(CONTEXT ",'Achievement':'x'", "unknown term \"Achievement\" in the document");
	refused(CONTEXT ",'@id':'urn:x:a'", "unknown term \"@id\" in the document");
	refused(CONTEXT ",'name':{'@value':'x','@language':'en'}", "unknown term \"@value\" in name");
	refused(CONTEXT ",'https://schema.org/name':'x'",
		"unknown term \"https://schema.org/name\" in the document");
	refused(CONTEXT ",'type':'DataIntegrityProof','proofPurpose':'x'",
		"unknown term \"x\" as \"proofPurpose\"");
	refused(CONTEXT ",'a\\u001b\\\"\\u007fb':'x'", "unknown term \"a???b\" in the document");
	refused(CONTEXT
		",'\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x\xc3\xa9\xc3\xa9':'x'",
		"unknown term \"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9x...\" in the document");
}

static void values_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	refused(CONTEXT ",'name':null", "\"name\" of the document holds null");
	refused(CONTEXT ",'type':'Achievement','tag':['a',['b']]",
		"\"tag\" of Achievement holds an array within an array");
	refused(CONTEXT ",'type':'ResultDescription','allowedValue':[null]",
		"\"allowedValue\" of ResultDescription holds null");
	refused(CONTEXT ",'type':'VerifiableCredential','issuer':5",
		"\"issuer\" of VerifiableCredential is neither a text nor an object");
	refused(CONTEXT ",'type':'VerifiableCredential','validFrom':{'id':'urn:x:y'}",
		"\"validFrom\" takes texts, no object");
	refused(CONTEXT, "the document says nothing");
	refused(CONTEXT ",'id':'urn:x:a'", "the document says nothing");
	refused(CONTEXT ",'id':5,'name':'x'", "\"id\" of the document is no absolute IRI: \"?\"");
	json_t *array = json_array();
	struct buf b = {0};
	char why[RDF_WHY_BYTES];
	assert_int_equal(rdf_canonical(array, &b, why), ERR_REFUSED);
	assert_string_equal(why, "the document is no object");
	json_decref(array);
}

/* An IRI stands between < and > as it is: what could end it must not be in it. */
static void iris_cannot_break_out(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "a/b", "#a", "@type", "_:b0", ":x", "1a:b", "a b:c",
		"urn:x:a b", "urn:x:>", "urn:x:<", "urn:x:\\\"", "urn:x:{", "urn:x:}", "urn:x:|", "urn:x:^",
		"urn:x:`", "urn:x:\\\\", "urn:x:\\n", "urn:x:\\u0001", "urn:x:\\u007f", "\\u00e9:x"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[400], why[RDF_WHY_BYTES];
		struct buf b = {0};
		for (int place = 0; place < 2; place++) {
			snprintf(text, sizeof text, CONTEXT ",'type':'VerifiableCredential','%s':'%s'",
				place ? "issuer" : "id", bad[i]);
			json_t *doc = document(text);
			assert_int_equal(rdf_canonical(doc, &b, why), ERR_REFUSED);
			if (!strstr(why, "is no absolute IRI"))
				fail_msg("%s: %s", bad[i], why);
			json_decref(doc);
		}
	}
	expect(CONTEXT ",'id':'z:','name':'x'", "<z:> <https://schema.org/name> \"x\" .\n");
	expect(CONTEXT ",'id':'A:','name':'x'", "<A:> <https://schema.org/name> \"x\" .\n");
	expect(CONTEXT ",'id':'a0+b-c.19z:\xc3\xa9\\u00a1?#[]@!$&()*,;=%','name':'x'",
		"<a0+b-c.19z:\xc3\xa9\xc2\xa1?#[]@!$&()*,;=%> <https://schema.org/name> \"x\" .\n");
}

static void blank_nodes_are_told_apart_or_refused(void **state)
{
	(void)state;
	refused(CONTEXT ",'id':'urn:x:a','type':'Achievement','related':[{'name':'x'},{'name':'x'}]",
		"two objects without an id cannot be told apart");
	refused(CONTEXT ",'id':'urn:x:a','type':'Achievement','related':[{},{}]",
		"two objects without an id cannot be told apart");
	/* The same objects, in another order: the same bytes. */
	struct buf b[2] = {{0}};
	static const char *const orders[] = {
		CONTEXT
		",'type':'Achievement','related':[{'name':'x','alignment':{'url':'u'}},{'name':'y','alignment':{'url':'v'}}]",
		"'related':[{'alignment':{'url':'v'},'name':'y'},{'alignment':{'url':'u'},'name':'x'}],'type':['Achievement']," CONTEXT,
	};
	for (size_t i = 0; i < 2; i++) {
		char why[RDF_WHY_BYTES];
		json_t *doc = document(orders[i]);
		assert_int_equal(rdf_canonical(doc, &b[i], why), OK);
		json_decref(doc);
	}
	assert_true(slice_equal(buf_slice(&b[0]), buf_slice(&b[1])));
	buf_free(&b[0]);
	buf_free(&b[1]);
}

static json_t *with_tags(size_t n, const char *id)
{
	char text[24];
	json_t *doc = document(CONTEXT ",'type':'Achievement'"), *tags = json_array();
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof text, "%zu", i);
		json_array_append_new(tags, json_string(text));
	}
	json_object_set_new(doc, "tag", tags);
	json_object_set_new(doc, "id", json_string(id));
	return doc;
}

static void statements_have_limits(void **state)
{
	(void)state;
	char why[RDF_WHY_BYTES];
	for (size_t extra = 0; extra < 2; extra++) {
		struct buf b = {0};
		/* One statement is the type. */
		json_t *doc = with_tags(RDF_QUADS_MAX - 1 + extra, "urn:x:a");
		assert_int_equal(rdf_canonical(doc, &b, why), extra ? ERR_REFUSED : OK);
		assert_string_equal(why, extra ? "more than 20000 statements" : "");
		buf_free(&b);
		json_decref(doc);
	}
	/* A long IRI is written once for each statement. */
	static char id[1 << 20];
	memset(id, 'x', sizeof id - 1);
	memcpy(id, "urn:", 4);
	struct buf b = {0};
	json_t *doc = with_tags(100, id);
	assert_int_equal(rdf_canonical(doc, &b, why), ERR_REFUSED);
	assert_string_equal(why, "its statements are too long");
	json_decref(doc);
}

static void depth_has_a_limit(void **state)
{
	(void)state;
	char why[RDF_WHY_BYTES];
	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		struct buf b = {0};
		json_t *doc = json_pack("{s:s}", "name", "x");
		for (size_t i = 1; i < depth; i++)
			doc = json_pack("{s:o}", "name", doc);
		json_object_set_new(doc, "@context", json_string("https://www.w3.org/ns/credentials/v2"));
		assert_int_equal(rdf_canonical(doc, &b, why), ERR_REFUSED);
		/* A chain of unnamed objects has ties before it has a limit. */
		assert_string_equal(why,
			depth == JSON_DEPTH_MAX ? "two objects without an id cannot be told apart"
						: "nested too deeply");
		buf_free(&b);
		json_decref(doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_term_becomes_what_the_context_says),
		cmocka_unit_test(numbers_are_integers_or_doubles),
		cmocka_unit_test(sets_lists_and_repeated_statements),
		cmocka_unit_test(a_statement_counts_once_in_each_graph),
		cmocka_unit_test(graphs_are_blank_nodes_of_their_own),
		cmocka_unit_test(texts_are_escaped_and_sorted_by_code_point),
		cmocka_unit_test(types_end_with_their_object),
		cmocka_unit_test(contexts_are_those_in_the_table),
		cmocka_unit_test(what_differs_between_the_contexts),
		cmocka_unit_test(what_the_vocabulary_does_not_have_is_refused),
		cmocka_unit_test(values_that_do_not_fit_are_refused),
		cmocka_unit_test(iris_cannot_break_out),
		cmocka_unit_test(blank_nodes_are_told_apart_or_refused),
		cmocka_unit_test(statements_have_limits),
		cmocka_unit_test(depth_has_a_limit),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
