/* hash.h -- H(P, x): personalised BLAKE2b-256, and SUM of ids. SPEC.md section 1.3. */
#ifndef QUIRE_HASH_H
#define QUIRE_HASH_H

#include "bytes.h"
#include "sum.h"

/* Names as in the table of SPEC.md section 1.3. */
#define HASH_KEYEVENT "quire.keyevent"
#define HASH_KEYSET "quire.keyset"
#define HASH_LOG "quire.log"
#define HASH_ENTRY "quire.entry"
#define HASH_ENVELOPE "quire.envelope"
#define HASH_BODY "quire.body"
#define HASH_LEAF "quire.leaf"
#define HASH_NODE "quire.node"
#define HASH_ROOT "quire.root"
#define HASH_WRAP "quire.wrap"
#define HASH_HINT "quire.hint"
#define HASH_SLOT "quire.slot"
#define HASH_EPHEMERAL "quire.ephemeral"
#define HASH_CODE "quire.code"
#define HASH_CODESUM "quire.codesum"
#define HASH_INVITE "quire.invite"
#define HASH_INVITESUM "quire.invitesum"
#define HASH_BEACON "quire.beacon"
#define HASH_ACT "quire.act"
#define HASH_AWARD "quire.award"
#define HASH_ENDORSE "quire.endorse"
#define HASH_EVIDENCE "quire.evidence"
#define HASH_NOTICE "quire.notice"
#define HASH_PLACE "quire.place"
#define HASH_ITEM "quire.item"

/* The hash of the parts' concatenation. `personal` is one of the names above, at most 16 characters. */
struct id32 hash_parts(const char *personal, const struct slice *parts, size_t n);
struct id32 hash_bytes(const char *personal, const void *p, size_t n);

#endif
