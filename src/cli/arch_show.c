/* The answers of `whycuda arch`, as text and as JSON. */
#include <string.h>

#include "base/text.h"
#include "cli/arch.h"

enum { COLUMNS = 80, LABEL = 8 };

static const struct {
    unsigned kind;
    const char *label;
} KINDS[] = {{FATBIN_SASS, "SASS"}, {FATBIN_PTX, "PTX"}, {FATBIN_LTO, "LTO"}, {FATBIN_OTHER, "other"}};

/* --- text -------------------------------------------------------------------------------------------------- */

/* Words from column LABEL on, broken before the last column. */
struct line {
    FILE *out;
    size_t column;
};

static void line_start(struct line *line, const char *label) {
    fprintf(line->out, "  %-*s", LABEL - 2, label);
    line->column = LABEL;
}

static void line_add(struct line *line, const char *word) {
    size_t len = text_columns(word);
    if (line->column > LABEL && line->column + 2 + len > COLUMNS) {
        fprintf(line->out, "\n%*s", LABEL, "");
        line->column = LABEL;
    } else if (line->column > LABEL) {
        fputs("  ", line->out);
        line->column += 2;
    }
    fputs(word, line->out);
    line->column += len;
}

static const char *word_of(struct arena *arena, const struct fatbin_target *target, bool verbose) {
    const char *name = fatbin_target_name(arena, target);
    unsigned long long entries = target->entries;
    if (verbose && target->kind == FATBIN_PTX)
        return arena_printf(arena, "%s (%llu, ISA %u.%u)", name, entries, target->isa_major, target->isa_minor);
    return arena_printf(arena, "%s (%llu)", name, entries);
}

/* Without -v the entries of a target with different ISAs are one item. */
static void targets_join(struct fatbin_targets *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct fatbin_target *last = kept ? &list->items[kept - 1] : NULL;
        const struct fatbin_target *item = &list->items[i];
        if (last && last->kind == item->kind && last->arch == item->arch && last->suffix == item->suffix)
            last->entries += item->entries;
        else
            list->items[kept++] = *item;
    }
    list->count = kept;
}

static void show_targets(FILE *out, struct arena *arena, const struct fatbin_code *code, bool verbose) {
    struct line line = {.out = out};
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        struct fatbin_targets list;
        fatbin_sorted(code, arena, KINDS[k].kind, &list);
        if (!verbose)
            targets_join(&list);
        bool always = KINDS[k].kind == FATBIN_SASS || KINDS[k].kind == FATBIN_PTX;
        if (!list.count && (!always || !code->entries))
            continue;
        line_start(&line, KINDS[k].label);
        for (size_t i = 0; i < list.count; i++)
            line_add(&line, word_of(arena, &list.items[i], verbose));
        fputs(list.count ? "\n" : "none\n", out);
    }
}

static const char *plural(struct arena *arena, uint64_t count, const char *one, const char *many) {
    return arena_printf(arena, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
}

static const char *amount(struct arena *arena, const struct fatbin_code *code) {
    return arena_printf(arena, "%s in %s", plural(arena, code->entries, "entry", "entries"),
                        plural(arena, code->modules, "module", "modules"));
}

void arch_text(FILE *out, struct arena *arena, const struct arch_file *file, bool verbose) {
    const struct fatbin_file *code = &file->code;
    const char *what = code->code.entries        ? amount(arena, &code->code)
                       : code->elsewhere.entries ? "none in .nv_fatbin"
                                                 : "no GPU code";
    fprintf(out, "%s: %s\n", file->name, what);
    show_targets(out, arena, &code->code, verbose);
    if (code->elsewhere.entries) {
        fprintf(out, "  outside of .nv_fatbin: %s\n", amount(arena, &code->elsewhere));
        show_targets(out, arena, &code->elsewhere, verbose);
    }
    if (file->torch_flags.count) {
        struct line line = {.out = out};
        fputs("  PyTorch's own list (torch._C._cuda_getArchFlags):\n", out);
        line_start(&line, "");
        for (size_t i = 0; i < file->torch_flags.count; i++)
            line_add(&line, text_clean(arena, span_of(file->torch_flags.items[i])));
        fputc('\n', out);
    }
    if (verbose)
        fprintf(out, "  %s, %llu bytes; read %llu in %llu reads\n", code->format, (unsigned long long)code->size,
                (unsigned long long)code->bytes_read, (unsigned long long)code->reads);
}

/* --- JSON -------------------------------------------------------------------------------------------------- */

static json_t *texts_json(const struct texts *texts) {
    json_t *list = json_array();
    for (size_t i = 0; i < texts->count; i++)
        json_array_append_new(list, json_string(texts->items[i]));
    return list;
}

/* {"sm_75": 393, …} and {"compute_120": ["9.0"], …} */
static void add_counts(json_t *object, struct arena *arena, const struct fatbin_code *code) {
    json_t *counts = json_object(), *isa = json_object();
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        struct fatbin_targets list;
        fatbin_sorted(code, arena, KINDS[k].kind, &list);
        for (size_t i = 0; i < list.count; i++) {
            const struct fatbin_target *target = &list.items[i];
            const char *name = fatbin_target_name(arena, target);
            json_int_t before = json_integer_value(json_object_get(counts, name));
            json_object_set_new(counts, name, json_integer(before + (json_int_t)target->entries));
            if (target->kind != FATBIN_PTX)
                continue;
            if (!json_object_get(isa, name))
                json_object_set_new(isa, name, json_array());
            json_array_append_new(json_object_get(isa, name),
                                  json_sprintf("%u.%u", target->isa_major, target->isa_minor));
        }
    }
    json_object_set_new(object, "modules", json_integer((json_int_t)code->modules));
    json_object_set_new(object, "counts", counts);
    json_object_set_new(object, "ptx_isa", isa);
}

static void add_code(json_t *object, struct arena *arena, const struct fatbin_code *code, bool verbose) {
    struct texts sass, ptx;
    fatbin_names(arena, code, &sass, &ptx);
    json_object_set_new(object, "sass", texts_json(&sass));
    json_object_set_new(object, "ptx", texts_json(&ptx));
    json_object_set_new(object, "entries", json_integer((json_int_t)code->entries));
    if (verbose)
        add_counts(object, arena, code);
    if (code->error)
        json_object_set_new(
            object, "damage",
            json_pack("{s:s, s:I}", "problem", code->problem, "offset", (json_int_t)code->error_offset));
}

json_t *arch_json(struct arena *arena, const struct arch_file *file, bool verbose) {
    json_t *object = json_pack("{s:s}", "file", file->name);
    add_code(object, arena, &file->code.code, verbose);
    if (file->code.looked_elsewhere) {
        json_t *elsewhere = json_object();
        add_code(elsewhere, arena, &file->code.elsewhere, verbose);
        json_object_set_new(object, "elsewhere", elsewhere);
    }
    if (file->torch_flags.count)
        json_object_set_new(object, "torch_flags", texts_json(&file->torch_flags));
    return object;
}
