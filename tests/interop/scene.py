"""A small world in which one award comes about, step by step; each step can be told to go wrong. The same bytes each time."""
import base64

from quirepy import entries, keyevents, keys, mp, records, seal
from quirepy.author import Author
from quirepy.award import credential, didkey, facts, jcs, proof
from quirepy.prim import Random

HOUR = 490000
VALID_FROM = "2025-11-25T16:15:00Z"

DEFINITION = {
    "title": "Checking for Understanding \u201cat a Glance\u201d",
    "competency": "Uses gestures to see, within a minute, who has understood.\nAnd who has not: C:\\class, \t\u00e9, \U0001f44d.",
    "key_method": "Asks a question, lets everybody show an answer with the hand at once, and acts on what is seen.",
    "method_components": ["Everybody answers.", "The teacher looks at all hands before the next step."],
    "research": ["Example, A. (2001). Hands that answer. Journal of Examples 1(1)."],
    "resources": ["A list of gestures"],
    "problems": ["Copying one's neighbour"],
    "categories": ["assessment"],
    "tags": ["formative", "gestures"],
    "complexity": 2,
    "language": "en-GB",
    "licence": "CC BY 4.0",
    "requirements": [
        {"id": "video", "kind": "artifact", "section": "Part 2", "prompt": "Two videos of a lesson.", "evidence_kinds": ["video"], "min": 2, "max": 3},
        {"id": "reflection", "kind": "reflection", "prompt": "What did you change because of what you saw?", "words_max": 500},
        {"id": "notes", "kind": "artifact", "prompt": "Notes, if there are any.", "min": 0},
    ],
    "rubric": [
        {"id": "everybody", "name": "Everybody answers", "required_level": "demonstrated", "levels": [
            {"id": "not-yet", "name": "Not yet", "description": "Few answer.", "points": 0},
            {"id": "demonstrated", "name": "Demonstrated", "description": "All answer.", "points": 2},
            {"id": "exemplary", "name": "Exemplary", "description": "All answer, and explain.", "points": 3}]},
        {"id": "acts", "name": "Acts on what is seen", "required_level": "demonstrated", "levels": [
            {"id": "not-yet", "name": "Not yet", "description": "Goes on as planned."},
            {"id": "demonstrated", "name": "Demonstrated", "description": "Changes the next step."}]},
    ],
    "scoring_guide": "Look at the second video first.",
    "review": {"reviewers": 2, "days": 21, "resubmissions_max": 2},
    "valid_months": 600,
    "alignment": [{"framework": "Example standards", "name": "Standard 6: assessment", "url": "https://standards.example/6?part=a#b", "code": "6(b)"},
                  {"framework": "Example standards", "name": "Standard 8", "url": "urn:example:8"}],
}


def b64(raw):
    return base64.b64encode(raw).decode("ascii")


class Party(Author):
    """An identity whose one log stands by itself, without a store."""

    def __init__(self, scene, name, kind=0):
        super().__init__(kind, f"{scene.seed} {name}".encode("ascii"))
        self.scene, self.name = scene, name
        self.headers, self.envelopes, self.bodies, self.content_keys, self.records = [], [], [], {}, []
        self.statements = {}
        self.put("device", keep=True, event=self.device_event.id)

    @property
    def did(self):
        return didkey.did(self.badge.public)

    def put(self, kind, /, keep=False, readers=None, hour=None, raw=None, envelope=None, **fields):
        """An entry, sealed if it has readers; its ref."""
        record = raw if raw is not None else records.write(kind, **{k.rstrip("_"): v for k, v in fields.items() if v is not None})
        flags, seq = (entries.KEEP if keep else 0), len(self.headers)
        if readers is None:
            body = self.rnd(32) + record
        else:
            self.content_keys[seq], flags = self.rnd(32), flags | entries.SEALED
            to = [r.reading.public for r in readers] + self.scene.witnesses
            body = seal.seal(record, self.log, self.reading.secret, to, self.content_keys[seq], self.rnd(32), self.rnd)
        envelope = entries.envelope_write(**(envelope or {}))
        prev = self.headers[-1].id if seq else bytes(32)
        raw = entries.header_bytes(flags, self.log, seq, prev, hour or self.scene.tick(), len(body), entries.commitment(body), entries.envelope_hash(envelope))
        self.headers.append(entries.Header(raw))
        self.envelopes.append(envelope)
        self.bodies.append(body)
        self.records.append(record)
        return self.ref(seq)

    def ref(self, seq=-1):
        h = self.headers[seq]
        return [h.log, h.seq, h.id]

    def key_of(self, ref):
        return self.content_keys[ref[1]]

    def mark(self, length=None):
        """A mark of the log at a length, now if none is given."""
        length = len(self.headers) if length is None else length
        return [self.log, length, self.headers[length - 1].id]

    def ask(self, institution, kind, fields):
        """Signs an act, as an officer; gives what stands in `by`."""
        return [self.id, self.put("act", keep=True, institution=institution.id, digest=facts.act_digest(kind, fields))]

    def close(self, length):
        """Closes the log at a length, by the root key."""
        last = self.headers[length - 1].id if length else bytes(32)
        return self.write(keyevents.CLOSE, [self.device.public, length, last, 1], key=self.root)

    def erase_body(self, seq, by=None):
        """Erases a body, as its owner or as a custodian."""
        h, who = self.headers[seq], by or self
        self.statements[seq] = entries.statement_write(who.signing.secret, 1, int(by is not None), self.log, self.scene.tick(), seq, h.id, who.generation.id)

    def new_badge(self):
        old, self.badge = self.badge, keys.signing_pair(self.rnd(32))
        wraps = keys.wraps([self.recovery.public, self.box.public], self.badge, self.rnd)
        self.write(keyevents.BADGE, [self.badge.public, wraps], key=self.root)
        return old

    def runs(self, shown):
        """The whole log as runs of a bundle; shown(party, seq) says whether a body goes along: False, True, or "sealed"."""
        for first in range(0, len(self.headers), 64):
            part = range(first, min(first + 64, len(self.headers)))
            run = {"identity": self.id.hex(), "log": self.log.hex(), "first": first, "headers": b64(b"".join(self.headers[s].raw for s in part)),
                   "signature": b64(entries.sign_header(self.device.secret, self.headers[part[-1]].raw)),
                   "bodies": [self._body(s, shown(self, s)) for s in part if shown(self, s)]}
            yield run

    def _body(self, seq, how):
        found = {"seq": seq}
        if self.envelopes[seq]:
            found["envelope"] = b64(self.envelopes[seq])
        if seq in self.statements:
            return {**found, "erased": b64(self.statements[seq])}
        found["body"] = b64(self.bodies[seq])
        if seq in self.content_keys and how != "sealed":
            found["key"] = b64(self.content_keys[seq])
        return found


class Scene:
    """The parties, and the steps up to an award that was accepted. What a step made is an attribute. witnesses: reading keys to which everything sealed is sealed too."""

    STEPS = ("define", "appoint", "work", "bind", "submit", "review", "take_up", "award", "accept", "vouch")

    def __init__(self, seed="award scene", witnesses=()):
        self.seed, self.witnesses = seed, list(witnesses)
        self.hour, self.rnd, self.valid_from = HOUR, Random(seed.encode("ascii")), VALID_FROM
        self.issuer, self.district = Party(self, "issuer", 2), Party(self, "district", 3)
        self.officer, self.earner, self.other = Party(self, "officer"), Party(self, "earner"), Party(self, "other")
        self.reviewers = [Party(self, "reviewer 1"), Party(self, "reviewer 2")]
        self.definition_json, self.officer_event = DEFINITION, None
        self.officer_event = self.issuer.write(keyevents.OFFICER, [self.officer.id, 31])
        self.reviews, self.appointments, self.evidence = [], [], []

    @property
    def parties(self):
        return list(dict.fromkeys([self.issuer, self.earner, *self.reviewers, self.officer, self.district, self.other]))

    def tick(self):
        self.hour += 1
        return self.hour

    def act(self, kind, /, by=True, hour=None, keep=True, **fields):
        """An act of the issuer, asked for by the officer or its own."""
        fields = {k.rstrip("_"): v for k, v in fields.items() if v is not None}
        asked = self.officer.ask(self.issuer, kind, fields) if by is True else by or None
        return self.issuer.put(kind, keep=keep, hour=hour, **{k + "_": v for k, v in fields.items()}, by=asked)

    def define(self, change=None, drop=(), **more):
        self.definition_json = {k: v for k, v in {**DEFINITION, **(change or {})}.items() if k not in drop}
        self.definition = self.act("microcredential", definition=jcs.canonical(self.definition_json), **more)

    def appoint(self, who=None, for_=None, **more):
        for r in self.reviewers if who is None else who:
            self.appointments.append(self.act("appointment", for_=for_ or self.definition, reviewer=r.id, **more))

    def work(self):
        all_readers = [self.issuer, *self.reviewers]
        for title in ("First lesson", "Second lesson"):
            self.evidence.append(("video", "video", self.earner.put("artifact", readers=all_readers, title=title, kind="video", depicts="incidental")))
        self.evidence.append(("reflection", "reflection", self.earner.put("reflection", readers=all_readers, text="I waited longer.")))

    def bind(self, items=None, for_=None, by=None, salt=None):
        """The manifest. items: [(requirement, kind, ref)]."""
        by, salt = by or self.earner, salt or self.rnd(32)
        rows = [[name, kind, ref, facts.evidence_digest(salt, self.earner.records[ref[1]])] for name, kind, ref in items or self.evidence]
        self.manifest = by.put("manifest", readers=[self.issuer, *self.reviewers], for_=for_ or self.definition, items=rows, salt=salt)

    def submit(self, attests=("own-work", "consents-held", "no-names"), for_=None, by=None, **more):
        by = by or self.earner
        found = [self.manifest, *(ref for _, _, ref in self.evidence)]
        handed = [[ref, self.earner.key_of(ref)] for ref in found if ref[0] == self.earner.log]
        self.submission = by.put("submission", readers=[self.issuer, *self.reviewers], for_=for_ or self.definition, manifest=self.manifest, keys=handed,
                                 attests=list(attests), **more)

    @property
    def award_id(self):
        return credential.award_id(self.submission[2], self.definition[2])

    def endorse(self, who, scores, signer=None, change=None, manifest=None):
        signer, manifest = signer or who.badge, manifest or self.earner.records[self.manifest[1]]
        document = credential.endorsement(self.definition_json, self.award_id, manifest, who.id, scores, didkey.did(signer.public), who.name.title(), VALID_FROM)
        return jcs.canonical(proof.sign({**document, **(change or {})}, signer.secret))

    def one_review(self, who, decision="meets", feedback="Clear, and brave: everybody took part.", levels=("exemplary", "demonstrated"), scores=None, endorsement=None,
                   of=None, **more):
        scores = scores or [["acts", levels[1], "Seen at 3:10."], ["everybody", levels[0], ""]]
        if endorsement is None and decision == "meets":
            endorsement = self.endorse(who, scores)
        ref = who.put("review", readers=[self.issuer, self.earner], of=of or self.submission, decision=decision, feedback=feedback, scores=scores,
                      endorsement=endorsement or None, **more)
        self.reviews.append((who, ref, scores))
        return ref

    def review(self, first=None, second=None):
        for who, change in zip(self.reviewers, (first, second)):
            who.put("claim", of=self.submission)
            self.one_review(who, **{"levels": ("demonstrated", "demonstrated") if who is self.reviewers[1] else ("exemplary", "demonstrated"), **(change or {})})

    def take_up(self, **more):
        self.act("take-up", reviews=[ref for _, ref, _ in self.reviews], **more)

    def credential(self, definition=None, manifest=None, subject=None, scores=None, signer=None, submission=None, change=None):
        signer = signer or self.issuer.badge
        document = credential.award(definition or self.definition_json, self.definition, (submission or self.submission)[2],
                                    manifest or self.earner.records[self.manifest[1]], scores or [s for _, _, s in self.reviews], didkey.did(signer.public),
                                    "Example Issuer", subject or self.earner.did, self.valid_from)
        return proof.sign({**document, **(change or {})}, signer.secret)

    def award(self, document=None, reviews=None, submission=None, definition=None, by=True, hour=None, keep=True, raw=None):
        self.document = document or self.credential()
        self.awarded = self.act("award", by=by, hour=hour, keep=keep, submission=submission or self.submission, definition=definition or self.definition,
                                reviews=reviews or [ref for _, ref, _ in self.reviews], credential=raw or jcs.canonical(self.document))

    def accept(self):
        self.earner.put("acceptance", keep=True, of=self.awarded)

    def vouch(self, **more):
        self.vouched = self.district.put("vouch", keep=True, who=self.issuer.id, name="Example Issuer", role="issuer of micro-credentials", **more)

    def shown(self, party, seq):
        """What a bundle shows by default: everything but evidence, acts of officers and claims."""
        return mp.decode(party.records[seq])[0] not in ("artifact", "reflection", "act", "claim")

    def bundle(self, without=(), shown=None, credential=None, award=None):
        """The bundle, as a JSON value; without names parties that are left out."""
        left = [p for p in self.parties if p.name not in without and p not in (self.officer, self.other)]
        shown = shown or self.shown
        identities = [{"id": p.id.hex(), "events": [[b64(e.raw), b64(e.signatures)] for e in p.events]} for p in left]
        award = award or self.awarded
        h = self.issuer.headers[-1]
        status = {"hour": self.hour, "logs": [[self.issuer.log.hex(), len(self.issuer.headers), h.id.hex(), h.hour]]}
        return {"type": "QuireProofBundle", "version": 1, "credential": credential or self.document, "award": [award[0].hex(), award[1], award[2].hex()],
                "identities": identities, "runs": [run for p in left for run in p.runs(shown)], "status": status}


def play(scene=None, **changes):
    """A scene, fresh if none is given, with its steps played: a step's change is either what it is called with, or what is done in its place; after_STEP is done behind it."""
    s = scene or Scene()
    for step in Scene.STEPS:
        change = changes.get(step, {})
        if callable(change):
            change(s)
        else:
            getattr(s, step)(**change)
        if "after_" + step in changes:
            changes["after_" + step](s)
    return s
