#include "cli/arch_gpu.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"
#include "knowledge/ptx_isa.h"

int arch_gpu_parse(struct knowledge *knowledge, struct arena *arena, const char *text, struct arch_gpu *ret_gpu) {
    struct gpu_model model;
    struct architecture architecture;
    int capability;
    bool number = capability_parse(span_of(text), &capability) == 0;
    bool bare = number && isdigit((unsigned char)text[0]) && !text_has(text, ".");
    /* "970" is a GPU; "sm_130" may be one that the tables do not know yet */
    if (number && (!bare || knowledge_architecture(knowledge, capability, &architecture) == 0)) {
        *ret_gpu = (struct arch_gpu){capability, arena_printf(arena, "sm_%d", capability), NULL};
        return 0;
    }
    if (knowledge_gpu_by_name(knowledge, span_of(text), &model) < 0 || !model.capability)
        return -ENOENT;
    const char *label = arena_printf(arena, "sm_%d (%s)", model.capability, model.name);
    *ret_gpu = (struct arch_gpu){model.capability, label, model.name};
    return 0;
}

/* --- judging ------------------------------------------------------------------------------------------------- */

static enum arch_runs target_runs(struct arena *arena, const struct fatbin_target *target, int capability) {
    enum fit fit = FIT_NO;
    if (target->kind == FATBIN_SASS)
        fit = compat_sass(fatbin_target_name(arena, target), capability, 0);
    else if (target->kind == FATBIN_PTX)
        fit = compat_ptx(fatbin_target_name(arena, target), capability);
    if (fit == FIT_NO)
        return ARCH_NO;
    if (fit == FIT_UNKNOWN)
        return ARCH_UNKNOWN;
    return target->kind == FATBIN_SASS ? ARCH_SASS : ARCH_PTX;
}

static bool mix_has(const struct fatbin_mix *mix, size_t number) {
    return mix->targets[number / 64] >> number % 64 & 1;
}

static bool is_code(const struct fatbin_target *target) {
    return target->kind == FATBIN_SASS || target->kind == FATBIN_PTX;
}

/* The names in a mix, in their order, for the reader. */
static const char *mix_names(struct arena *arena, const struct fatbin_code *code, const struct fatbin_mix *mix) {
    struct fatbin_code only = {0};
    for (size_t i = 0; i < code->targets.count; i++)
        if (mix_has(mix, i) && is_code(&code->targets.items[i]))
            LIST_PUSH(arena, &only.targets) = code->targets.items[i];
    struct texts names[2];
    fatbin_names(arena, &only, &names[0], &names[1]);
    const char *text = "";
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < names[k].count; i++)
            text = arena_printf(arena, "%s%s%s", text, *text ? " " : "", names[k].items[i]);
    return text;
}

static int lack_compare(const void *left, const void *right) {
    const struct arch_lack *a = left, *b = right;
    if (a->modules != b->modules)
        return a->modules > b->modules ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Each module by the best of its entries. */
static void judge_modules(struct arena *arena, const struct fatbin_code *code, int capability,
                          struct arch_verdict *verdict) {
    enum arch_runs runs[FATBIN_TARGETS];
    for (size_t i = 0; i < code->targets.count; i++)
        runs[i] = target_runs(arena, &code->targets.items[i], capability);
    for (size_t m = 0; m < code->mixes.count; m++) {
        const struct fatbin_mix *mix = &code->mixes.items[m];
        enum arch_runs best = ARCH_EMPTY;
        for (size_t i = 0; i < code->targets.count; i++)
            if (mix_has(mix, i) && is_code(&code->targets.items[i]) && runs[i] > best)
                best = runs[i];
        verdict->modules[best] += best == ARCH_EMPTY ? 0 : mix->modules;
        if (best == ARCH_NO)
            LIST_PUSH(arena, &verdict->lacks) =
                (struct arch_lack){mix->modules, mix->first, mix_names(arena, code, mix)};
    }
    if (verdict->lacks.count)
        qsort(verdict->lacks.items, verdict->lacks.count, sizeof *verdict->lacks.items, lack_compare);
}

/* The newest ISA among the PTX that this GPU takes: the driver must know it. */
static void judge_ptx(struct knowledge *knowledge, struct arena *arena, const struct fatbin_code *code,
                      int capability, struct arch_verdict *verdict) {
    for (size_t i = 0; i < code->targets.count; i++) {
        const struct fatbin_target *target = &code->targets.items[i];
        if (target_runs(arena, target, capability) != ARCH_PTX)
            continue;
        int cuda = ptx_isa_cuda(target->isa_major, target->isa_minor);
        if (cuda > verdict->ptx_cuda)
            verdict->ptx_cuda = cuda;
    }
    struct cuda_release release;
    if (verdict->ptx_cuda && knowledge_cuda(knowledge, verdict->ptx_cuda, &release) == 0 && release.confirmed &&
        release.toolkit_linux.count)
        verdict->ptx_driver = arena_copy(arena, release.toolkit_linux.text);
}

static enum arch_runs runs_of(struct code_verdict verdict) {
    if (verdict.way == CODE_WAY_PTX)
        return ARCH_PTX; /* which driver there is, is not asked here */
    if (verdict.fit == FIT_YES)
        return ARCH_SASS;
    return verdict.fit == FIT_UNKNOWN ? ARCH_UNKNOWN : ARCH_NO;
}

static void names_append(struct arena *arena, const struct fatbin_code *code, struct texts *list) {
    struct texts names[2];
    fatbin_names(arena, code, &names[0], &names[1]);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < names[k].count; i++)
            texts_add(arena, list, names[k].items[i]);
}

/* Of the targets that serve, the one with the most entries: what most of the file would run from. */
static const char *usual_target(struct arena *arena, const struct arch_file *file, int capability,
                                enum arch_runs runs) {
    const struct fatbin_code *places[] = {&file->code.code, &file->code.elsewhere};
    const struct fatbin_target *best = NULL;
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < places[p]->targets.count; i++) {
            const struct fatbin_target *target = &places[p]->targets.items[i];
            if (target_runs(arena, target, capability) == runs && (!best || target->entries > best->entries))
                best = target;
        }
    return best ? fatbin_target_name(arena, best) : NULL;
}

void arch_judge(struct knowledge *knowledge, struct arena *arena, const struct arch_file *file,
                const struct arch_gpu *gpu, struct arch_verdict *ret_verdict) {
    struct arch_verdict verdict = {.reason = "there is no GPU code in it"};
    struct texts all = {0};
    names_append(arena, &file->code.code, &all);
    names_append(arena, &file->code.elsewhere, &all);
    if (all.count) {
        struct code_verdict code = compat_code(arena, &all, gpu->capability, 0, FIT_UNKNOWN);
        verdict.runs = runs_of(code);
        verdict.by = verdict.runs > ARCH_NO ? usual_target(arena, file, gpu->capability, verdict.runs) : NULL;
        verdict.reason = code.reason;
    }
    judge_modules(arena, &file->code.code, gpu->capability, &verdict);
    if (verdict.runs == ARCH_PTX || verdict.modules[ARCH_PTX]) {
        judge_ptx(knowledge, arena, &file->code.code, gpu->capability, &verdict);
        judge_ptx(knowledge, arena, &file->code.elsewhere, gpu->capability, &verdict);
    }
    if (all.count && file->torch_flags.count) {
        struct code_verdict torch = compat_code(arena, &file->torch_flags, gpu->capability, 0, FIT_UNKNOWN);
        verdict.torch = runs_of(torch);
        /* libraries linked in may have code for a GPU that PyTorch's own kernels were not compiled for */
        if (verdict.torch == ARCH_NO && verdict.runs > ARCH_NO && verdict.modules[ARCH_NO]) {
            verdict.runs = ARCH_NO;
            verdict.by = NULL;
            verdict.reason =
                arena_printf(arena, "PyTorch's own kernels were not compiled for it: %s", torch.reason);
        }
    }
    *ret_verdict = verdict;
}

/* --- showing ------------------------------------------------------------------------------------------------- */

static const char *const RUNS[] = {
    [ARCH_EMPTY] = "none", [ARCH_NO] = "no", [ARCH_UNKNOWN] = "unknown", [ARCH_PTX] = "ptx", [ARCH_SASS] = "sass"};

static const char *driver_words(struct arena *arena, const struct arch_verdict *verdict) {
    if (!verdict->ptx_cuda)
        return "needs a driver as new as the CUDA that made it";
    int major = verdict->ptx_cuda / 1000, minor = verdict->ptx_cuda % 1000 / 10;
    if (!verdict->ptx_driver)
        return arena_printf(arena, "needs a driver for CUDA %d.%d or newer", major, minor);
    return arena_printf(arena, "needs driver %s or newer, CUDA %d.%d", verdict->ptx_driver, major, minor);
}

static void show_lacks(FILE *out, const struct arch_verdict *verdict, bool verbose) {
    enum { SHOWN = 4 };
    uint64_t of = 0;
    for (size_t i = 0; i < 5; i++)
        of += verdict->modules[i];
    fprintf(out, "    %llu of %llu modules have nothing for it:\n", (unsigned long long)verdict->modules[ARCH_NO],
            (unsigned long long)of);
    for (size_t i = 0; i < verdict->lacks.count; i++) {
        const struct arch_lack *lack = &verdict->lacks.items[i];
        if (i == SHOWN && !verbose && verdict->lacks.count > SHOWN + 1) {
            fprintf(out, "      and %zu more kinds (-v)\n", verdict->lacks.count - i);
            return;
        }
        fprintf(out, "      %llu (module %llu%s) only %s\n", (unsigned long long)lack->modules,
                (unsigned long long)lack->first, lack->modules > 1 ? " and others" : "", lack->targets);
    }
}

void arch_verdict_text(FILE *out, struct arena *arena, const struct arch_gpu *gpu,
                       const struct arch_verdict *verdict, bool verbose) {
    switch (verdict->runs) {
    case ARCH_EMPTY:
        fprintf(out, "  %s: no GPU code to run\n", gpu->label);
        return;
    case ARCH_NO:
        fprintf(out, "  %s: would not run: %s\n", gpu->label, verdict->reason);
        break;
    case ARCH_UNKNOWN:
        fprintf(out, "  %s: cannot tell: %s\n", gpu->label, verdict->reason);
        break;
    case ARCH_PTX:
        fprintf(out, "  %s: by PTX JIT from %s (%s)\n", gpu->label, verdict->by, driver_words(arena, verdict));
        break;
    case ARCH_SASS:
        fprintf(out, "  %s: runs from SASS (%s)\n", gpu->label, verdict->by);
        break;
    }
    if (verdict->runs == ARCH_SASS && verdict->modules[ARCH_PTX])
        fprintf(out, "    %llu modules by PTX JIT (%s)\n", (unsigned long long)verdict->modules[ARCH_PTX],
                driver_words(arena, verdict));
    if (verdict->modules[ARCH_NO] && (verdict->runs > ARCH_NO || verdict->torch == ARCH_NO))
        show_lacks(out, verdict, verbose);
}

json_t *arch_verdict_json(const struct arch_gpu *gpu, const struct arch_verdict *verdict) {
    json_t *lacking = json_array();
    for (size_t i = 0; i < verdict->lacks.count; i++) {
        const struct arch_lack *lack = &verdict->lacks.items[i];
        json_array_append_new(lacking, json_pack("{s:I, s:I, s:s}", "modules", (json_int_t)lack->modules, "first",
                                                 (json_int_t)lack->first, "targets", lack->targets));
    }
    json_t *object = json_pack("{s:i, s:s?, s:s, s:s?, s:s}", "capability", gpu->capability, "name", gpu->name,
                               "runs", RUNS[verdict->runs], "by", verdict->by, "reason", verdict->reason);
    json_object_set_new(object, "modules",
                        json_pack("{s:I, s:I, s:I, s:I}", "sass", (json_int_t)verdict->modules[ARCH_SASS], "ptx",
                                  (json_int_t)verdict->modules[ARCH_PTX], "unknown",
                                  (json_int_t)verdict->modules[ARCH_UNKNOWN], "no",
                                  (json_int_t)verdict->modules[ARCH_NO]));
    json_object_set_new(object, "lacking", lacking);
    if (verdict->ptx_cuda)
        json_object_set_new(object, "jit",
                            json_pack("{s:i, s:s?}", "cuda", verdict->ptx_cuda, "driver", verdict->ptx_driver));
    if (verdict->torch != ARCH_EMPTY)
        json_object_set_new(object, "torch_list", json_string(RUNS[verdict->torch]));
    return object;
}
