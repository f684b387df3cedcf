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

import daemon
from live import eventually
from pair import begin, opened, text_of, until, write
from quirepy import entries, invitation, keyevents, records
from quirepy.author import Author, hour
from quirepy.award import jcs
from quirepy.node import Node
from quirepy.store import Log, Store
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
    exported: int = WRONG  # what `quire verify` says of the bundle that a node makes of it: UNKNOWN if only the submission could show it; NOT_FOUND: it makes none
    shown: typing.Callable = None  # what the dishonest bundle shows: see Scene.bundle
    told: tuple = None  # code and words of the line that decides there, if it is another
    late: typing.Callable = None  # is done when both nodes have counted the award
    stops_here: bool = False  # the first node does not hand the award on


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


def close_before_it(s):
    s.issuer.close(s.awarded[1])


def close_behind_it(s):
    s.issuer.close(len(s.issuer.headers))


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


def without_what_was_submitted(s, p, seq):
    """Neither the submission nor its list, so that the other list stands for it."""
    return s.shown(p, seq) and not (p is s.earner and seq in (s.submission[1], s.manifest[1]))


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
           {"after_award": close_before_it}, {"after_vouch": close_behind_it}, NOT_FOUND, stops_here=True),
    Attack("an award that a later closing leaves behind", "entry-cut", "behind the end of its log", "met", {}, {"after_vouch": close_behind_it}, NOT_FOUND,
           late=close_before_it),
    Attack("an award for an altered version of the definition", "award-definition", "another version", "met",
           {"after_define": second_version, "award": award_under_the_second}, {"after_define": second_version}, UNKNOWN),
    Attack("a credential of an altered definition", "credential", "does not say what the definition, the evidence and the reviews make", "met",
           {"award": easier_credential}, {}),
    Attack("evidence replaced after submission", "evidence-digest", "it was replaced", "unknown",
           {"bind": list_of_other_bytes}, {}, UNKNOWN, shown=evidence_too),
    Attack("a list of evidence made after submission", "credential", "does not say what the definition, the evidence and the reviews make", "met",
           {"award": credential_of_the_other_list}, {"award": award_beside_the_other_list}, UNKNOWN, shown=without_what_was_submitted,
           told=("endorsement", "does not say what the review says")),
    Attack("a submission with a missing requirement", "requirement-missing", "too little evidence for requirement 2", "unknown",
           {"after_work": without_the_reflection}, {"after_work": with_notes}, UNKNOWN),
)


class Story:
    """One story that is told to the network: the lie of an attack, or its truth."""

    def __init__(self, attack, honest, officers, witnesses):
        self.attack = attack
        self.scene = Scene(f"{attack.name}, {'honest' if honest else 'dishonest'}", witnesses)
        self.scene.hour = hour() - DAYS_AGO * 24  # so that it is not overdue
        for who in officers:
            self.scene.issuer.write(keyevents.OFFICER, [who, PUBLISH])
        self.late = None if honest else attack.late
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


def worded(found, attack, told=None):
    """That the line which decides is there, with its words."""
    code, words = told or (attack.code, attack.words)
    lines = [line for line in found if line["code"] == code and line["mark"] == "wrong"]
    assert lines and any(re.search(words, line["text"]) for line in lines), f"no line {code} that says {words!r}: {found}"
    return lines[0]["text"]


class Boundless(Store):
    """It serves what lies behind a closing like everything else."""

    def closing(self, log):
        return None


class Network:
    """The dishonest node and the two real ones behind it."""

    def __init__(self):
        self.first, self.second, self.node = Real("the node that it is pushed to"), Real("the node behind that one"), None
        self.lies, self.truths = {}, {}

    async def start(self):
        await asyncio.gather(self.first.start(), self.second.start())
        await self.second.join(await self.first.invitation())
        await eventually((self.first.connected,), ["Daemon"], "the two nodes are connected")
        ids = [bytes.fromhex(n.me) for n in self.nodes]
        await self.first.follow(ids[1])
        await self.second.follow(ids[0])
        text = await self.first.invitation()
        self.node, self.honest_one = Node(invitation.read(text).network, "modified", store=Boundless()), Author()
        begin(self.honest_one, self.node)
        self.session = await self.node.redeem(text)
        await opened(self.session)
        for i in ids:
            self.node.follow(i)
        keys = self.node.store.keys
        await until(lambda: all(keys(i) and keys(i).reading_key() for i in ids), "the reading keys of who is signed in")
        self.officers, self.witnesses = ids, [keys(i).reading_key() for i in ids]

    @property
    def nodes(self):
        return self.first, self.second

    async def tell(self):
        self.lies = {a.name: Story(a, False, self.officers, self.witnesses) for a in ATTACKS}
        self.truths = {a.name: Story(a, True, self.officers, self.witnesses) for a in ATTACKS}
        stories = [*self.lies.values(), *self.truths.values()]
        people = [p for s in stories for p in s.people]
        for p in people:
            host(self.node, p)
        await asyncio.gather(*(n.follow_all([self.honest_one, *people]) for n in self.nodes))
        await self._arrived(stories)
        late = [s for s in stories if s.late]
        for s in late:
            for n in self.nodes:
                await self.counts(n, s)
            s.late(s.scene)
            for p in s.people:
                self.node.changed(lambda p=p: self.node.store.add_events(p.id, p.events))
        await self._arrived(late)
        return f"{len(people)} people, {sum(len(p.headers) for p in people)} entries"

    async def _arrived(self, stories):
        for n in self.nodes:
            for s in stories:
                await eventually((self._missing, n, s), [], f"all of {s.attack.name!r} at {n.place}", 60)

    async def _missing(self, node, story):
        """Of whose log not all that counts is there."""
        found = []
        for p in story.people:
            _, said = await node.ask("identity", "devices", p.id.hex())
            closing = self.node.store.keys(p.id).closing(p.device.public)
            wanted = closing[0] if closing else len(p.headers)
            if [(d["length"] >= wanted, d["closed"]) for d in said.get("items", [])] != [(True, bool(closing))]:
                found.append(p.name)
        return found

    # ---- one story at one node

    async def counts(self, node, story):
        """An honest one: it counts in each answer, and verifies."""
        status, award = await node.ask("award", "show", story.award)
        assert status == 0 and award["state"] == "accepted" and award["counts"], award
        assert all(line["mark"] in ("good", "note") for line in award["verdict"]), award["verdict"]
        _, submission = await node.ask("submission", "show", story.submission)
        assert submission["state"] == "awarded", submission
        _, definition = await node.ask("microcredential", "show", story.definition)
        assert definition["counts"] is True, definition
        assert await self._listed(node, story) == [("accepted", True)]
        status, said = await self._exported(node, story)
        assert status == GOOD and said["state"] == "accepted", said

    async def refused(self, node, story):
        """A dishonest one: it counts in no answer, and the line that decides says why."""
        a = story.attack
        status, award = await node.ask("award", "show", story.award)
        if a.stops_here and node is self.second:
            assert status == NOT_FOUND and "not on this node" in award["error"]["detail"], award
            assert await self._listed(node, story) == []
        else:
            assert status == 0 and award["state"] == "unknown" and not award["counts"], award
            assert await self._listed(node, story) == [("unknown", False)], "it is listed as an award"
        _, submission = await node.ask("submission", "show", story.submission)
        assert submission["state"] == a.state and "award" not in submission, submission
        if status == NOT_FOUND:
            return "it never came here"
        worded(submission["why"], a)
        return worded(award["verdict"], a)

    async def not_good(self, node, story):
        """What `quire verify` says of what the node makes of it: never good, and wrong where the bundle can show it."""
        if story.attack.exported == NOT_FOUND:
            status, said = await node.ask("award", "export", story.award, "-o", node.dir / "never.json")
            assert status == NOT_FOUND, said
            return "nothing is exported"
        status, said = await self._exported(node, story)
        assert status == story.attack.exported, said
        if status == WRONG:
            worded(said["checks"], story.attack)
        return said["headline"]

    async def wrong(self, node, story):
        """And of what the liar himself hands out."""
        status, said = await node.verify(story.bundle(), story.root)
        assert status == WRONG, said
        worded(said["checks"], story.attack, story.attack.told)
        return said["headline"]

    async def _listed(self, node, story):
        _, said = await node.ask("award", "list")
        assert "cursor" not in said, "there are more awards than one answer holds"
        return [(item["state"], item["counts"]) for item in said["items"] if item["ref"] == story.award]

    async def _exported(self, node, story):
        path = node.dir / f"{story.award[:16]}.json"
        status, said = await node.ask("award", "export", story.award, "--format", "bundle", "-o", path)
        assert status == 0, said
        return await node.verify(path.read_bytes(), story.root)

    # ---- afterwards

    async def well(self):
        """Nobody was cut off, and nothing is damaged."""
        assert not self.session.ended.is_set(), self.session.closed_with
        assert await self.first.connected() == ["Daemon", "modified"] and await self.second.connected() == ["Daemon"]
        for n in self.nodes:
            status, said = await n.ask("doctor")
            assert status == 0, said
        assert not self.node.faults, self.node.faults

    async def still_syncing(self):
        header, _ = write(self.honest_one, self.node, "after all that")
        await eventually((self.second.text, self.honest_one.log, header.seq), "after all that", "an honest entry at the second node")
        for a, b in ((self.first, self.second), (self.second, self.first)):
            log, seq = await a.write("from a real node", [])
            await eventually((b.text, log, seq), "from a real node", "an entry of a real node at the other")
            await until(lambda log=log, seq=seq: text_of(self.node, log, seq) == "from a real node", "the same at the node of the attacker")

    async def stop(self):
        if self.node:
            await self.node.stop()
        for n in self.nodes:
            await n.stop()


def run(tap):
    loop, n = asyncio.new_event_loop(), Network()
    asyncio.set_event_loop(loop)

    def check(what, act, *args):
        tap.check(what, lambda: loop.run_until_complete(asyncio.wait_for(act(*args), 200)))

    async def everywhere(act, story):
        results = await asyncio.gather(*(act(node, story) for node in n.nodes), return_exceptions=True)
        for failed in [r for r in results if isinstance(r, BaseException)]:
            raise failed
        return results[0]

    try:
        check("two real nodes, and a modified one as a member of their network", n.start)
        check("both nodes have what the dishonest wrote", n.tell)
        for a in ATTACKS:
            for node in n.nodes:
                check(f"{a.name} is refused by {node.place}", n.refused, node, n.lies[a.name])
            check(f"{a.name}: quire verify of what the nodes export", everywhere, n.not_good, n.lies[a.name])
            check(f"{a.name}: quire verify of the liar's own bundle", n.wrong, n.first, n.lies[a.name])
            check(f"{a.name}: without the lie it counts on both, and verifies", everywhere, n.counts, n.truths[a.name])
        check("both nodes are well, and connected as before", n.well)
        check("what others write still comes through", n.still_syncing)
    finally:
        check("all end well", n.stop)
        loop.close()


def main():
    sys.stdout.reconfigure(line_buffering=True)
    tap = Tap()
    run(tap)
    print(f"# {tap.passed} passed, {tap.failed} failed")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
