/* quire_cases.h -- makes the cases of tests/vectors/data/quire/c.json, whose schema is in the README.md there. */
#ifndef QUIRE_TESTS_QUIRE_CASES_H
#define QUIRE_TESTS_QUIRE_CASES_H

/* The whole file as text; the same bytes each time. Free it. */
char *quire_cases_text(void);

#endif
