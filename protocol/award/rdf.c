#include "protocol/award/rdf_int.h"

#include <stdarg.h>
#include <stdio.h>

enum err rdf_refuse(struct rdf *r, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(r->why, RDF_WHY_BYTES, format, args);
	va_end(args);
	return ERR_REFUSED;
}

enum err rdf_canonical(const json_t *doc, struct buf *nquads, char why[RDF_WHY_BYTES])
{
	struct rdf r = {.why = why};
	why[0] = 0;
	enum err e = rdf_read(&r, doc);
	if (e == OK)
		e = rdf_write(&r, nquads);
	free(r.quads);
	arena_free(&r.arena);
	return e;
}
