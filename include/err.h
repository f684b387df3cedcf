/* err.h -- the one enum of errors; made from err.def. SPEC.md section 1.6.
 * A function returns OK or the error; a foreign code is mapped where it enters. */
#ifndef QUIRE_ERR_H
#define QUIRE_ERR_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum err {
#define ERR(name, number, text) ERR_##name = (number),
#include "err.def"
#undef ERR
};

#define OK ERR_OK

/* The name ("NOT_FOUND") and the text of an error; never NULL. */
static inline const char *err_name(enum err e)
{
	switch (e) {
#define ERR(name, number, text) \
	case ERR_##name: \
		return #name;
#include "err.def"
#undef ERR
	}
	return "UNKNOWN";
}

static inline const char *err_text(enum err e)
{
	switch (e) {
#define ERR(name, number, text) \
	case ERR_##name: \
		return text;
#include "err.def"
#undef ERR
	}
	return "unknown error";
}

#endif
