/* rdf.h -- a JSON-LD document of a closed vocabulary as canonical N-Quads. SPEC.md section 17.4.
 *
 * No context is ever fetched: the terms that Verifiable Credentials 2.0 and Open Badges 3.0 define stand in vocab.def, with what their contexts say of them
 * (IRI, type of the literal, @id, container). A document whose @context is another, or that uses a term which is not in the table where it stands, is refused with the
 * reason. Canonicalisation is RDFC-1.0 as far as first-degree hashes decide; blank nodes that they do not tell apart are refused. */
#ifndef QUIRE_AWARD_RDF_H
#define QUIRE_AWARD_RDF_H

#include "bytes.h"

#include <jansson.h>

#define RDF_WHY_BYTES 240
#define RDF_QUADS_MAX 20000u

/* Appends the canonical N-Quads of a document (its "proof" members left out by the caller; an embedded credential's proof is a graph of its own and counts).
 * ERR_REFUSED: an unknown context, an unknown term, a value that this version does not support, blank nodes that cannot be told apart, over RDF_QUADS_MAX; why says which.
 * ERR_MEMORY. */
MUST_CHECK enum err rdf_canonical(const json_t *doc, struct buf *nquads, char why[RDF_WHY_BYTES]);

#endif
