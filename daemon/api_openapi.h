/* api_openapi.h -- the route table as an OpenAPI 3.1 document. */
#ifndef QUIRE_API_OPENAPI_H
#define QUIRE_API_OPENAPI_H

#include "api.h"

/* The caller's. NULL: out of memory. */
json_t *openapi_new(const struct api_route *routes, size_t n);

#endif
