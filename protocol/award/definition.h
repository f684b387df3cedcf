/* definition.h -- the definition of a micro-credential: parsed, linted with field and line, read. SPEC.md section 16.3, docs/schema/microcredential.schema.json. Pure. */
#ifndef QUIRE_AWARD_DEFINITION_H
#define QUIRE_AWARD_DEFINITION_H

#include "bytes.h"
#include "bounds.h"

#include <jansson.h>

#define DEFINITION_BYTES_MAX 49152u /* in canonical form */
#define DEFINITION_FINDINGS_MAX 64u
#define DEFINITION_LIST_MAX 32u
#define DEFINITION_REQUIREMENTS_MAX 16u
#define DEFINITION_CRITERIA_MAX 16u
#define DEFINITION_LEVELS_MAX 8u

/* What lint found wrong. */
struct finding {
	unsigned line; /* in the text, from 1; 0: of the whole */
	char field[96]; /* "rubric[2].levels[0].points"; "" : the document */
	char what[200]; /* for people: what it must be */
};

struct definition_requirement {
	const char *id, *section, *prompt; /* section: NULL if there is none */
	bool reflection;
	size_t evidence_kinds_n; /* 0: any */
	const char *evidence_kinds[12];
	unsigned min, max, words_max; /* words_max 0: no limit */
};

struct definition_level {
	const char *id, *name, *description;
	bool has_points;
	unsigned points;
};

struct definition_criterion {
	const char *id, *name;
	size_t levels_n, required; /* index of the required level */
	struct definition_level levels[DEFINITION_LEVELS_MAX];
};

struct definition_alignment {
	const char *framework, *name, *url, *code; /* code: NULL if there is none */
};

/* A sound definition. Texts are borrowed from `json`, which it holds. */
struct definition {
	json_t *json;
	const char *title, *competency, *key_method, *language, *licence,
		*scoring_guide; /* the last three may be NULL */
	size_t method_n, requirements_n, criteria_n, alignment_n, tags_n;
	const char *method[DEFINITION_LIST_MAX], *tags[DEFINITION_LIST_MAX];
	struct definition_requirement requirements[DEFINITION_REQUIREMENTS_MAX];
	struct definition_criterion criteria[DEFINITION_CRITERIA_MAX];
	struct definition_alignment alignment[16];
	unsigned complexity, valid_months; /* 0: none */
	unsigned reviewers, days, resubmissions_max;
	bool blind, same_school, automatic;
};

/* Everything that is wrong with a text that somebody wrote, in the order of the text; at most DEFINITION_FINDINGS_MAX. *n == 0: sound.
 * Syntax errors are findings too. ERR_MEMORY. */
MUST_CHECK enum err definition_lint(struct slice text, struct finding *found, size_t *n);

/* A sound one, from any formatting. canonical (may be NULL): its canonical form is appended. ERR_FORMAT, ERR_RANGE: lint says why; ERR_LIMIT: over DEFINITION_BYTES_MAX; ERR_MEMORY. */
MUST_CHECK enum err definition_read(struct slice text, struct definition *d, struct buf *canonical);
/* The same, and the text must be in canonical form already (SPEC 16.3: "in canonical form"). */
MUST_CHECK enum err definition_read_canonical(struct slice text, struct definition *d);
void definition_deinit(struct definition *d);

/* Index of a criterion or requirement, of a level in a criterion; SIZE_MAX: none. */
size_t definition_criterion(const struct definition *d, struct slice id);
size_t definition_level(const struct definition_criterion *c, struct slice id);
size_t definition_requirement(const struct definition *d, struct slice id);
/* Does evidence of this kind ("reflection", or an artifact's) fit the requirement? */
bool definition_kind_fits(const struct definition_requirement *r, struct slice kind);

/* Has a text nothing but spaces, tabs and ends of lines? SPEC 16.3. */
bool definition_blank(struct slice text);

/* A file of scores, {"criterion": {"level": …, "comment": …}}, against a definition: findings as in lint. complete: all criteria must be there.
 * record (may be NULL): the `scores` of a review as MessagePack, if nothing was found. ERR_MEMORY. */
MUST_CHECK enum err definition_scores(const struct definition *d, struct slice text, bool complete,
	struct finding *found, size_t *n, struct buf *record);

#endif
