/* A document's objects as statements: JSON-LD expansion and serialisation, as far as a closed vocabulary needs them. */
#include "protocol/award/json.h"
#include "protocol/award/rdf_int.h"

#include <math.h>
#include <stdio.h>

/* One object while it is read. */
struct node {
	struct rdf_env env;
	struct rdf_name name;
	uint32_t graph;
	const char *what; /* its first type, or the property that holds it */
};

static enum err read_node(struct rdf *r, const json_t *o, struct node *node);

static enum err add(struct rdf *r, const struct rdf_quad *quad)
{
	if (r->n == RDF_QUADS_MAX)
		return rdf_refuse(r, "more than %u statements", RDF_QUADS_MAX);
	if (r->n == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct rdf_quad *p = (struct rdf_quad *)realloc(r->quads, cap * sizeof *p);
		if (!p)
			return ERR_MEMORY;
		r->quads = p;
		r->cap = cap;
	}
	r->quads[r->n++] = *quad;
	return OK;
}

static struct rdf_name new_blank(struct rdf *r)
{
	return (struct rdf_name){.blank = r->blanks++};
}

static struct rdf_name iri_of(const char *text)
{
	return (struct rdf_name){.text = slice_str(text)};
}

/* SPEC 17.4: "An IRI begins with a scheme and a colon" */
static bool is_iri(const json_t *v)
{
	const char *s = json_string_value(v);
	if (!s || strlen(s) != json_string_length(v) || !((*s | 32) >= 'a' && (*s | 32) <= 'z'))
		return false;
	size_t scheme = 0;
	while ((s[scheme] >= '0' && s[scheme] <= '9') ||
		((s[scheme] | 32) >= 'a' && (s[scheme] | 32) <= 'z') || s[scheme] == '+' ||
		s[scheme] == '-' || s[scheme] == '.')
		scheme++;
	if (s[scheme] != ':')
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || *s == 0x7f || strchr("<>\"{}|^`\\", *s))
			return false;
	return true;
}

/* ---- literals ---- */

/* SPEC 17.4: "a number without a fraction below 10^21 is written as an integer" */
static enum err number_text(struct rdf *r, double d, char text[32], const char **datatype)
{
	if (!isfinite(d))
		return rdf_refuse(r, "a number that is not finite");
	bool whole = fabs(d) >= 9007199254740992.0 || (double)(int64_t)d == d;
	if (whole && fabs(d) < 1e21) {
		snprintf(text, 32, "%.0f", d == 0 ? 0.0 : d);
		*datatype = XSD "integer";
		return OK;
	}
	snprintf(text, 32, "%.15e", d);
	if (strtod(text, NULL) < d || strtod(text, NULL) > d)
		return rdf_refuse(r, "the number %.17g has more than 16 digits", d);
	char *e = strchr(text, 'e');
	int exponent = (int)strtol(e + 1, NULL, 10);
	while (e[-1] == '0' && e[-2] != '.')
		e--;
	snprintf(e, 8, "E%d", exponent);
	*datatype = XSD "double";
	return OK;
}

static enum err read_number(struct rdf *r, const json_t *v, struct rdf_quad *quad)
{
	char text[32];
	double d = json_number_value(v);
	if (json_is_integer(v) && (d >= 9223372036854775808.0 || (json_int_t)d != json_integer_value(v)))
		return rdf_refuse(r, "an integer that a double cannot hold");
	enum err e = number_text(r, d, text, &quad->datatype);
	if (e != OK)
		return e;
	quad->o.text = arena_copy(&r->arena, slice_str(text));
	return quad->o.text.p ? OK : ERR_MEMORY;
}

static enum err read_json(struct rdf *r, const json_t *v, struct rdf_quad *quad)
{
	struct buf text = {0};
	enum err e = json_canonical(v, &text);
	if (e == OK) {
		quad->o.text = arena_copy(&r->arena, buf_slice(&text));
		e = quad->o.text.p ? OK : ERR_MEMORY;
	}
	buf_free(&text);
	quad->literal = true;
	quad->datatype = RDF_NS "JSON";
	return e == ERR_RANGE || e == ERR_LIMIT ? rdf_refuse(r, "a JSON value that cannot be canonical") : e;
}

/* ---- values ---- */

static enum err read_string(struct rdf *r, const struct node *node, const struct rdf_def *def,
	const json_t *v, struct rdf_quad *quad)
{
	char quoted[QUOTE_BYTES];
	const char *s = json_string_value(v);
	if (def->container == CONTAINER_GRAPH)
		return rdf_refuse(r, "\"%s\" takes objects", def->term);
	quad->o.text = slice_of(s, json_string_length(v));
	if (def->kind == KIND_NODE)
		return is_iri(v) ? OK
				 : rdf_refuse(r, "\"%s\" of %s is no absolute IRI: \"%s\"", def->term,
					   node->what, quote(s, quoted));
	if (def->kind == KIND_VOCAB) {
		struct rdf_env env = rdf_env_inside(&node->env, def);
		env.types = node->env.types;
		const struct rdf_def *term = rdf_find(&env, s);
		if (!term)
			return rdf_refuse(r, "unknown term \"%s\" as \"%s\"", quote(s, quoted), def->term);
		quad->o = iri_of(term->iri);
		return OK;
	}
	quad->literal = true;
	quad->datatype = def->datatype;
	return OK;
}

static enum err read_object(struct rdf *r, const struct node *node, const struct rdf_def *def,
	const json_t *v, struct rdf_quad *quad)
{
	struct node child = {.env = rdf_env_inside(&node->env, def), .graph = node->graph, .what = def->term};
	if (def->kind == KIND_TYPED)
		return rdf_refuse(r, "\"%s\" takes texts, no object", def->term);
	struct rdf_name graph = {0};
	if (def->container == CONTAINER_GRAPH) {
		graph = new_blank(r);
		child.graph = graph.blank + 1;
	}
	size_t before = r->n;
	enum err e = read_node(r, v, &child);
	if (e == OK && def->container == CONTAINER_GRAPH && r->n == before)
		return rdf_refuse(r, "\"%s\" of %s says nothing", def->term, node->what);
	quad->o = def->container == CONTAINER_GRAPH ? graph : child.name;
	return e;
}

/* Sets the object of the statement. */
static enum err read_value(struct rdf *r, const struct node *node, const struct rdf_def *def, const json_t *v,
	struct rdf_quad *quad)
{
	if (def->kind == KIND_JSON)
		return read_json(r, v, quad);
	if (json_is_string(v))
		return read_string(r, node, def, v, quad);
	if (json_is_object(v))
		return read_object(r, node, def, v, quad);
	if (json_is_null(v) || json_is_array(v))
		return rdf_refuse(r, "\"%s\" of %s holds %s", def->term, node->what,
			json_is_null(v) ? "null" : "an array within an array");
	if (def->kind == KIND_NODE || def->kind == KIND_VOCAB)
		return rdf_refuse(r, "\"%s\" of %s is neither a text nor an object", def->term, node->what);
	quad->literal = true;
	if (json_is_number(v)) {
		enum err e = read_number(r, v, quad);
		if (e != OK)
			return e;
	} else {
		quad->o.text = slice_str(json_is_true(v) ? "true" : "false");
		quad->datatype = XSD "boolean";
	}
	if (def->datatype)
		quad->datatype = def->datatype;
	return OK;
}

static struct rdf_quad statement(const struct node *node, const struct rdf_def *def)
{
	return (struct rdf_quad){.s = node->name, .p = def->iri, .graph = node->graph};
}

/* A list: one blank node for each value, linked by rdf:rest. */
static enum err read_list(struct rdf *r, const struct node *node, const struct rdf_def *def, const json_t *v)
{
	size_t n = json_is_array(v) ? json_array_size(v) : 1;
	struct rdf_quad link = statement(node, def);
	enum err e = OK;
	for (size_t i = 0; e == OK && i < n; i++) {
		struct rdf_quad first = {.s = new_blank(r), .p = RDF_NS "first", .graph = node->graph};
		link.o = first.s;
		e = add(r, &link);
		if (e == OK)
			e = read_value(r, node, def, json_is_array(v) ? json_array_get(v, i) : v, &first);
		if (e == OK)
			e = add(r, &first);
		link = (struct rdf_quad){.s = first.s, .p = RDF_NS "rest", .graph = node->graph};
	}
	link.o = iri_of(RDF_NS "nil");
	return e == OK ? add(r, &link) : e;
}

static enum err read_member(struct rdf *r, const struct node *node, const char *key, const json_t *v)
{
	char quoted[QUOTE_BYTES];
	const struct rdf_def *def = rdf_find(&node->env, key);
	if (!def || def->kind == KIND_CLASS)
		return rdf_refuse(r, "unknown term \"%s\" in %s", quote(key, quoted), node->what);
	if (def->container == CONTAINER_LIST)
		return read_list(r, node, def, v);
	bool each = json_is_array(v) && def->kind != KIND_JSON;
	size_t n = each ? json_array_size(v) : 1;
	for (size_t i = 0; i < n; i++) {
		struct rdf_quad quad = statement(node, def);
		enum err e = read_value(r, node, def, each ? json_array_get(v, i) : v, &quad);
		if (e == OK)
			e = add(r, &quad);
		if (e != OK)
			return e;
	}
	return OK;
}

/* ---- objects ---- */

static enum err read_type(struct rdf *r, struct node *node, const struct rdf_env *outside, const json_t *v)
{
	char quoted[QUOTE_BYTES];
	if (!json_is_string(v))
		return rdf_refuse(r, "\"type\" of %s is no text", node->what);
	const struct rdf_def *class = rdf_find(outside, json_string_value(v));
	if (!class || class->kind != KIND_CLASS)
		return rdf_refuse(
			r, "unknown type \"%s\" of %s", quote(json_string_value(v), quoted), node->what);
	enum err e = rdf_env_class(r, &node->env, class);
	if (e != OK)
		return e;
	struct rdf_quad quad = {
		.s = node->name, .p = RDF_NS "type", .o = iri_of(class->iri), .graph = node->graph};
	return add(r, &quad);
}

static enum err read_types(struct rdf *r, struct node *node, const json_t *types)
{
	/* Types are looked up as outside: one does not define the next. */
	struct rdf_env outside = node->env;
	enum err e = OK;
	if (types && !json_is_array(types))
		return read_type(r, node, &outside, types);
	for (size_t i = 0; e == OK && i < json_array_size(types); i++)
		e = read_type(r, node, &outside, json_array_get(types, i));
	return e;
}

static enum err read_members(struct rdf *r, const json_t *o, struct node *node)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)(uintptr_t)o, key, v)
	{
		if (strcmp(key, "@context") == 0 || strcmp(key, "id") == 0 || strcmp(key, "type") == 0)
			continue;
		enum err e = read_member(r, node, key, v);
		if (e != OK)
			return e;
	}
	return OK;
}

/* The most telling type names the object in reasons. */
static const char *what_it_is(const json_t *types, const char *otherwise)
{
	const json_t *last = json_is_array(types) ? json_array_get(types, json_array_size(types) - 1) : types;
	return json_is_string(last) ? json_string_value(last) : otherwise;
}

static enum err read_inner(struct rdf *r, const json_t *o, struct node *node)
{
	char quoted[QUOTE_BYTES];
	const json_t *contexts = json_object_get(o, "@context"), *id = json_object_get(o, "id");
	const json_t *types = json_object_get(o, "type");
	enum err e = contexts ? rdf_env_contexts(r, &node->env, contexts) : OK;
	if (e != OK)
		return e;
	if (!node->env.from)
		return rdf_refuse(r, "no \"@context\" for %s", node->what);
	if (id && !is_iri(id))
		return rdf_refuse(r, "\"id\" of %s is no absolute IRI: \"%s\"", node->what,
			json_is_string(id) ? quote(json_string_value(id), quoted) : "?");
	node->name = id ? iri_of(json_string_value(id)) : new_blank(r);
	e = read_types(r, node, types);
	node->what = what_it_is(types, node->what);
	return e == OK ? read_members(r, o, node) : e;
}

static enum err read_node(struct rdf *r, const json_t *o, struct node *node)
{
	if (r->depth == JSON_DEPTH_MAX)
		return rdf_refuse(r, "nested too deeply");
	r->depth++;
	enum err e = read_inner(r, o, node);
	r->depth--;
	return e;
}

enum err rdf_read(struct rdf *r, const json_t *doc)
{
	struct node node = {.what = "the document"};
	if (!json_is_object(doc))
		return rdf_refuse(r, "the document is no object");
	enum err e = read_node(r, doc, &node);
	return e == OK && r->n == 0 ? rdf_refuse(r, "the document says nothing") : e;
}
