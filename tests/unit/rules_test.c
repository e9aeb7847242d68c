/* Every cause: snapshots where it fires and near misses where it must not (tests/cases/rules/ID.json), and
 * machines where nothing may be found at all (healthy.json). A case is a base and what differs from it, in short:
 * a plain value is a known fact, null an absent one, {"?": "reason"} an unknown one, {"?": ""} one that nobody
 * looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "diagnose/engine.h"
#include "facts/snapshot_json.h"
#include "knowledge/knowledge.h"
#include "support/unit.h"

#define CASES TEST_SOURCE_DIR "/tests/cases/rules/"

static struct knowledge *tables;

static json_t *expand(const json_t *value);

static json_t *expand_fields(const json_t *object) {
    json_t *out = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        json_t *fact = expand(value);
        if (fact)
            json_object_set_new(out, key, fact);
    }
    return out;
}

static json_t *expand_list(const json_t *array) {
    json_t *out = json_array();
    size_t i;
    json_t *value;
    json_array_foreach((json_t *)array, i, value) {
        if (json_is_object(value))
            json_array_append_new(out, expand_fields(value));
        else
            json_array_append(out, value);
    }
    return json_pack("{s:o, s:s}", "value", out, "source", "case");
}

static json_t *expand(const json_t *value) {
    const json_t *reason = json_object_get(value, "?");
    if (reason)
        return *json_string_value(reason) ? json_pack("{s:O, s:s}", "unknown", reason, "source", "case") : NULL;
    if (json_is_null(value))
        return json_pack("{s:b, s:s}", "absent", 1, "source", "case");
    if (json_is_array(value))
        return expand_list(value);
    return json_pack("{s:O, s:s}", "value", value, "source", "case");
}

static json_t *load(const char *name) {
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s%s", CASES, name);
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        print_error("%s:%d: %s\n", path, error.line, error.text);
    assert_non_null(json);
    return json;
}

/* Parts are merged field by field; a field that both have is the difference's. */
static json_t *merge(const json_t *base, const json_t *difference) {
    json_t *out = json_object();
    const char *part;
    json_t *fields;
    json_object_foreach((json_t *)base, part, fields) json_object_set_new(out, part, json_deep_copy(fields));
    json_object_foreach((json_t *)difference, part, fields) {
        json_t *have = json_object_get(out, part);
        if (json_is_object(have))
            json_object_update(have, fields);
        else
            json_object_set_new(out, part, json_deep_copy(fields));
    }
    return out;
}

static struct snapshot *build(const char *base_name, const json_t *difference) {
    char name[64];
    snprintf(name, sizeof name, "base/%s.json", base_name);
    json_t *base = load(name), *all = merge(base, difference);
    json_t *full = json_pack("{s:s, s:O}", "schema", SNAPSHOT_SCHEMA, "origin", json_object_get(all, "origin"));
    const char *part;
    json_t *fields;
    json_object_foreach(all, part, fields) if (json_is_object(fields))
        json_object_set_new(full, part, expand_fields(fields));
    char *text = json_dumps(full, 0);
    struct snapshot *snapshot = NULL;
    struct snapshot_error error;
    struct texts newer = {0};
    int status = snapshot_from_json(span_of(text), &snapshot, &newer, &error);
    if (status < 0)
        print_error("%s\n", error.message);
    for (size_t i = 0; i < newer.count; i++)
        print_error("no such fact: %s\n", newer.items[i]);
    assert_int_equal(status, 0);
    assert_int_equal(newer.count, 0); /* a misspelt fact would make a near miss of anything */
    free(text);
    json_decref(base);
    json_decref(all);
    json_decref(full);
    return snapshot;
}

static const char *string_or(const json_t *object, const char *key, const char *otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_string(value) ? json_string_value(value) : otherwise;
}

static struct diagnosis *judge_case(const json_t *file, const json_t *one, struct snapshot **ret_snapshot) {
    const char *base = string_or(one, "base", string_or(file, "base", "linux"));
    *ret_snapshot = build(base, json_object_get(one, "facts"));
    struct judge_options options = {.for_build = json_is_true(json_object_get(one, "for_build")),
                                    .knowledge = tables};
    return diagnose(*ret_snapshot, options);
}

static const struct cause *cause_of(const struct diagnosis *diagnosis, const char *id) {
    for (size_t i = 0; i < diagnosis->causes.count; i++)
        if (text_eq(diagnosis->causes.items[i].id, id))
            return &diagnosis->causes.items[i];
    return NULL;
}

static void complain(const char *id, const json_t *one, const struct diagnosis *diagnosis) {
    print_error("%s, \"%s\": verdict %s\n", id, string_or(one, "name", "?"), verdict_name(diagnosis->verdict));
    for (size_t i = 0; i < diagnosis->causes.count; i++) {
        const struct cause *cause = &diagnosis->causes.items[i];
        print_error("  %s %s (%s) by %s: %s\n", role_name(cause->role), cause->id,
                    confidence_name(cause->confidence), cause->explained_by ? cause->explained_by : "-",
                    cause->summary);
    }
    for (size_t i = 0; i < diagnosis->unknown.count; i++)
        print_error("  unknown %s: %s\n", diagnosis->unknown.items[i].fact, diagnosis->unknown.items[i].reason);
}

/* What every cause owes its reader. */
static bool is_told_well(const struct cause *cause) {
    if (!cause->evidence.count || !cause->fixes.count || !cause->see.count || !cause->summary || !*cause->summary)
        return false;
    for (size_t i = 0; i < cause->evidence.count; i++)
        if (!cause->evidence.items[i].fact || !cause->evidence.items[i].value)
            return false;
    for (size_t i = 0; i < cause->fixes.count; i++)
        for (size_t c = 0; c < cause->fixes.items[i].commands.count; c++)
            if (strchr(cause->fixes.items[i].commands.items[c], '{') &&
                strstr(cause->fixes.items[i].commands.items[c], "{torch}"))
                return false;
    return strstr(cause->summary, "(null)") == NULL;
}

static bool fix_has(const struct fix *fix, const char *words) {
    if (text_has(fix->title, words))
        return true;
    for (size_t c = 0; c < fix->commands.count; c++)
        if (text_has(fix->commands.items[c], words))
            return true;
    return false;
}

static bool has_fix_with(const struct cause *cause, const char *words) {
    for (size_t i = 0; i < cause->fixes.count; i++)
        if (fix_has(&cause->fixes.items[i], words))
            return true;
    return false;
}

static bool has_evidence(const struct cause *cause, const char *words) {
    for (size_t i = 0; i < cause->evidence.count; i++)
        if (text_has(cause->evidence.items[i].value, words))
            return true;
    return false;
}

static bool check_fires(const char *id, const json_t *file, const json_t *one) {
    struct snapshot *snapshot;
    struct diagnosis *diagnosis = judge_case(file, one, &snapshot);
    const struct cause *cause = cause_of(diagnosis, id);
    const char *role = string_or(one, "role", "root"), *by = string_or(one, "explained_by", NULL);
    const char *confidence = string_or(one, "confidence", NULL), *fix = string_or(one, "fix", NULL);
    const char *says = string_or(one, "says", NULL), *never = string_or(one, "no_fix", NULL);
    const char *first = string_or(one, "first_fix", NULL), *shown = string_or(one, "evidence", NULL);
    bool right = cause && text_eq(role_name(cause->role), role) && (!by || text_eq(cause->explained_by, by)) &&
                 (!confidence || text_eq(confidence_name(cause->confidence), confidence)) && is_told_well(cause) &&
                 (!fix || has_fix_with(cause, fix)) && (!says || text_has(cause->summary, says)) &&
                 !(never && has_fix_with(cause, never)) && (!first || fix_has(&cause->fixes.items[0], first)) &&
                 (!shown || has_evidence(cause, shown));
    const json_t *available = json_object_get(one, "available");
    if (available)
        right = right && diagnosis->pytorch.known_available &&
                diagnosis->pytorch.is_available == (bool)json_is_true(available);
    size_t roots = 0;
    for (size_t i = 0; i < diagnosis->causes.count; i++)
        roots += diagnosis->causes.items[i].role == ROLE_ROOT;
    if (text_eq(role, "root") && !json_object_get(one, "other_roots"))
        right = right && roots == 1;
    if (!right) {
        complain(id, one, diagnosis);
        for (size_t i = 0; cause && i < cause->fixes.count; i++) {
            print_error("  fix: %s\n", cause->fixes.items[i].title);
            for (size_t c = 0; c < cause->fixes.items[i].commands.count; c++)
                print_error("       %s\n", cause->fixes.items[i].commands.items[c]);
        }
    }
    diagnosis_free(diagnosis);
    snapshot_free(snapshot);
    return right;
}

static bool check_misses(const char *id, const json_t *file, const json_t *one) {
    struct snapshot *snapshot;
    struct diagnosis *diagnosis = judge_case(file, one, &snapshot);
    const char *instead = string_or(one, "instead", NULL), *unknown = string_or(one, "unknown", NULL);
    bool right = !cause_of(diagnosis, id) && (!instead || cause_of(diagnosis, instead));
    bool told = !unknown;
    for (size_t i = 0; i < diagnosis->unknown.count; i++)
        told |= text_eq(diagnosis->unknown.items[i].fact, unknown);
    if (!right || !told)
        complain(id, one, diagnosis);
    diagnosis_free(diagnosis);
    snapshot_free(snapshot);
    return right && told;
}

static void every_cause_fires_and_misses(void **state) {
    (void)state;
    size_t fired = 0, missed = 0, wrong = 0;
    for (size_t room = 0; room < LINK_COUNT; room++)
        for (size_t rule = 0; rule < link_rooms[room]->count; rule++) {
            const char *id = link_rooms[room]->rules[rule].id;
            char name[96];
            snprintf(name, sizeof name, "%s.json", id);
            json_t *file = load(name);
            const json_t *fires = json_object_get(file, "fires"), *misses = json_object_get(file, "misses");
            if (!json_array_size(fires) || !json_array_size(misses))
                print_error("%s has no case\n", name);
            assert_true(json_array_size(fires) && json_array_size(misses));
            for (size_t i = 0; i < json_array_size(fires); i++, fired++)
                wrong += !check_fires(id, file, json_array_get(fires, i));
            for (size_t i = 0; i < json_array_size(misses); i++, missed++)
                wrong += !check_misses(id, file, json_array_get(misses, i));
            json_decref(file);
        }
    print_message("%zu fire, %zu miss\n", fired, missed);
    assert_int_equal(wrong, 0);
}

/* No root, no risk, no warning. */
static void healthy_machines_have_no_cause(void **state) {
    (void)state;
    json_t *file = load("healthy.json");
    const json_t *machines = json_object_get(file, "machines");
    for (size_t i = 0; i < json_array_size(machines); i++) {
        const json_t *one = json_array_get(machines, i);
        struct snapshot *snapshot;
        struct diagnosis *diagnosis = judge_case(file, one, &snapshot);
        bool right = diagnosis->verdict == VERDICT_HEALTHY && !diagnosis->causes.count &&
                     diagnosis->pytorch.known_available && diagnosis->pytorch.is_available;
        const json_t *count = json_object_get(one, "device_count");
        if (count)
            right &=
                diagnosis->pytorch.known_count && diagnosis->pytorch.device_count == json_integer_value(count);
        for (size_t link = 0; link < LINK_PROGRAM; link++)
            right &= diagnosis->links[link].state != STATE_WARNING && diagnosis->links[link].state != STATE_BROKEN;
        if (!right) {
            complain("healthy", one, diagnosis);
            for (size_t link = 0; link < LINK_PROGRAM; link++)
                print_error("  %s %s: %s\n", link_name((enum link)link),
                            link_state_name(diagnosis->links[link].state), diagnosis->links[link].summary);
        }
        assert_true(right);
        diagnosis_free(diagnosis);
        snapshot_free(snapshot);
    }
    assert_true(json_array_size(machines) > 5);
    json_decref(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_machines_have_no_cause),
        cmocka_unit_test(every_cause_fires_and_misses),
    };
    if (knowledge_open(&tables, NULL) < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    knowledge_close(tables);
    return failed;
}
