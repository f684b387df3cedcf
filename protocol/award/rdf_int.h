/* rdf_int.h -- between the parts of rdf.h: rdf_vocab.c (the table), rdf_read.c (JSON to statements), rdf_write.c (statements to canonical N-Quads). */
#ifndef QUIRE_AWARD_RDF_INT_H
#define QUIRE_AWARD_RDF_INT_H

#include "arena.h"
#include "protocol/award/quote.h"
#include "protocol/award/rdf.h"

#define RDF_BYTES_MAX (32u << 20)
#define RDF_NS "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
#define XSD "http://www.w3.org/2001/XMLSchema#"

/* ---- vocabulary ---- */

enum rdf_kind { KIND_PLAIN, KIND_TYPED, KIND_NODE, KIND_VOCAB, KIND_JSON, KIND_CLASS };
enum rdf_container { CONTAINER_ONE, CONTAINER_SET, CONTAINER_LIST, CONTAINER_GRAPH };
enum rdf_scope {
	SCOPE_TOP,
#define SCOPE(name) SCOPE_##name,
#include "protocol/award/vocab.def"
	SCOPE_NONE,
	SCOPE_NOTHING,
};
_Static_assert(SCOPE_NONE <= 64, "a scope is a bit");

/* A term, as one context defines it. */
struct rdf_def {
	enum rdf_scope in; /* where it is defined */
	unsigned from; /* contexts that define it, bits */
	const char *term, *iri;
	enum rdf_kind kind;
	const char *datatype;
	enum rdf_container container;
	enum rdf_scope scope; /* what it brings into force in its turn */
};

/* What is in force at a place of the document. */
struct rdf_env {
	unsigned from; /* contexts, bits */
	uint64_t props; /* scopes of the properties above */
	uint64_t types; /* scopes of this object's types; they end with the object */
};

struct rdf;

/* The definition of a term where env is in force, or NULL. */
const struct rdf_def *rdf_find(const struct rdf_env *env, const char *term);
/* Brings the contexts of a "@context" into force. ERR_REFUSED. */
MUST_CHECK enum err rdf_env_contexts(struct rdf *r, struct rdf_env *env, const json_t *contexts);
/* Brings into force what a class defines. ERR_REFUSED: it differs from what is in force. */
MUST_CHECK enum err rdf_env_class(struct rdf *r, struct rdf_env *env, const struct rdf_def *class);
/* What is in force inside a property's value. */
struct rdf_env rdf_env_inside(const struct rdf_env *env, const struct rdf_def *property);

/* ---- statements ---- */

/* A subject or object: an IRI or literal if text.p, else the blank node. */
struct rdf_name {
	struct slice text;
	uint32_t blank;
};

struct rdf_quad {
	struct rdf_name s, o;
	const char *p;
	bool literal; /* o is one */
	const char *datatype; /* of the literal; NULL: a text */
	uint32_t graph; /* 0: the default graph; otherwise a blank node, plus one */
};

struct rdf {
	struct rdf_quad *quads; /* texts are borrowed from the document, the table or the arena */
	size_t n, cap;
	uint32_t blanks; /* numbered from 0 */
	unsigned depth;
	struct arena arena;
	uint8_t verdict[64]; /* of combinations of contexts: 0 not looked at, 1 fit, 2 do not */
	char *why;
};

/* Says why, in RDF_WHY_BYTES; returns ERR_REFUSED. */
__attribute__((format(printf, 2, 3))) enum err rdf_refuse(struct rdf *r, const char *format, ...);

/* The statements of the whole document. ERR_REFUSED, ERR_MEMORY. */
MUST_CHECK enum err rdf_read(struct rdf *r, const json_t *doc);
/* Sorts the statements, drops repeated ones, names the blank nodes and appends the lines. ERR_REFUSED, ERR_MEMORY. */
MUST_CHECK enum err rdf_write(struct rdf *r, struct buf *out);

#endif
