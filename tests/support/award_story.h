/* award_story.h -- what the two halves of award_world share. */
#ifndef QUIRE_TESTS_AWARD_STORY_H
#define QUIRE_TESTS_AWARD_STORY_H

#include "tests/support/award_world.h"

/* Ends the program with the reason if e is an error. */
void award_must(enum err e, const char *what);
void award_begin_people(struct award_world *w);
void award_tell(struct award_world *w, const struct award_twist *twist);

#endif
