/* names.c -- see names.h. */
#include "names.h"

#include "api.h"
#include "compose.h"
#include "desk.h"

struct known {
	struct id32 id;
	json_t *shown;
};

struct names {
	struct store *store;
	size_t n;
	struct known known[NAMES_MAX];
	json_t *last; /* that found no room */
};

struct names *names_new(struct store *reader)
{
	struct names *n = (struct names *)calloc(1, sizeof *n);
	if (n)
		n->store = reader;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->n; i++)
		json_decref(n->known[i].shown);
	json_decref(n->last);
	free(n);
}

static json_t *look_up(struct store *s, const struct id32 *id)
{
	char name[PROFILE_NAME_BYTES], did[DID_BYTES] = "";
	const char *kind = NULL;
	struct keyset *ks = NULL;
	struct keyset_view v;
	identities_name(s, id, name);
	if (desk_keyset_read(s, id, &ks) == OK && keyset_resolve(ks, &v) == OK) {
		identities_did(&v.badge_key, did);
		kind = identities_kind_name(v.kind);
		keyset_view_deinit(&v);
	}
	keyset_free(ks);
	return json_pack("{s:o, s:o, s:s, s:s}", "id", compose_id_json(id), "name", api_clean(name), "did",
		did, "kind", kind ? kind : "");
}

/* Borrowed. */
static json_t *find(struct names *n, const struct id32 *id)
{
	for (size_t i = 0; i < n->n; i++)
		if (id32_equal(&n->known[i].id, id))
			return n->known[i].shown;
	json_t *shown = look_up(n->store, id);
	if (!shown)
		return NULL;
	if (n->n < NAMES_MAX) {
		n->known[n->n++] = (struct known){.id = *id, .shown = shown};
	} else {
		json_decref(n->last);
		n->last = shown;
	}
	return shown;
}

json_t *names_json(struct names *n, const struct id32 *id)
{
	return json_copy(find(n, id));
}

const char *names_text(struct names *n, const struct id32 *id)
{
	const char *text = json_string_value(json_object_get(find(n, id), "name"));
	return text ? text : "";
}
