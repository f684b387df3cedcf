/* judge_story.c -- see judge_story.h; records in judge_records.c. */
#include "tests/support/judge_story.h"

#include <stdio.h>

#include "protocol/award/facts.h"
#include "protocol/log/entry.h"
#include "protocol/log/hash.h"
#include "protocol/log/record.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "judge story: %s\n", what);
	abort();
}

/* ---- people */

static void person_begin(struct judge_person *p, uint64_t seed)
{
	story_begin(&p->keys, seed);
	p->id = p->keys.identity;
	p->generation = story_generation(&p->keys, &p->keys.inception, NULL, 0);
	for (unsigned i = 0; i < STORY_DEVICES; i++) {
		p->device[i] = story_new_device(&p->keys);
		story_device(&p->keys, PLACE(&p->generation, p->slot++), &p->device[i], NULL, 0);
		p->log[i] = entry_log_id(&p->id, &p->device[i].sign_key);
	}
	p->stale = true;
}

static void person_resolve(struct judge_person *p)
{
	if (!p->stale)
		return;
	if (p->set) {
		keyset_view_deinit(&p->view);
		keyset_free(p->set);
	}
	p->set = story_offer(&p->keys, NULL, false);
	must(keyset_resolve(p->set, &p->view) == OK, "resolve");
	p->stale = false;
}

void judge_story_begin(struct judge_story *j, uint64_t seed)
{
	*j = (struct judge_story){0};
	j->people = (struct judge_person *)calloc(STORY_PEOPLE, sizeof *j->people);
	j->facts = (struct fact *)calloc(STORY_FACTS, sizeof *j->facts);
	must(j->people && j->facts, "memory");
	for (unsigned i = 0; i < STORY_PEOPLE; i++)
		person_begin(&j->people[i], seed * 100 + i);
}

void judge_story_end(struct judge_story *j)
{
	for (unsigned i = 0; i < STORY_PEOPLE; i++) {
		story_end(&j->people[i].keys);
		if (j->people[i].set) {
			keyset_view_deinit(&j->people[i].view);
			keyset_free(j->people[i].set);
		}
	}
	free(j->people);
	free(j->facts);
	arena_free(&j->arena);
}

struct judge_case judge_story_case(struct judge_story *j)
{
	size_t n = 0;
	for (unsigned i = 0; i < STORY_PEOPLE; i++) {
		struct judge_person *p = &j->people[i];
		person_resolve(p);
		if (!(j->hidden >> i & 1))
			j->identities[n++] = (struct judge_identity){p->id, p->set, &p->view};
	}
	return (struct judge_case){.facts_n = j->facts_n,
		.facts = j->facts,
		.identities_n = n,
		.identities = j->identities,
		.erased_n = j->erased_n,
		.erased = j->erased,
		.proofs = &j->proofs};
}

struct id32 tell_officer(struct judge_story *j, unsigned institution, unsigned officer, uint32_t rights)
{
	struct judge_person *p = &j->people[institution];
	p->stale = true;
	return story_officer_of(&p->keys, PLACE(&p->generation, p->slot++), &j->people[officer].id, rights);
}

void tell_dismissal(
	struct judge_story *j, unsigned institution, const struct id32 *officer_event, unsigned device)
{
	struct judge_person *p = &j->people[institution];
	struct keyset_mark mark = {.last = {{1}}};
	p->stale = true;
	if (device < STORY_DEVICES) {
		mark.log = p->log[device];
		mark.length = p->length[device];
	}
	story_finish_marked(
		&p->keys, PLACE(&p->generation, p->slot++), officer_event, &mark, device < STORY_DEVICES);
}

void tell_new_badge(struct judge_story *j, unsigned who)
{
	struct judge_person *p = &j->people[who];
	struct id32 before = p->keys.identity;
	p->stale = true;
	story_badge(&p->keys, PLACE_AFTER(&p->generation, p->slot++, before), &p->keys.badge_key);
}

void tell_hidden(struct judge_story *j, unsigned who)
{
	j->hidden |= 1u << who;
}

/* ---- entries */

struct entry_ref tell(struct judge_story *j, struct pen pen, struct slice record)
{
	struct judge_person *p = &j->people[pen.who];
	struct entry_ref at = {.log = p->log[pen.device], .seq = p->length[pen.device]++};
	uint8_t seq[8];
	be64_put(seq, at.seq);
	const struct slice parts[] = {slice_of(at.log.b, 32), slice_of(seq, sizeof seq), record};
	at.id = hash_parts(HASH_ENTRY, parts, 3);
	struct fact_source src = {.at = at,
		.author = p->id,
		.flags = pen.kept ? ENTRY_FLAG_KEEP : 0,
		.hour = 490000,
		.record = arena_copy(&j->arena, record)};
	struct fact_words words;
	struct buf keep = {0};
	must(j->facts_n + FACTS_OF_ENTRY_MAX <= STORY_FACTS, "too many facts");
	size_t n = facts_make(&src, j->facts + j->facts_n, &words, &keep);
	must(n > 0, "a record that states nothing");
	j->facts_n += n;
	buf_free(&keep);
	return at;
}

struct fact *story_fact(struct judge_story *j, const struct entry_ref *at)
{
	for (size_t i = 0; i < j->facts_n; i++)
		if (id32_equal(&j->facts[i].at.id, &at->id))
			return &j->facts[i];
	must(false, "no such fact");
	return NULL;
}

void story_cut(struct judge_story *j, const struct entry_ref *at)
{
	for (size_t i = 0; i < j->facts_n; i++)
		if (id32_equal(&j->facts[i].at.id, &at->id))
			j->facts[i].cut = true;
}

void story_forget(struct judge_story *j, const struct entry_ref *at)
{
	size_t n = 0;
	for (size_t i = 0; i < j->facts_n; i++)
		if (!id32_equal(&j->facts[i].at.id, &at->id))
			j->facts[n++] = j->facts[i];
	must(n < j->facts_n, "nothing to forget");
	j->facts_n = n;
}

void story_erase(struct judge_story *j, const struct entry_ref *at)
{
	story_forget(j, at);
	must(j->erased_n < 64, "too many erased");
	j->erased[j->erased_n++] = at->id;
}

/* ---- asking */

struct submission_judgement story_submission(struct judge_story *j, const struct entry_ref *at)
{
	struct submission_judgement out;
	struct judge_case c = judge_story_case(j);
	must(judge_submission(&c, &at->id, &out) == OK, "judge submission");
	return out;
}

struct award_judgement story_award(struct judge_story *j, const struct entry_ref *at)
{
	struct award_judgement out;
	struct judge_case c = judge_story_case(j);
	must(judge_award(&c, &at->id, &out) == OK, "judge award");
	return out;
}

const struct judge_line *story_line(
	const struct judgement *lines, const char *code, const struct entry_ref *about)
{
	for (size_t i = 0; i < lines->lines_n; i++)
		if (strcmp(lines->lines[i].code, code) == 0 &&
			(!about || id32_equal(&lines->lines[i].entry, &about->id)))
			return &lines->lines[i];
	return NULL;
}

/* ---- the whole way */

struct tell_award award_of(const struct whole_way *w)
{
	return (struct tell_award){.submission = w->submission,
		.definition = w->definition,
		.manifest = w->made.manifest,
		.reviews = {w->review},
		.reviews_n = 1};
}

struct whole_way tell_whole_way(struct judge_story *j)
{
	struct whole_way w;
	w.definition = tell_definition(j, PEN(ISSUER), (struct tell_definition){.reviewers = 1});
	w.appointment = tell_appointment(j, PEN(ISSUER), ANN, &w.definition);
	w.submission = tell_work(j, PEN(EARNER), &w.definition, NULL, &w.made);
	w.review = tell_review(j, PEN(ANN), &w.submission, &w.definition, MEETS);
	w.award = tell_award(j, PEN(ISSUER), award_of(&w));
	return w;
}
