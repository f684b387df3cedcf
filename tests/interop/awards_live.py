#!/usr/bin/python3
# timeout: 300
# sanitizers: yes
"""awards_live.py -- dishonest awards, signed as they should be, that an admitted node pushes to a real node, from which a second one has them.

A node of this implementation hosts the dishonest people. Two `quired` stand behind it in a row: here -- first -- second; on each a person is signed
in to whom everything sealed is sealed too. Each attack is a row of ATTACKS, with the honest story that differs from it by the lie alone.
"""
import asyncio
import json
import re
import sys
import typing

import cheats
import daemon
from live import Visit, eventually
from pair import begin, until, write
from quirepy import entries, keyevents, records
from quirepy.author import Author, hour
from quirepy.award import jcs
from quirepy.store import Log
from run import Tap
from scene import DEFINITION, Scene, play

GOOD, NOT_FOUND, WRONG, UNKNOWN = 0, 4, 6, 7  # exit statuses
PUBLISH = 1  # a right of officers
AT_ONCE = 4  # commands
DAYS_AGO = 5


class Attack(typing.NamedTuple):
    name: str
    code: str  # of the line that decides
    words: str  # that stand in it
    state: str  # of the submission
    lie: dict  # what is done otherwise in the story: see scene.play
    truth: dict  # the nearest story without the lie
    exported: int = WRONG  # what `quire verify` says of the bundle that a node makes of it
    shown: typing.Callable = None  # what the dishonest bundle shows: see Scene.bundle


def end_first_appointment(s, **more):
    s.act("appointment-end", of=s.appointments[0], **more)


def dismiss(s):
    s.issuer.write(keyevents.END, [s.officer_event.id, [s.issuer.mark()]])


def backdated(ended):
    """Reviews, the first with an hour before the end of its writer's appointment; ended: the end comes before it is taken up."""
    def review(s):
        s.tick()
        hour = s.tick()
        if ended:
            end_first_appointment(s)
        s.one_review(s.reviewers[0], hour=hour)
        s.one_review(s.reviewers[1])
    return review


def levels(*of_second):
    return {"second": {"levels": of_second}}


def second_version(s):
    s.first = s.definition
    s.define(change={"title": "Checking for Understanding, made easier"}, supersedes=s.first)
    s.second, s.second_json = s.definition, s.definition_json
    s.definition, s.definition_json = s.first, DEFINITION


def award_under_the_second(s):
    s.definition, s.definition_json = s.second, s.second_json
    s.award()


def easier_credential(s):
    s.award(document=s.credential(definition={**DEFINITION, "competency": "Teaches anything at all."}))


def another_list(s):
    """A second list of evidence, made after the submission; the one that was submitted stays s.manifest."""
    first, items = s.manifest, list(s.evidence)
    items[0] = ("video", "video", s.earner.put("artifact", readers=[s.issuer], title="Another lesson", kind="video", depicts="nobody"))
    s.bind(items)
    s.replaced, s.manifest = s.manifest, first


def credential_of_the_other_list(s):
    another_list(s)
    s.award(document=s.credential(manifest=s.earner.records[s.replaced[1]]))


def award_beside_the_other_list(s):
    another_list(s)
    s.award()


def evidence_too(s, p, seq):
    return s.shown(p, seq) or (p is s.earner and seq in [ref[1] for _, _, ref in s.evidence])


def list_of_other_bytes(s):
    """The list binds a video that was later replaced by another."""
    s.bind()
    kept = records.read(s.earner.records[s.manifest[1]])[1]
    items = [[name, kind, ref, bytes(32) if i == 0 else digest] for i, (name, kind, ref, digest) in enumerate(kept["items"])]
    s.manifest = s.earner.put("manifest", readers=[s.issuer, *s.reviewers], for_=s.definition, items=items, salt=kept["salt"])


def without_the_reflection(s):
    s.evidence.pop()


def with_notes(s):
    """What is not required may be there."""
    s.evidence.append(("notes", "photo", s.earner.put("artifact", readers=[s.issuer, *s.reviewers], title="Notes", kind="photo", depicts="nobody")))


ATTACKS = (
    Attack("a decision without feedback", "feedback-missing", "a decision without feedback does not count", "claimed",
           {"review": {"first": {"feedback": " \n\t\r\n"}}}, {"review": {"first": {"feedback": "."}}}),
    Attack("a review after the appointment's end", "appointment-ended", "had ended before the issuer took up this review", "claimed",
           {"after_submit": end_first_appointment}, {"after_take_up": end_first_appointment}),
    Attack("a backdated review", "appointment-ended", "had ended before the issuer took up this review", "claimed",
           {"review": backdated(True)}, {"review": backdated(False), "after_take_up": end_first_appointment}),
    Attack("an award at a level below the required one", "level-low", "level of criterion 1 is below the required one", "claimed",
           {"review": levels("not-yet", "demonstrated")}, {"review": levels("demonstrated", "demonstrated")}),
    Attack("an act by a dismissed officer", "officer-ended", "was dismissed", "met", {"after_take_up": dismiss}, {"after_award": dismiss}),
    Attack("an award behind a closing", "entry-cut", "behind the end of its log", "met",
           {"after_award": lambda s: s.issuer.close(s.awarded[1])}, {"after_vouch": lambda s: s.issuer.close(len(s.issuer.headers))}),
    Attack("an award for an altered version of the definition", "award-definition", "another version", "met",
           {"after_define": second_version, "award": award_under_the_second}, {"after_define": second_version}),
    Attack("a credential of an altered definition", "credential", "does not say what the definition, the evidence and the reviews make", "met",
           {"award": easier_credential}, {}),
    Attack("evidence replaced after submission", "evidence-digest", "it was replaced", "unknown",
           {"bind": list_of_other_bytes}, {}, shown=evidence_too),
    Attack("a list of evidence made after submission", "credential", "does not say what the definition, the evidence and the reviews make", "met",
           {"award": credential_of_the_other_list}, {"award": award_beside_the_other_list}),
    Attack("a submission with a missing requirement", "requirement-missing", "too little evidence for requirement 2", "unknown",
           {"after_work": without_the_reflection}, {"after_work": with_notes}),
)


class Story:
    """One story that is told to the network: the lie of an attack, or its truth."""

    def __init__(self, attack, honest, officers, witnesses):
        self.attack = attack
        self.scene = Scene(f"{attack.name}, {'honest' if honest else 'dishonest'}", witnesses)
        self.scene.hour = hour() - DAYS_AGO * 24  # so that it is not overdue
        for who in officers:
            self.scene.issuer.write(keyevents.OFFICER, [who, PUBLISH])
        play(self.scene, **(attack.truth if honest else attack.lie))

    @property
    def people(self):
        s = self.scene
        return [p for p in s.parties if p not in (s.officer, s.other)]

    @staticmethod
    def _ref(ref):
        return f"{ref[0].hex()}:{ref[1]}"

    @property
    def award(self):
        return self._ref(self.scene.awarded)

    @property
    def submission(self):
        return self._ref(self.scene.submission)

    @property
    def definition(self):
        return self._ref(self.scene.definition)

    @property
    def root(self):
        return self.scene.district.id.hex()

    def bundle(self):
        s, shown = self.scene, self.attack.shown
        return jcs.canonical(s.bundle(shown=shown and (lambda p, seq: shown(s, p, seq)))).encode("utf-8")


def host(node, party):
    """The node serves all that a party wrote, whatever it is worth."""
    log = Log(party.log, party.id, party.device.public)
    log.headers = list(party.headers)
    log.envelopes, log.bodies = dict(enumerate(party.envelopes)), dict(enumerate(party.bodies))
    last = len(log.headers) - 1
    log.signatures = {seq: entries.sign_header(party.device.secret, log.headers[seq].raw) for seq in range(last + 1) if seq % 64 == 63 or seq == last}

    def change():
        node.store.follows.add(party.id)
        node.store.add_events(party.id, party.events)
        node.store.logs[log.log] = log
        node.store.bump(log)
    node.changed(change)


class Real(daemon.QuireDaemon):
    """A real node with somebody signed in."""

    def __init__(self, place):
        super().__init__()
        self.place, self.free = place, asyncio.Semaphore(AT_ONCE)

    async def ask(self, *args):
        """(exit status, what was said as JSON, or None)."""
        async with self.free:
            p = await asyncio.create_subprocess_exec(
                self.programs / "quire", "--home", self.home, "--json", *map(str, args), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE)
            out, err = await asyncio.wait_for(p.communicate(), 120)
        assert p.returncode >= 0 and b"Sanitizer" not in err, f"quire {args}: {p.returncode} {err.decode(errors='replace')}"
        return p.returncode, json.loads(out) if out.strip() else None

    async def verify(self, data, root, name="checked.json"):
        return await self.ask("verify", self._file(name, data), "--root", root)

    async def follow_all(self, people):
        for status, said in await asyncio.gather(*(self.ask("follow", "add", p.id.hex()) for p in people)):
            assert status == 0, said

    async def connected(self):
        return sorted(p["name"] for p in (await self.quire("peer", "list"))["items"] if p["connected"])


def lines_with(found, code, mark="wrong"):
    return [line for line in found if line["code"] == code and line["mark"] == mark]


def worded(found, attack):
    """That the line which decides is there, with its words."""
    lines = lines_with(found, attack.code)
    assert lines and all(re.search(attack.words, line["text"]) for line in lines), f"no line {attack.code} that says {attack.words!r}: {found}"
    return lines[0]["text"]


class Network:
    """The dishonest node and the two real ones behind it."""

    async def start(self):
        self.first, self.second = Real("the node that it is pushed to"), Real("the node behind that one")
        await asyncio.gather(self.first.start(), self.second.start())
        await self.second.join(await self.first.invitation())
        await eventually((self.first.connected,), ["Daemon"], "the two nodes are connected")
        ids = [bytes.fromhex(n.me) for n in self.nodes]
        await self.first.follow(ids[1])
        await self.second.follow(ids[0])
        self.visit = Visit(self.first)
        await self.visit.redeem()
        self.node = self.visit.node
        await self.visit.it_follows_us()
        for i in ids:
            self.node.follow(i)
        keys = self.node.store.keys
        await until(lambda: all(keys(i) and keys(i).reading_key() for i in ids), "the reading keys of who is signed in")
        self.officers, self.witnesses = ids, [keys(i).reading_key() for i in ids]

    @property
    def nodes(self):
        return self.first, self.second

    async def tell(self):
        self.lies = [Story(a, False, self.officers, self.witnesses) for a in ATTACKS]
        self.truths = [Story(a, True, self.officers, self.witnesses) for a in ATTACKS]
        people = [p for s in self.lies + self.truths for p in s.people]
        for p in people:
            host(self.node, p)
        await asyncio.gather(*(n.follow_all(people) for n in self.nodes))
        for n in self.nodes:
            for s in self.lies + self.truths:
                await eventually((self._missing, n, s), [], f"all of {s.attack.name} at {n.place}", 60)
        return f"{len(people)} people, {sum(len(p.headers) for p in people)} entries"

    async def _missing(self, node, story):
        """Of whose log not all that counts is there."""
        found = []
        for p in story.people:
            devices = (await node.ask("identity", "devices", p.id.hex()))[1].get("items", [])
            closing = self.node.store.closing(self.node.store.logs[p.log])
            if [d["length"] for d in devices] != [closing[0] if closing else len(p.headers)]:
                found.append(p.name)
        return found

    # ---- one story at one node

    async def honest(self, node, story):
        status, award = await node.ask("award", "show", story.award)
        assert status == 0 and award["state"] == "accepted" and award["counts"], award
        assert all(line["mark"] in ("good", "note") for line in award["verdict"]), award["verdict"]
        _, submission = await node.ask("submission", "show", story.submission)
        assert submission["state"] == "awarded" and not lines_with(submission["why"], story.attack.code), submission
        assert await self._listed(node, story) == [("accepted", True)]
        _, definition = await node.ask("microcredential", "show", story.definition)
        assert definition["counts"] is True, definition
        assert await self._exported(node, story) == (GOOD, "")

    async def _listed(self, node, story):
        _, said = await node.ask("award", "list", "--of", story.scene.earner.id.hex())
        return [(item["state"], item["counts"]) for item in said["items"] if item["ref"].endswith(story.award[:8]) or item["ref"] == story.award]

    async def _exported(self, node, story):
        """(exit status of `quire verify`, code of the line that decides) of the bundle that a node makes."""
        path = node.dir / "exported.json"
        path.unlink(missing_ok=True)
        status, said = await node.ask("award", "export", story.award, "--format", "bundle", "-o", path)
        assert status == 0, said
        return await self._judged(node, path.read_bytes(), story)

    async def _judged(self, node, data, story):
        status, said = await node.verify(data, story.root)
        return status, said

    async def dishonest(self, node, story):
        a = story.attack
        print("#", a.name, "@", node.place)
        status, award = await node.ask("award", "show", story.award)
        print("#   award", status, award and (award.get("state"), award.get("counts"), [(l["mark"], l["code"]) for l in award.get("verdict", []) if l["mark"] != "good"], award.get("error")))
        status, submission = await node.ask("submission", "show", story.submission)
        print("#   submission", status, submission.get("state"), [(l["mark"], l["code"], l["text"]) for l in submission.get("why", [])], submission.get("error"))
        status, said = await node.ask("award", "list", "--of", story.scene.earner.id.hex())
        print("#   list", status, [(i["state"], i["counts"]) for i in said["items"]])
        path = node.dir / "exported.json"
        path.unlink(missing_ok=True)
        status, said = await node.ask("award", "export", story.award, "--format", "bundle", "-o", path)
        print("#   export", status, said)
        if status == 0:
            status, said = await node.verify(path.read_bytes(), story.root)
            print("#   verify", status, [(l["mark"], l["code"]) for l in said["checks"] if l["mark"] != "good"])
        status, said = await node.verify(story.bundle(), story.root)
        print("#   own bundle", status, [(l["mark"], l["code"]) for l in said["checks"] if l["mark"] != "good"])

    async def stop(self):
        await self.node.stop()
        for n in self.nodes:
            await n.stop()


async def main():
    n = Network()
    await n.start()
    import time; t=time.time()
    try:
        print("#", await n.tell(), time.time()-t)
        for s in n.lies + n.truths:
            for node in n.nodes:
                await n.dishonest(node, s)
        print("#", time.time()-t)
    finally:
        await n.stop()

asyncio.run(main())
