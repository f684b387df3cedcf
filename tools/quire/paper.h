/* paper.h -- what people write and read: texts from files, and paragraphs to stdout. For submissions and reviews. */
#ifndef QUIRE_CLI_PAPER_H
#define QUIRE_CLI_PAPER_H

#include "client.h"

/* The text of a file, or of stdin (-), without the ends of lines at its end; it may be empty. Exit code; it has been said. */
int paper_read(struct cli_call *c, const char *path, size_t max, json_t **out);
/* A POST that is done once, however often it is sent; then the answer, or what went wrong. */
int paper_post(struct cli_call *c, json_t *body, json_t **answer);

/* A text, or "". */
const char *paper_of(const json_t *o, const char *key);
long long paper_number(const json_t *o, const char *key);
/* A paragraph, each line under the first; nothing if it is empty. */
void paper_text(struct cli_call *c, size_t indent, const char *label, const char *text);
void paper_heading(struct cli_call *c, const char *text);

/* ---- paper_submission.c: parts of a submission */
void paper_head(struct cli_call *c, const json_t *o);
/* in_full: reflections and descriptions too, and how to fetch the files. */
void paper_requirements(struct cli_call *c, const json_t *o, bool in_full);
void paper_rubric(struct cli_call *c, const json_t *o);
void paper_reviews(struct cli_call *c, const json_t *o);
void paper_attempts(struct cli_call *c, const json_t *o);
void paper_why(struct cli_call *c, const json_t *o);

#endif
