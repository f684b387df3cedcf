/* facts.h -- records as facts. SPEC.md section 16.1, include/fact.h. Pure. */
#ifndef QUIRE_AWARD_FACTS_H
#define QUIRE_AWARD_FACTS_H

#include "fact.h"

/* A fact_maker. */
size_t facts_make(
	const struct fact_source *src, struct fact *out, struct fact_words *words, struct buf *keep);

/* Kinds that people write by the thousand, and that are asked for one by one: a store need not keep their facts (store_options.facts_made_late). */
#define FACTS_MADE_LATE (FACT_MASK(FACT_ARTIFACT) | FACT_MASK(FACT_REFLECTION))

/* "microcredential" … of a kind; "" for FACT_NONE. */
const char *facts_kind_name(enum fact_kind kind);

#endif
