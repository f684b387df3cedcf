/* config.h -- settings: quire.conf (INI, strict keys), flags over file over defaults. One table: config.def. */
#ifndef QUIRE_CONFIG_H
#define QUIRE_CONFIG_H

#include "bytes.h"

#define CONFIG_TEXT_BYTES 256

struct config {
#define CONFIG_STR(section, key, field, def, help) char field[CONFIG_TEXT_BYTES];
#define CONFIG_UINT(section, key, field, def, min, max, unit, help) uint64_t field;
#define CONFIG_CHOICE(section, key, field, def, choices, help) char field[32];
#include "config.def"
#undef CONFIG_STR
#undef CONFIG_UINT
#undef CONFIG_CHOICE
	char home[4096]; /* not in the file: --home, QUIRE_HOME, XDG_DATA_HOME/quire */
};

/* All defaults; home from the environment. */
void config_init(struct config *c);
/* Reads a file over *c. why: "FILE:LINE: what is wrong, and the nearest known key". ERR_NOT_FOUND: no such file; ERR_INPUT; ERR_IO. */
MUST_CHECK enum err config_read(struct config *c, const char *path, char why[512]);
/* Sets one key by name ("peers.listen"). ERR_INPUT. */
MUST_CHECK enum err config_set(struct config *c, const char *key, const char *value, char why[512]);
/* Writes every setting with its explanation, value and default as an INI text: `quire config show`. ERR_MEMORY. */
MUST_CHECK enum err config_show(const struct config *c, struct buf *out);

#endif
