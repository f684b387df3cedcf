/* bake_int.h -- what the two kinds of pictures share. See bake.h. */
#ifndef QUIRE_AWARD_BAKE_INT_H
#define QUIRE_AWARD_BAKE_INT_H

#include "bytes.h"

/* ERR_LIMIT, ERR_INPUT: no credential, or a NUL in a text. */
MUST_CHECK enum err bake_check_texts(struct slice picture, struct slice credential, struct slice bundle);
/* Appends what is baked in; ERR_FORMAT, ERR_LIMIT, ERR_MEMORY. */
MUST_CHECK enum err bake_read_svg(struct slice picture, struct buf *credential, struct buf *bundle);

#endif
