/* definition_table.h -- what definition_lint.c, definition.c and their tests share: the members of a definition, as a table. SPEC.md section 16.3. */
#ifndef QUIRE_AWARD_DEFINITION_TABLE_H
#define QUIRE_AWARD_DEFINITION_TABLE_H

#include "protocol/award/lint.h"

#define DEFINITION_ALIGNMENTS_MAX 16
#define DEFINITION_EVIDENCE_MAX 64 /* items in a manifest, SPEC 13 */

extern const struct lint_table definition_table, definition_score_table;

#endif
