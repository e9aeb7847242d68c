#include "import/combine.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

/* --- facts of one record into another ------------------------------------------------------------------------ */

static size_t fact_size(enum field_kind kind) {
    static const size_t sizes[] = {[FIELD_TEXT] = sizeof(struct text_fact),
                                   [FIELD_NUMBER] = sizeof(struct number_fact),
                                   [FIELD_FLAG] = sizeof(struct flag_fact),
                                   [FIELD_TEXTS] = sizeof(struct texts_fact),
                                   [FIELD_ROWS] = sizeof(struct rows_fact)};
    return sizes[kind];
}

static void fill(struct arena *arena, const struct record_type *type, char *to, const char *from, bool newer);

/* By its address; where one of the two has none by its place in the list, since every tool lists in the bus's
 * order. */
static bool same_gpu(const struct gpu_device *a, const struct gpu_device *b, bool same_place) {
    const char *x = text_of(a->name), *y = text_of(b->name), *at = text_of(a->address), *bt = text_of(b->address);
    if (at && bt) /* with and without the domain, "0000:" or "00000000:" */
        return text_ends(at, strlen(bt) > 7 ? bt + strlen(bt) - 7 : bt);
    bool alike = !x || !y || text_has_nocase(x, y) || text_has_nocase(y, x);
    return same_place && alike;
}

/* A row of `list` that speaks of the same thing as `row`, or NULL. */
static char *same_row(const struct record_type *type, struct rows_fact *list, const char *row, size_t index) {
    for (size_t i = 0; i < list->count; i++) {
        char *other = list->items + i * type->size;
        if (type == &variable_type) {
            if (text_eq(((const struct variable *)row)->name.value, ((struct variable *)other)->name.value))
                return other;
        } else if (type == &python_package_type) {
            if (text_eq(text_of(((const struct python_package *)row)->name),
                        text_of(((struct python_package *)other)->name)))
                return other;
        } else if (type == &python_environment_type) {
            if (is_true(((const struct python_environment *)row)->in_use) &&
                is_true(((struct python_environment *)other)->in_use))
                return other;
        } else if (type == &compute_device_type) {
            if (number_of(((const struct compute_device *)row)->index, 0) ==
                number_of(((struct compute_device *)other)->index, 0))
                return other;
        } else if (type == &gpu_device_type) {
            if (same_gpu((const struct gpu_device *)row, (struct gpu_device *)other, i == index))
                return other;
        } else if (type == &driver_library_type) {
            if (text_eq(text_of(((const struct driver_library *)row)->path),
                        text_of(((struct driver_library *)other)->path)))
                return other;
        }
    }
    return NULL;
}

static void fill_rows(struct arena *arena, const struct record_type *type, struct rows_fact *to,
                      const struct rows_fact *from, bool newer) {
    for (size_t i = 0; i < from->count; i++) {
        const char *row = from->items + i * type->size;
        char *other = same_row(type, to, row, i);
        if (other) {
            fill(arena, type, other, row, newer && type == &variable_type);
            continue;
        }
        if (to->count >= LIMIT_REPORT_ROWS)
            return;
        if ((to->count & (to->count - 1)) == 0) {
            char *grown = arena_alloc(arena, (to->count ? to->count * 2 : 1) * type->size);
            if (to->count)
                memcpy(grown, to->items, to->count * type->size);
            to->items = grown;
        }
        char *added = to->items + to->count++ * type->size;
        memset(added, 0, type->size);
        fill(arena, type, added, row, false);
    }
}

/* What `to` does not know it takes from `from`; lists are joined. `newer`: known values replace known ones. */
static void fill(struct arena *arena, const struct record_type *type, char *to, const char *from, bool newer) {
    for (size_t i = 0; i < type->count; i++) {
        const struct field *field = &type->fields[i];
        struct fact *a = (struct fact *)(to + field->offset);
        const struct fact *b = (const struct fact *)(from + field->offset);
        if (b->state == FACT_UNKNOWN)
            continue;
        if (field->kind == FIELD_ROWS) {
            struct rows_fact *rows = (struct rows_fact *)a;
            if (a->state != FACT_KNOWN)
                *rows = (struct rows_fact){.is = *b};
            fill_rows(arena, field->rows, rows, (const struct rows_fact *)b, newer);
        } else if (field->kind == FIELD_TEXTS) {
            struct texts_fact *list = (struct texts_fact *)a;
            const struct texts_fact *more = (const struct texts_fact *)b;
            if (a->state != FACT_KNOWN)
                *list = (struct texts_fact){.is = *b};
            for (size_t k = 0; k < more->count && list->count < LIMIT_REPORT_ROWS; k++) {
                bool there = false;
                for (size_t m = 0; m < list->count && !there; m++)
                    there = strcmp(list->items[m], more->items[k]) == 0;
                if (!there)
                    texts_push(arena, list, more->items[k]);
            }
        } else if (a->state == FACT_UNKNOWN || (a->state == FACT_ABSENT && b->state == FACT_KNOWN) || newer) {
            memcpy(a, b, fact_size(field->kind));
        }
    }
}

static void fill_part(struct arena *arena, struct snapshot *to, const struct snapshot *from, const char *part,
                      bool newer) {
    for (size_t i = 0; i < snapshot_part_count; i++)
        if (strcmp(snapshot_parts[i].name, part) == 0)
            fill(arena, snapshot_parts[i].type, (char *)to + snapshot_parts[i].offset,
                 (const char *)from + snapshot_parts[i].offset, newer);
}

static void fill_all(struct arena *arena, struct snapshot *to, const struct snapshot *from, bool newer) {
    for (size_t i = 0; i < snapshot_part_count; i++)
        fill(arena, snapshot_parts[i].type, (char *)to + snapshot_parts[i].offset,
             (const char *)from + snapshot_parts[i].offset,
             newer && (strcmp(snapshot_parts[i].name, "environment") == 0 ||
                       strcmp(snapshot_parts[i].name, "access") == 0));
}

/* --- reports ------------------------------------------------------------------------------------------------- */

struct report {
    size_t first, last; /* blocks */
    struct snapshot *facts;
    enum place place; /* the last one known */
    bool failed;
};
struct report_list {
    struct report *items;
    size_t count;
};

static const struct python_environment *in_use(const struct snapshot *facts) {
    return snapshot_python(facts);
}

/* Two versions of one package, as far as both are told: "2.1.2" and "2.1.2+cu121" do not contradict. */
static bool versions_differ(const struct text_fact *a, const struct text_fact *b) {
    struct package_version x, y;
    if (!known(*a) || !known(*b) || package_version_parse(span_of(a->value), &x) < 0 ||
        package_version_parse(span_of(b->value), &y) < 0)
        return false;
    if (package_version_compare(&x, &y) != 0)
        return true;
    return x.local[0] && y.local[0] && strcmp(x.local, y.local) != 0;
}

static bool drivers_differ(const struct text_fact *a, const struct text_fact *b) {
    struct driver_version x, y;
    return known(*a) && known(*b) && driver_version_parse(span_of(a->value), &x) == 0 &&
           driver_version_parse(span_of(b->value), &y) == 0 && driver_version_compare(&x, &y) != 0;
}

static bool is_user_site(const struct text_fact *path) {
    const char *text = text_of(*path);
    return text_has(text, "/.local/lib/python") || text_has(text, "AppData\\Roaming\\Python") ||
           text_has(text, "AppData/Roaming/Python");
}

/* The torch that is imported and the one that is listed may be two that are there at once. */
static bool one_shadows(const struct python_environment *a, const struct python_environment *b) {
    return is_user_site(&a->torch_path) != is_user_site(&b->torch_path);
}

/* nvidia-smi answered, and then the shell finds none: with a container in play these are two places, of which the
 * later one has nothing of the driver in it. */
static bool smi_is_gone(const struct snapshot *before, const struct snapshot *after) {
    return is_true(before->driver.smi_present) && is_false(after->driver.smi_present) &&
           (known(before->system.container) || known(after->system.container));
}

static bool contradicts(const struct snapshot *report, const struct snapshot *block) {
    const struct flag_fact *a = &report->compute.is_available, *b = &block->compute.is_available;
    if (known(*a) && known(*b) && a->value != b->value)
        return true;
    const struct python_environment *x = in_use(report), *y = in_use(block);
    if (x && y && versions_differ(&x->torch_version, &y->torch_version) && !one_shadows(x, y))
        return true;
    if (smi_is_gone(report, block))
        return true;
    return drivers_differ(&report->driver.module_version, &block->driver.module_version);
}

/* The newest report of the same place that the block does not contradict; a host and its container are two. */
static struct report *report_of(struct report_list *reports, const struct block *block) {
    for (size_t i = reports->count; i-- > 0;) {
        struct report *report = &reports->items[i];
        bool other_place =
            report->place != PLACE_UNKNOWN && block->place != PLACE_UNKNOWN && report->place != block->place;
        if (other_place)
            continue;
        return contradicts(report->facts, block->facts) ? NULL : report;
    }
    return NULL;
}

/* Blocks that only set variables, right before a block that begins a report: they were set for it. */
static void fill_settings(struct reading *reading, struct report *report) {
    for (size_t i = report->first; i-- > 0;) {
        const struct snapshot *facts = reading->blocks.items[i].facts;
        const struct python_environment *python = in_use(facts);
        bool answers = known(facts->compute.is_available) || known(facts->driver.module_version) ||
                       (python && known(python->torch_version)) || facts->printed.messages.count;
        if (answers || !facts->environment.variables.count)
            return;
        fill_part(reading->arena, report->facts, facts, "environment", false);
    }
}

static void group_blocks(struct reading *reading, struct report_list *reports) {
    for (size_t i = 0; i < reading->blocks.count; i++) {
        struct block *block = &reading->blocks.items[i];
        struct report *report = report_of(reports, block);
        if (!report) {
            report = &LIST_PUSH(reading->arena, reports);
            report->first = i;
            report->facts = arena_alloc(reading->arena, sizeof *report->facts);
            fill_settings(reading, report);
        }
        /* what was set for a run that came after the last failure is no part of the failure */
        fill_all(reading->arena, report->facts, block->facts, block->failed || !report->failed);
        report->last = i;
        report->failed |= block->failed || is_false(block->facts->compute.is_available);
        if (block->place != PLACE_UNKNOWN)
            report->place = block->place;
    }
}

static size_t judged_report(const struct report_list *reports) {
    for (size_t i = reports->count; i-- > 0;)
        if (reports->items[i].failed)
            return i;
    return reports->count - 1;
}

/* NVML told these on the host: they are no sign that it answers in the container, too. */
static void forget_nvml(struct gpu_device_rows *devices) {
    for (size_t i = 0; i < devices->count; i++) {
        set_unknown(&devices->items[i].uuid, "told by the host", devices->items[i].uuid.is.source);
        set_unknown(&devices->items[i].memory_used_mib, "told by the host",
                    devices->items[i].memory_used_mib.is.source);
    }
}

/* What another report tells of the same machine. */
static void fill_gaps(struct reading *reading, struct report *judged, const struct report *other) {
    struct snapshot *to = judged->facts;
    const struct snapshot *from = other->facts;
    bool same_place =
        judged->place == other->place || judged->place == PLACE_UNKNOWN || other->place == PLACE_UNKNOWN;
    struct text_fact container = to->system.container, image = to->access.image,
                     distribution = to->system.distribution_name, passed = to->access.gpu_passed_by;
    struct flag_fact smi = to->driver.smi_present; /* of one place: the module's release is the machine's */
    bool gone = smi_is_gone(from, to);
    if (gone)
        fill_part(reading->arena, to, from, "compute", false); /* what PyTorch said before belongs to either */
    bool own_gpus = to->gpu.devices.count > 0;
    fill_part(reading->arena, to, from, "gpu", false);
    if (judged->place == PLACE_CONTAINER && other->place == PLACE_HOST && !own_gpus)
        forget_nvml(&to->gpu.devices);
    fill_part(reading->arena, to, from, "driver", false);
    fill_part(reading->arena, to, from, "system", false);
    if (!same_place) { /* a host is in no container */
        to->driver.smi_present = smi;
        to->system.container = container;
        if (other->place == PLACE_WINDOWS)
            to->system.distribution_name = distribution;
        to->access.image = image;
        fill_part(reading->arena, to, from, "printed", false);
    } else {
        fill_part(reading->arena, to, from, "toolkit", false);
        fill_part(reading->arena, to, from, "access", false);
    }
    if (gone) { /* an option of the container that worked is none of this one's */
        to->access.gpu_passed_by = passed;
        if (!known(passed))
            set_absent(&to->access.gpu_passed_by, to->driver.smi_present.is.source);
    }
    const struct python_environment *ours = in_use(to), *theirs = in_use(from);
    bool other_torch = ours && theirs && versions_differ(&ours->torch_version, &theirs->torch_version);
    if ((same_place || judged->place == PLACE_JOB) && !other_torch)
        fill_part(reading->arena, to, from, "torch", false);
    /* kinds and commands belong to the text as a whole */
    for (size_t i = 0; i < from->printed.kinds.count; i++)
        note_listed(reading, &to->printed.kinds, span_of(from->printed.kinds.items[i]));
    for (size_t i = 0; same_place && i < from->printed.commands.count; i++) {
        struct printed_command *command = READING_PUSH(reading, &to->printed.commands);
        if (command)
            *command = from->printed.commands.items[i];
    }
}

/* "PyTorch 2.0.1, CUDA available; driver 535.54.03; on the host" */
static const char *summary(struct reading *reading, const struct report *report) {
    const struct snapshot *facts = report->facts;
    const struct python_environment *python = in_use(facts);
    const char *torch = python ? text_of(python->torch_version) : NULL,
               *driver = text_of(facts->driver.module_version);
    const char *place = place_name(report->place);
    const struct flag_fact *available = &facts->compute.is_available;
    return arena_printf(
        reading->arena, "%s%s%s%s%s%s%s", torch ? "PyTorch " : "another report", torch ? torch : "",
        known(*available) ? (available->value ? ", CUDA available" : ", CUDA not available") : "",
        driver ? ", driver " : "", driver ? driver : "", place ? ", in: " : "", place ? place : "");
}

static void list_report(struct reading *reading, struct snapshot *snapshot, const struct report *report) {
    struct printed_report *row = READING_PUSH(reading, &snapshot->printed.also_seen);
    if (!row)
        return;
    size_t first = reading->blocks.items[report->first].first, last = reading->blocks.items[report->last].last;
    const char *source = arena_printf(reading->arena, "line %zu", first);
    set_number(&row->first_line, (int64_t)first, source);
    set_number(&row->last_line, (int64_t)last, source);
    set_text(&row->summary, summary(reading, report), source);
}

/* --- what only the whole text can tell ----------------------------------------------------------------------- */

static void use_mentions(struct reading *reading, struct snapshot *snapshot) {
    bool have = snapshot->gpu.devices.count > 0;
    for (size_t i = 0; !have && i < reading->gpu_count; i++) {
        struct gpu_device *device = READING_PUSH(reading, &snapshot->gpu.devices);
        if (device)
            set_text(&device->name, reading->gpus[i].text, reading->gpus[i].source);
    }
    if (reading->driver.text && !known(snapshot->driver.module_version))
        set_text(&snapshot->driver.module_version, reading->driver.text, reading->driver.source);
}

/* A torch in the user's own site-packages stands before that of the environment that is active (site.py). */
static void find_user_site(struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->torch.environments.count; i++) {
        struct python_environment *python = &snapshot->torch.environments.items[i];
        const char *torch = text_of(python->torch_path);
        bool user = is_user_site(&python->torch_path);
        bool environment = known(python->path) || known(python->name);
        if (user && environment && !known(python->shadowed_by))
            set_text(&python->shadowed_by, torch, python->torch_path.is.source);
    }
}

/* Who may open a node: its owner, its group, others (path_resolution(7)); root may always. */
static void find_refused_nodes(struct snapshot *snapshot) {
    const struct system_facts *system = &snapshot->system;
    struct access_facts *access = &snapshot->access;
    for (size_t i = 0; i < access->nodes.count; i++) {
        struct device_node *node = &access->nodes.items[i];
        bool known_user = known(system->uid) && system->uid.value != 0 && known(access->groups);
        if (!known_user || !known(node->mode) || !known(node->group) || known(node->open_error))
            continue;
        bool member = false;
        for (size_t k = 0; k < access->groups.count; k++)
            member |= text_eq(access->groups.items[k], node->group.value);
        int64_t bits = 0;
        span_to_number(span_of(node->mode.value), 8, &bits);
        if (((member ? bits >> 3 : bits) & 6) != 6)
            set_text(&node->open_error, "EACCES", node->mode.is.source);
    }
}

/* collect_env says "N/A" also where torch is there and its import failed (torch/utils/collect_env.py). */
static void find_failed_import(struct snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->torch.environments.count; i++) {
        struct python_environment *python = &snapshot->torch.environments.items[i];
        const char *error = text_of(python->import_error);
        bool there = known(python->torch_path) || (error && !text_has(error, "No module named"));
        if (absent(python->torch_version) && there)
            set_unknown(&python->torch_version, "its import failed", python->torch_version.is.source);
    }
}

static void find_wsl(struct reading *reading, struct snapshot *snapshot) {
    for (size_t i = 0; i < reading->blocks.count; i++)
        if (reading->blocks.items[i].place == PLACE_WSL) {
            set_text(&snapshot->system.os, "linux", snapshot->system.os.is.source);
            return;
        }
    if (known(snapshot->system.wsl))
        set_text(&snapshot->system.os, "linux", snapshot->system.wsl.is.source);
}

void blocks_combine(struct reading *reading, struct snapshot *snapshot) {
    struct report_list reports = {0};
    if (!reading->blocks.count)
        return;
    group_blocks(reading, &reports);
    size_t judged = judged_report(&reports);
    for (size_t i = 0; i < reports.count; i++)
        if (i != judged)
            fill_gaps(reading, &reports.items[judged], &reports.items[i]);
    fill_all(reading->arena, snapshot, reports.items[judged].facts, false);
    for (size_t i = 0; i < reports.count; i++)
        if (i != judged)
            list_report(reading, snapshot, &reports.items[i]);
    use_mentions(reading, snapshot);
    find_failed_import(snapshot);
    find_refused_nodes(snapshot);
    find_user_site(snapshot);
    find_wsl(reading, snapshot);
}
