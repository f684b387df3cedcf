/* store_limit.h -- what the store alone can do, so that the rest of the pipeline has a ceiling to be compared with. */
#ifndef QUIRE_BENCH_STORE_LIMIT_H
#define QUIRE_BENCH_STORE_LIMIT_H

/* store_limit [--home DIR] [--entries N] [--body BYTES]: prints one line of JSON; 0 or 1. */
int store_limit_main(int argc, char **argv);

#endif
