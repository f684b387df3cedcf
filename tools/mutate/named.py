"""The mistakes that this program must not make, by name: (name, what goes wrong, edits, tests). An edit is a file, a text that stands in it
exactly once, and what takes its place; the tests are those that should see it first. An edit whose file is not there yet is left out."""

NAMED = [
    (
        "announce-unsynced",
        "an entry is announced before it is on the disk",
        [("store/db.h", '#define QUIRE_STORE_SYNC "FULL"', '#define QUIRE_STORE_SYNC "OFF"')],
        ["unit/test_shim_full", "sim/test_announce"],
    ),
    (
        "forget-instance",
        "the peer's instance id is forgotten: a cursor holds for whatever lives there now",
        [
            (
                "protocol/peer/session_hello.c",
                "bool same = memcmp(s->cursor_instance, s->instance, 16) == 0;",
                "bool same = s->peer_number > 0;",
            )
        ],
        ["sim/test_two_nodes", "sim/test_restored", "sim/test_faults"],
    ),
    (
        "stale-cursor",
        "a cursor that lies behind what its instance ever gave is taken",
        [("store/changes.c", "q->a.number <= last ? q->a.number : 0", "last ? q->a.number : 0")],
        ["unit/test_store_changes", "unit/test_store_start", "sim/test_restored", "sim/test_faults"],
    ),
    (
        "drop-graft",
        "a node that was sent a number and never the entry does not ask for it",
        [
            (
                "protocol/peer/trees.c",
                "emit_message(s, MESSAGE_GRAFT, &(struct message_graft){.tree = log->b[0] % TREES});",
                "(void)log;",
            )
        ],
        ["sim/test_trees", "sim/test_faults"],
    ),
    (
        "reuse-seq",
        "a restored home goes on where its backup ended, and its numbers are used again",
        [("store/start.c", "announce_token(s, instance, difference != NULL)", "announce_token(s, instance, false)")],
        ["unit/test_store_start", "sim/test_restored"],
    ),
    (
        "serve-unverified-end",
        "the signature at the end of a run is not verified, and the run is kept and served",
        [
            (
                "protocol/log/entry.c",
                "enum err err = entry_verify(h, r->signature, device_key);",
                "enum err err = h && device_key ? OK : ERR_SIGNATURE;",
            )
        ],
        ["sim/test_liars", "unit/test_entry", "sim/test_faults"],
    ),
    (
        "serve-behind-end",
        "what lies behind the end that counts is served",
        [
            ("protocol/peer/serve.c", "if (v->end > log->end)\n\t\tv->end = log->end;", "if (v->end > log->length)\n\t\tv->end = log->length;"),
            ("protocol/peer/serve.c", "v->first >= res->r.logs[0].end)", "v->first >= res->r.logs[0].length)"),
            ("store/runs.c", "if (first >= l->pub.end)\n\t\treturn ERR_NOT_FOUND;\n\tuint64_t end", "if (first >= l->pub.length)\n\t\treturn ERR_NOT_FOUND;\n\tuint64_t end"),
            ("store/runs.c", "if (end > l->pub.end)\n\t\tend = l->pub.end;\n\tsize_t want", "if (end > l->pub.length)\n\t\tend = l->pub.length;\n\tsize_t want"),
        ],
        ["unit/test_store_forks", "sim/test_forks", "sim/test_restored"],
    ),
    (
        "erased-back",
        "an erased body is let in again",
        [("store/bodies.c", "if (kind == 2)\n\t\treturn ERR_ERASED;\n\tif (kind != 3)", "if (kind != 3 && kind != 2)")],
        ["unit/test_store_forks", "unit/test_store_runs", "sim/test_erasure", "sim/test_faults"],
    ),
    (
        "forget-follow-version",
        "whom a peer follows is never compared with the version that it names",
        [
            (
                "protocol/peer/listing.c",
                "if (peer->follows_known && id32_equal(&peer->follows_version, &hello->follows))",
                "if (peer->follows_known)",
            )
        ],
        ["sim/test_two_nodes", "sim/test_faults"],
    ),
    (
        "unsynced-durable",
        "chunks count as kept though the sync before was left out",
        [("store/blobfile.c", "enum err e = fdatasync(fd) == 0 ? OK : fault();", "enum err e = fd >= 0 ? OK : fault();")],
        ["unit/test_shim_blobs", "unit/test_store_blobs"],
    ),
    (
        "closings-on-arrival",
        "of two closings the one that came first stays, whatever the other says",
        [
            (
                "protocol/log/keyset.c",
                "\tif ((e = reserve(st)) != OK)\n\t\treturn e;\n",
                "\tfor (size_t i = 0; ev.kind == KEYEVENT_CLOSE && i < st->n; i++)\n"
                "\t\tif (st->order[i]->kind == KEYEVENT_CLOSE && id32_equal(&st->order[i]->key[0], &ev.target))\n"
                "\t\t\treturn *added = KEYSET_KNOWN, OK;\n"
                "\tif ((e = reserve(st)) != OK)\n\t\treturn e;\n",
            )
        ],
        ["unit/test_keyset"],
    ),
]
