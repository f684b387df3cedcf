#include "protocol/award/rdf_int.h"

enum {
	FROM_NOWHERE = 0,
	FROM_VC20 = 1,
	FROM_OB302 = 2,
	FROM_OB303 = 4,
	FROM_OB30 = FROM_OB302 | FROM_OB303,
	FROM_EXTENSIONS = 8,
	FROM_CITIZENSHIP = 16,
	FROM_EXAMPLES = 32,
};

/* Beginnings of the IRIs in vocab.def. */
#define CRED "https://www.w3.org/2018/credentials#"
#define SEC "https://w3id.org/security#"
#define STATUS "https://www.w3.org/ns/credentials/status#"
#define OB "https://purl.imsglobal.org/spec/vc/ob/vocab.html#"
#define SCHEMA "https://schema.org/"
#define XSD_HTTPS "https://www.w3.org/2001/XMLSchema#"
#define JWT "https://www.iana.org/assignments/jwt#"
#define JOSE "https://www.iana.org/assignments/jose#"
#define CITIZEN "https://w3id.org/citizenship#"
#define EXAMPLE "https://www.w3.org/ns/credentials/examples#"

static const struct rdf_def table[] = {
#define CLASS(in, from, term, iri, scope) \
	{SCOPE_##in, FROM_##from, term, iri, KIND_CLASS, NULL, CONTAINER_ONE, SCOPE_##scope},
#define TERM(in, from, term, iri, kind, datatype, container, scope) \
	{SCOPE_##in, FROM_##from, term, iri, KIND_##kind, datatype, CONTAINER_##container, SCOPE_##scope},
#include "protocol/award/vocab.def"
};
#define TABLE_ROWS (sizeof table / sizeof table[0])

static const struct {
	unsigned from;
	const char *address;
} contexts_known[] = {
#define CONTEXT(from, address) {FROM_##from, address},
#include "protocol/award/vocab.def"
};

static uint64_t scope_bit(enum rdf_scope scope)
{
	return scope < SCOPE_NONE ? UINT64_C(1) << scope : 0;
}

const struct rdf_def *rdf_find(const struct rdf_env *env, const char *term)
{
	const struct rdf_def *found = NULL;
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		const struct rdf_def *d = &table[i];
		if (!(d->from & env->from) || d->term[0] != term[0] || strcmp(d->term, term) != 0)
			continue;
		/* A property's own definitions come before all others, which agree among themselves. */
		if (env->props & scope_bit(d->in))
			return d;
		if (d->in == SCOPE_TOP || (env->types & scope_bit(d->in)))
			found = d;
	}
	return found;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_def(const struct rdf_def *a, const struct rdf_def *b)
{
	return strcmp(a->iri, b->iri) == 0 && a->kind == b->kind && same_text(a->datatype, b->datatype) &&
		a->container == b->container && a->scope == b->scope;
}

/* The first term that contexts `from` define in the scope otherwise than env has it, or NULL. */
static const char *clash(const struct rdf_env *env, unsigned from, enum rdf_scope in)
{
	for (size_t i = 0; i < TABLE_ROWS; i++) {
		if (table[i].in != in || !(table[i].from & from))
			continue;
		const struct rdf_def *d = rdf_find(env, table[i].term);
		if (d && !same_def(d, &table[i]))
			return table[i].term;
	}
	return NULL;
}

static enum err add_context(struct rdf *r, struct rdf_env *env, const char *address)
{
	char quoted[QUOTE_BYTES];
	size_t i = 0, n = sizeof contexts_known / sizeof contexts_known[0];
	while (i < n && strcmp(contexts_known[i].address, address) != 0)
		i++;
	if (i == n)
		return rdf_refuse(r, "unknown context \"%s\"", quote(address, quoted));
	unsigned from = contexts_known[i].from;
	if (from == FROM_NOWHERE)
		return rdf_refuse(r, "context \"%s\" redefines terms of Verifiable Credentials 2.0", address);
	if (env->from & from)
		return OK;
	if (env->from == 0 && from != FROM_VC20)
		return rdf_refuse(r, "the first context is not that of Verifiable Credentials 2.0");
	uint8_t *verdict = &r->verdict[(env->from | from) & 63];
	if (*verdict == 0)
		*verdict = clash(env, from, SCOPE_TOP) ? 2 : 1;
	if (*verdict == 2)
		return rdf_refuse(r, "context \"%s\" redefines terms of those before it", address);
	env->from |= from;
	return OK;
}

enum err rdf_env_contexts(struct rdf *r, struct rdf_env *env, const json_t *contexts)
{
	if (env->props)
		return rdf_refuse(r, "a context inside a property that has definitions of its own");
	if (json_is_string(contexts))
		return add_context(r, env, json_string_value(contexts));
	if (!json_is_array(contexts))
		return rdf_refuse(r, "\"@context\" is neither an address nor an array of them");
	for (size_t i = 0; i < json_array_size(contexts); i++) {
		const json_t *c = json_array_get(contexts, i);
		if (!json_is_string(c))
			return rdf_refuse(r, "\"@context\" holds a definition of its own");
		enum err e = add_context(r, env, json_string_value(c));
		if (e != OK)
			return e;
	}
	return OK;
}

enum err rdf_env_class(struct rdf *r, struct rdf_env *env, const struct rdf_def *class)
{
	uint64_t bit = scope_bit(class->scope);
	if (!bit || (env->types & bit))
		return OK;
	const char *term = clash(env, env->from, class->scope);
	if (term)
		return rdf_refuse(
			r, "type \"%s\" defines \"%s\" otherwise than its neighbours", class->term, term);
	env->types |= bit;
	return OK;
}

struct rdf_env rdf_env_inside(const struct rdf_env *env, const struct rdf_def *property)
{
	if (property->scope == SCOPE_NOTHING)
		return (struct rdf_env){0};
	return (struct rdf_env){.from = env->from, .props = env->props | scope_bit(property->scope)};
}
