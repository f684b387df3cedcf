# Read after the Makefile by tools/mutate: protocol/ counts its lines, so that a mutation is shown only to tests that come by it.
$(call objs,$(call lib_src,protocol)): CFLAGS_ALL += -O0 --coverage
