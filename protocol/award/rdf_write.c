/* Canonical N-Quads: RDFC-1.0 as far as first-degree hashes decide. */
#include "protocol/award/rdf_int.h"

#include <sodium.h>
#include <stdio.h>

/* How blank nodes are written. */
struct labels {
	const uint32_t *final; /* numbers of c14n labels, or NULL: first-degree hashing */
	uint32_t self; /* then this one is _:a, all others _:z */
};

struct line {
	const uint8_t *p;
	size_t n;
};

/* ---- one statement as a line ---- */

static enum err put_text(struct buf *out, const char *text)
{
	return buf_put(out, text, strlen(text));
}

static enum err put_iri(struct buf *out, struct slice iri)
{
	enum err e = put_text(out, "<");
	if (e == OK)
		e = buf_put_slice(out, iri);
	return e == OK ? put_text(out, ">") : e;
}

static enum err put_blank(struct buf *out, uint32_t blank, const struct labels *labels)
{
	char text[24];
	if (labels->final)
		snprintf(text, sizeof text, "_:c14n%u", (unsigned)labels->final[blank]);
	else
		snprintf(text, sizeof text, blank == labels->self ? "_:a" : "_:z");
	return put_text(out, text);
}

static enum err put_name(struct buf *out, const struct rdf_name *name, const struct labels *labels)
{
	return name->text.p ? put_iri(out, name->text) : put_blank(out, name->blank, labels);
}

static enum err put_escape(struct buf *out, uint8_t c)
{
	static const char plain[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
	char text[8];
	const char *found = c ? strchr(plain, c) : NULL;
	if (found)
		snprintf(text, sizeof text, "\\%c", letters[found - plain]);
	else
		snprintf(text, sizeof text, "\\u%04X", (unsigned)c);
	return put_text(out, text);
}

static enum err put_literal(struct buf *out, struct slice text, const char *datatype)
{
	size_t from = 0;
	enum err e = put_text(out, "\"");
	for (size_t i = 0; e == OK && i < text.n; i++) {
		uint8_t c = text.p[i];
		if (c >= 0x20 && c != 0x7f && c != '"' && c != '\\')
			continue;
		e = buf_put(out, text.p + from, i - from);
		if (e == OK)
			e = put_escape(out, c);
		from = i + 1;
	}
	if (e == OK)
		e = buf_put(out, text.p + from, text.n - from);
	if (e == OK)
		e = put_text(out, datatype ? "\"^^" : "\"");
	return e == OK && datatype ? put_iri(out, slice_str(datatype)) : e;
}

static enum err put_quad(struct buf *out, const struct rdf_quad *q, const struct labels *labels)
{
	enum err e = put_name(out, &q->s, labels);
	if (e == OK)
		e = put_text(out, " ");
	if (e == OK)
		e = put_iri(out, slice_str(q->p));
	if (e == OK)
		e = put_text(out, " ");
	if (e == OK)
		e = q->literal ? put_literal(out, q->o.text, q->datatype) : put_name(out, &q->o, labels);
	if (e == OK && q->graph) {
		e = put_text(out, " ");
		if (e == OK)
			e = put_blank(out, q->graph - 1, labels);
	}
	return e == OK ? put_text(out, " .\n") : e;
}

static int line_cmp(const void *a, const void *b)
{
	const struct line *x = (const struct line *)a, *y = (const struct line *)b;
	int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);
	return c ? c : (x->n > y->n) - (x->n < y->n);
}

/* The chosen statements as sorted lines: into out, or only into the hash. */
static enum err put_sorted(const struct rdf *r, const uint32_t *chosen, size_t n, const struct labels *labels,
	struct buf *out, crypto_hash_sha256_state *hash)
{
	struct buf text = {0};
	struct line *lines = (struct line *)malloc((n ? n : 1) * sizeof *lines);
	enum err e = lines ? OK : ERR_MEMORY;
	for (size_t i = 0; e == OK && i < n; i++) {
		size_t from = text.n;
		e = put_quad(&text, &r->quads[chosen ? chosen[i] : i], labels);
		lines[i].n = text.n - from;
	}
	for (size_t i = 0, at = 0; e == OK && i < n; at += lines[i++].n)
		lines[i].p = text.p + at;
	if (e == OK)
		qsort(lines, n, sizeof *lines, line_cmp);
	for (size_t i = 0; e == OK && i < n; i++) {
		if (out)
			e = buf_put(out, lines[i].p, lines[i].n);
		else
			crypto_hash_sha256_update(hash, lines[i].p, lines[i].n);
	}
	free(lines);
	buf_free(&text);
	return e;
}

/* ---- the set of statements ---- */

static int text_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int name_cmp(const struct rdf_name *a, const struct rdf_name *b)
{
	if (!a->text.p || !b->text.p)
		return a->text.p ? 1 : b->text.p ? -1 : (a->blank > b->blank) - (a->blank < b->blank);
	return text_cmp(a->text, b->text);
}

static int quad_cmp(const void *x, const void *y)
{
	const struct rdf_quad *a = (const struct rdf_quad *)x, *b = (const struct rdf_quad *)y;
	int c = name_cmp(&a->s, &b->s);
	if (!c)
		c = strcmp(a->p, b->p);
	if (!c)
		c = (int)a->literal - (int)b->literal;
	if (!c)
		c = name_cmp(&a->o, &b->o);
	if (!c)
		c = strcmp(a->datatype ? a->datatype : "", b->datatype ? b->datatype : "");
	return c ? c : (a->graph > b->graph) - (a->graph < b->graph);
}

/* SPEC 17.4: "A statement that is made twice counts once." */
static void drop_repeated(struct rdf *r)
{
	size_t kept = 0;
	if (r->n)
		qsort(r->quads, r->n, sizeof *r->quads, quad_cmp);
	for (size_t i = 0; i < r->n; i++)
		if (kept == 0 || quad_cmp(&r->quads[kept - 1], &r->quads[i]) != 0)
			r->quads[kept++] = r->quads[i];
	r->n = kept;
}

/* What the lines take at most: long IRIs are written once for each statement about them. */
static enum err check_size(struct rdf *r)
{
	size_t total = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct rdf_quad *q = &r->quads[i];
		total += q->s.text.n + strlen(q->p) + q->o.text.n * (q->literal ? 6 : 1) + 128;
		if (total > RDF_BYTES_MAX)
			return rdf_refuse(r, "its statements are too long");
	}
	return OK;
}

/* ---- names of the blank nodes ---- */

/* Statement `quad` names the blank node. */
struct mention {
	uint32_t blank, quad;
};

struct digest {
	struct id32 hash;
	uint32_t blank;
};

static int mention_cmp(const void *a, const void *b)
{
	const struct mention *x = (const struct mention *)a, *y = (const struct mention *)b;
	return x->blank != y->blank ? (x->blank > y->blank) - (x->blank < y->blank)
				    : (x->quad > y->quad) - (x->quad < y->quad);
}

static int digest_cmp(const void *a, const void *b)
{
	const struct digest *x = (const struct digest *)a, *y = (const struct digest *)b;
	return id32_cmp(&x->hash, &y->hash);
}

/* Every mention once, by blank node. */
static size_t list_mentions(const struct rdf *r, struct mention *out)
{
	size_t n = 0, kept = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		const struct rdf_quad *q = &r->quads[i];
		if (!q->s.text.p)
			out[n++] = (struct mention){q->s.blank, i};
		if (!q->literal && !q->o.text.p)
			out[n++] = (struct mention){q->o.blank, i};
		if (q->graph)
			out[n++] = (struct mention){q->graph - 1, i};
	}
	qsort(out, n, sizeof *out, mention_cmp);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || mention_cmp(&out[kept - 1], &out[i]) != 0)
			out[kept++] = out[i];
	return kept;
}

/* First-degree hash of each blank node that statements mention; *n of them. */
static enum err hash_all(struct rdf *r, const struct mention *mentions, size_t count, uint32_t *chosen,
	struct digest *digests, size_t *n)
{
	size_t i = 0;
	while (i < count) {
		size_t k = 0;
		uint32_t blank = mentions[i].blank;
		for (; i < count && mentions[i].blank == blank; i++)
			chosen[k++] = mentions[i].quad;
		crypto_hash_sha256_state hash;
		crypto_hash_sha256_init(&hash);
		enum err e = put_sorted(r, chosen, k, &(struct labels){.self = blank}, NULL, &hash);
		if (e != OK)
			return e;
		crypto_hash_sha256_final(&hash, digests[*n].hash.b);
		digests[(*n)++].blank = blank;
	}
	return OK;
}

static enum err give_numbers(struct rdf *r, struct digest *digests, size_t n, uint32_t *numbers)
{
	if (n)
		qsort(digests, n, sizeof *digests, digest_cmp);
	for (size_t i = 0; i < n; i++) {
		if (i && id32_equal(&digests[i].hash, &digests[i - 1].hash))
			return rdf_refuse(r, "two objects without an id cannot be told apart");
		numbers[digests[i].blank] = (uint32_t)i;
	}
	return OK;
}

static enum err name_blanks(struct rdf *r, uint32_t *numbers)
{
	size_t n = 0, room = 3 * r->n + 1;
	struct mention *mentions = (struct mention *)malloc(room * sizeof *mentions);
	uint32_t *chosen = (uint32_t *)malloc(room * sizeof *chosen);
	struct digest *digests = (struct digest *)malloc((size_t)(r->blanks + 1) * sizeof *digests);
	enum err e = mentions && chosen && digests ? OK : ERR_MEMORY;
	if (e == OK)
		e = hash_all(r, mentions, list_mentions(r, mentions), chosen, digests, &n);
	if (e == OK)
		e = give_numbers(r, digests, n, numbers);
	free(mentions);
	free(chosen);
	free(digests);
	return e;
}

enum err rdf_write(struct rdf *r, struct buf *out)
{
	enum err e = check_size(r);
	if (e != OK)
		return e;
	drop_repeated(r);
	uint32_t *numbers = (uint32_t *)calloc((size_t)r->blanks + 1, sizeof *numbers);
	if (!numbers)
		return ERR_MEMORY;
	e = name_blanks(r, numbers);
	if (e == OK)
		e = put_sorted(r, NULL, r->n, &(struct labels){.final = numbers}, out, NULL);
	free(numbers);
	return e;
}
