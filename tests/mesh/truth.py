"""What authors were told, and whether their followers have exactly that."""
import asyncio
import hashlib
import os

from nodes import TMP, Wrong

WRITTEN = ("artifact", "reflection")


class Truth:
    def __init__(self):
        self.told = {}  # identity: {ref: what was written}
        self.perhaps = {}  # identity: [what was written when its node was killed]
        self.seen = {}  # ref: id, at whoever showed it first
        self.checked = 0

    def write(self, identity, ref, entry_id, what):
        self.told.setdefault(identity, {})[ref] = what
        self.same(identity, ref, entry_id, "its author")

    def same(self, identity, ref, entry_id, where):
        """One ref is one entry, whoever shows it: else there is a fork."""
        known = self.seen.setdefault(ref, entry_id)
        if known != entry_id:
            raise Wrong("a fork: %s of %s is %s, but %s at %s" % (ref, identity, known, entry_id, where))

    def entry(self, identity, e, where):
        """What is wrong is wrong at once, however long the rest takes."""
        self.checked += 1
        self.same(identity, e["ref"], e["id"], where)
        what = self.told.get(identity, {}).get(e["ref"])
        if e["identity"] != identity or e["state"] not in ("here", "locked", "pending"):
            raise Wrong("%s shows %s of %s as %s of %s" % (where, e["ref"], identity, e["state"], e["identity"]))
        if not what:
            return
        if e["state"] == "here" and what["text"] not in (e["fields"].get("text"), e["fields"].get("title")):
            raise Wrong("%s shows %s with other words: %s instead of %s" % (where, e["ref"], e["fields"], what["text"]))
        if [b["size"] for b in e["blobs"]] != what["sizes"] and not (what["private"] and len(e["blobs"]) == len(what["sizes"])):
            raise Wrong("%s shows %s with other files: %s" % (where, e["ref"], e["blobs"]))

    async def entries(self, node, identity):
        """All that a node has of an identity, by ref; None if it was stopped meanwhile."""
        items, cursor = {}, None
        who = ("--as", node.id) if node.id else ()
        while True:
            page = await node.ask(*who, "entry", "list", "--of", identity, "--limit", "200", *(("--cursor", cursor) if cursor else ()))
            if page is None:
                return None
            for e in page["items"]:
                self.entry(identity, e, node.name)
                items[e["ref"]] = e
            cursor = page["cursor"]
            if not cursor:
                return items

    async def logs(self, node, identity):
        said = await node.ask("identity", "show", identity)
        if said is None:
            return None
        if any(d["forked"] for d in said["devices"]):
            raise Wrong("%s holds a forked log of %s" % (node.name, identity))
        return {d["log"]: (d["length"], d["closed"]) for d in said["devices"]}

    async def author(self, node):
        """The author's own node, once nobody writes: all that was acknowledged is there, and no more than may be."""
        items, logs = await self.entries(node, node.id), await self.logs(node, node.id)
        told = self.told.get(node.id, {})
        again = {e["was"] for e in items.values() if "was" in e}
        lost = [r for r in told if r not in items and r not in again]
        if lost:
            return None, "%d of %d acknowledged entries are not at their author's: %s" % (len(lost), len(told), lost[:3])
        more = [e for e in items.values() if e.get("kind") in WRITTEN and e["ref"] not in told and "was" not in e]
        words = {w["text"] for w in self.perhaps.get(node.id, [])}
        if any(e["fields"].get("text") not in words and e["fields"].get("title") not in words for e in more):
            raise Wrong("%s shows what nobody wrote: %s" % (node.name, more))
        if any(not b["complete"] for e in items.values() for b in e["blobs"]):
            return None, "files are still to come at their author's"
        return (items, logs), ""

    async def follower(self, node, identity, items, logs):
        """What is still missing there, or nothing."""
        have = await self.entries(node, identity)
        if have is None:
            return "stopped"
        missing = [r for r in items if r not in have or have[r]["state"] == "pending"]
        if missing:
            return "%d of %d entries missing" % (len(missing), len(items))
        there = await self.logs(node, identity)
        if there != logs:
            return "logs are %s instead of %s" % (there, logs)
        more = [r for r in have if r not in items and have[r]["state"] == "here"]
        if more:
            raise Wrong("%s has of %s what its author has not: %s" % (node.name, identity, more[:3]))
        wanting = sum(not b["complete"] for e in have.values() for b in e["blobs"])
        return "%d files wanting" % wanting if wanting else ""

    async def files(self, node, identity, chance):
        """One public file is fetched and compared."""
        public = sorted(r for r, w in self.told.get(identity, {}).items() if w["sizes"] and not w["private"])
        if not public:
            return 0
        ref = chance.choice(public)
        shown = await node.ask("entry", "show", ref)
        path = os.path.join(TMP, "fetched-%d" % node.i)
        code, _, err = await node.raw("blob", "get", shown["blobs"][0]["root"], "-o", path)
        if code != 0:
            raise Wrong("%s: blob get: %s" % (node.name, err.decode()))
        with open(path, "rb") as f:
            digest = await asyncio.to_thread(lambda: hashlib.sha256(f.read()).hexdigest())
        os.unlink(path)
        if digest != self.told[identity][ref]["digest"]:
            raise Wrong("%s: the file of %s is another one" % (node.name, ref))
        return 1
