/* files.h -- small helpers with files for tests. */
#ifndef QUIRE_TESTS_FILES_H
#define QUIRE_TESTS_FILES_H

#include "tools/sim/world.h"

/* Removes a folder with all that is in it; 0 or -1. */
int remove_tree(const char *dir);
/* A copy of a folder (not there yet) with all that is in it; aborts on failure. */
void copy_tree(const char *from, const char *to);
/* Writes the files of one folder over those of the same names in another, in place: their inodes stay, as when a disk is rolled back. */
void overwrite_tree(const char *from, const char *to);
/* 0: the same bytes. */
int same_files(const char *a, const char *b);
/* Where a complete blob's file lies. */
void blob_path(const struct world_node *n, const struct id32 *root, char out[1024]);

#endif
