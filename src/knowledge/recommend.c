#include "knowledge/recommend.h"

#include <errno.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/text.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"
#include "knowledge/table.h"

/* What the GPUs allow, over all of them. */
struct gpu_bounds {
    unsigned first_branch; /* newest of the first branches; 0: none known */
    unsigned last_branch;  /* oldest of the last branches; 0: current */
};

struct candidate {
    struct recommend_build build;
    struct package_version release;
    bool backward;   /* the driver's CUDA is not older than the build's */
    enum fit driver; /* FIT_UNKNOWN: no driver given */
};
struct candidates {
    struct candidate *items;
    size_t count;
};

static struct gpu_bounds bounds_of(struct knowledge *knowledge, const struct recommend_question *question) {
    struct gpu_bounds bounds = {0};
    for (size_t i = 0; i < question->capability_count; i++) {
        struct architecture architecture;
        if (knowledge_architecture(knowledge, question->capabilities[i], &architecture) || !architecture.confirmed)
            continue;
        if (architecture.first_branch > bounds.first_branch)
            bounds.first_branch = architecture.first_branch;
        if (architecture.last_branch && (!bounds.last_branch || architecture.last_branch < bounds.last_branch))
            bounds.last_branch = architecture.last_branch;
    }
    return bounds;
}

/* "2.6" asks for 2.6.x, "2.6.0" for that one. */
static bool release_wanted(const struct package_version *release, const struct package_version *wanted) {
    for (unsigned i = 0; i < wanted->count && i < 3; i++)
        if (release->release[i] != wanted->release[i])
            return false;
    return true;
}

/* Does the build hold code for every GPU? `by` is the architecture of the last one. */
static bool code_fits(struct arena *arena, const struct torch_variant *variant,
                      const struct recommend_question *question, enum fit ptx, const char **ret_by) {
    for (size_t i = 0; i < question->capability_count; i++) {
        /* Without a driver given, one that compiles the PTX can be had. */
        enum fit can = question->driver.count ? ptx : FIT_YES;
        struct code_verdict verdict =
            compat_code(arena, &variant->architectures, question->capabilities[i], variant->cuda, can);
        if (verdict.fit != FIT_YES)
            return false;
        *ret_by = verdict.by;
    }
    return true;
}

static const char *needed_driver(struct arena *arena, const struct driver_version *floor,
                                 const struct gpu_bounds *bounds) {
    if (bounds->first_branch > floor->part[0])
        return arena_printf(arena, "%u", bounds->first_branch);
    return floor->count ? arena_copy(arena, floor->text) : NULL;
}

/* Judges the driver for a build; *ret_ptx: can it compile that CUDA's PTX. */
static enum fit judge_driver(struct knowledge *knowledge, struct arena *arena,
                             const struct recommend_question *question, const struct gpu_bounds *bounds,
                             const struct driver_version *floor, int cuda, enum driver_way *ret_way,
                             enum fit *ret_ptx) {
    *ret_way = DRIVER_WAY_NONE;
    *ret_ptx = FIT_UNKNOWN;
    if (!question->driver.count)
        return FIT_UNKNOWN;
    struct driver_question driver = {.program_cuda = cuda, .driver = question->driver, .floor = *floor};
    knowledge_driver_max_cuda(knowledge, &question->driver, question->driver_windows, &driver.driver_cuda);
    struct driver_verdict verdict = compat_driver(arena, &driver);
    *ret_way = verdict.way;
    *ret_ptx = verdict.ptx;
    unsigned branch = knowledge_driver_branch(knowledge, &question->driver, question->driver_windows);
    if (branch && bounds->first_branch && branch < bounds->first_branch)
        return FIT_NO;
    if (branch && bounds->last_branch && branch > bounds->last_branch)
        return FIT_NO;
    return verdict.fit;
}

static bool serves_platform(const struct torch_variant *variant, enum platform platform) {
    return variant->confirmed && variant->platform == platform;
}

static void consider(struct knowledge *knowledge, struct arena *arena, const struct recommend_question *question,
                     const struct gpu_bounds *bounds, const struct torch_variant *variant,
                     struct candidates *candidates) {
    struct package_version version;
    struct torch_release release;
    struct cuda_release cuda;
    if (package_version_parse(span_of(variant->torch), &version) ||
        knowledge_torch(knowledge, &version, &release) || !release.confirmed ||
        !texts_have(&release.variants, variant->variant) || knowledge_cuda(knowledge, variant->cuda, &cuda) ||
        !cuda.confirmed)
        return;
    if (question->python && (question->python < release.python_min || question->python > release.python_max))
        return;
    struct driver_version floor = question->driver_windows ? cuda.floor_windows : cuda.floor_linux;
    enum driver_way way;
    enum fit ptx;
    enum fit driver = judge_driver(knowledge, arena, question, bounds, &floor, variant->cuda, &way, &ptx);
    const char *by = NULL;
    /* A build whose driver is too old is kept for "after a driver update", then with a driver that compiles its
     * PTX. */
    if (!code_fits(arena, variant, question, driver == FIT_NO ? FIT_YES : ptx, &by))
        return;
    unsigned floor_branch = floor.part[0];
    if (bounds->last_branch && floor_branch > bounds->last_branch)
        return; /* no driver serves both */
    const char *plain = torch_release_default(&release, variant->platform);
    LIST_PUSH(arena, candidates) = (struct candidate){
        .build = {.torch = variant->torch,
                  .variant = variant->variant,
                  .cuda = variant->cuda,
                  .index_url = torch_index_url(arena, variant->variant),
                  .pypi_default = plain && strcmp(plain, variant->variant) == 0,
                  .vision = release.vision,
                  .audio = release.audio,
                  .driver_needed = needed_driver(arena, &floor, bounds),
                  .driver_fits = driver == FIT_YES,
                  .newest_branch = bounds->last_branch,
                  .code = by},
        .release = version,
        .backward = way == DRIVER_WAY_BACKWARD,
        .driver = driver,
    };
}

/* Best first: newest release; then a CUDA that the driver offers in full; then the newest CUDA. */
static int compare_candidates(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    int order = package_version_compare(&y->release, &x->release);
    if (order)
        return order;
    if (x->backward != y->backward)
        return x->backward ? -1 : 1;
    return (y->build.cuda > x->build.cuda) - (y->build.cuda < x->build.cuda);
}

static struct fit_verdict why_none(struct arena *arena, const struct recommend_question *question,
                                   const struct candidates *candidates) {
    if (question->platform == PLATFORM_JETSON)
        return (struct fit_verdict){FIT_UNKNOWN,
                                    "builds for JetPack 6 and older come from NVIDIA and are not in the tables"};
    if (question->platform == PLATFORM_MACOS)
        return (struct fit_verdict){FIT_NO, "there are no CUDA builds of PyTorch for macOS"};
    if (question->platform == PLATFORM_UNKNOWN)
        return (struct fit_verdict){FIT_UNKNOWN, "the platform is not known"};
    if (candidates->count)
        return (struct fit_verdict){
            FIT_NO, arena_printf(arena, "driver %s is too old, or does not serve the GPU", question->driver.text)};
    return (struct fit_verdict){FIT_NO,
                                "no known build has code for this GPU and wheels for this Python and platform"};
}

static struct recommend_build *copy_build(struct arena *arena, const struct candidate *candidate) {
    struct recommend_build *build = arena_alloc(arena, sizeof *build);
    *build = candidate->build;
    return build;
}

/* The oldest driver that a candidate needs, as a version. */
static struct driver_version needed_version(const struct candidate *candidate) {
    struct driver_version version = {0};
    if (candidate->build.driver_needed)
        driver_version_parse(span_of(candidate->build.driver_needed), &version);
    return version;
}

static void take_fitting(struct arena *arena, const struct candidates *candidates, size_t limit,
                         struct recommendation *recommendation) {
    const struct candidate *updated = NULL, *least = NULL, *best = NULL;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->items[i];
        if (candidate->driver == FIT_NO) {
            updated = updated ? updated : candidate;
            struct driver_version needed = needed_version(candidate), so_far = {0};
            if (least)
                so_far = needed_version(least);
            if (needed.count && (!least || driver_version_order(&needed, &so_far) < 0))
                least = candidate;
        } else if (recommendation->count < limit) {
            best = best ? best : candidate;
            LIST_PUSH(arena, recommendation) = candidate->build;
        }
    }
    if (updated && (!best || package_version_compare(&updated->release, &best->release) > 0))
        recommendation->after_driver = copy_build(arena, updated);
    if (!best && least && least != updated)
        recommendation->after_least_driver = copy_build(arena, least);
}

static int answer(struct knowledge *knowledge, struct arena *arena, const struct recommend_question *question,
                  size_t limit, struct recommendation *ret_recommendation) {
    struct package_version wanted = {0};
    int cuda;
    if (question->torch && package_version_parse(span_of(question->torch), &wanted))
        return -EINVAL;
    if (question->variant && torch_variant_cuda(span_of(question->variant), &cuda))
        return -EINVAL;
    const struct torch_variant *variants;
    size_t count;
    struct candidates candidates = {0};
    struct gpu_bounds bounds = bounds_of(knowledge, question);
    knowledge_torch_variants(knowledge, &variants, &count);
    for (size_t i = 0; i < count && i < LIMIT_ROWS; i++) {
        struct package_version version;
        if (!serves_platform(&variants[i], question->platform) ||
            (question->variant && strcmp(question->variant, variants[i].variant) != 0) ||
            package_version_parse(span_of(variants[i].torch), &version) ||
            (question->torch && !release_wanted(&version, &wanted)))
            continue;
        consider(knowledge, arena, question, &bounds, &variants[i], &candidates);
    }
    if (candidates.count)
        qsort(candidates.items, candidates.count, sizeof *candidates.items, compare_candidates);
    *ret_recommendation = (struct recommendation){0};
    take_fitting(arena, &candidates, limit, ret_recommendation);
    if (!ret_recommendation->count)
        ret_recommendation->why_none = why_none(arena, question, &candidates);
    return 0;
}

/* Reports of one kind ask the same questions again and again (explain --batch). */
enum { ANSWERS = 256, CAPABILITIES = 8 };

struct recommend_cache {
    struct remembered {
        struct recommend_question question; /* with copies of what it points to */
        int capabilities[CAPABILITIES];
        size_t limit;
        struct recommendation recommendation;
    } items[ANSWERS];
    size_t count;
};

static bool same_question(const struct remembered *old, const struct recommend_question *question, size_t limit) {
    const struct recommend_question *q = &old->question;
    return old->limit == limit && q->driver.count == question->driver.count &&
           strcmp(q->driver.text, question->driver.text) == 0 && q->driver_windows == question->driver_windows &&
           q->capability_count == question->capability_count && q->python == question->python &&
           q->platform == question->platform && text_eq(q->torch, question->torch) &&
           text_eq(q->variant, question->variant) &&
           (!q->capability_count ||
            memcmp(old->capabilities, question->capabilities, q->capability_count * sizeof(int)) == 0);
}

static struct remembered *remember(struct knowledge *knowledge, const struct recommend_question *question,
                                   size_t limit) {
    struct recommend_cache *cache = knowledge->recommended;
    struct remembered *item = &cache->items[cache->count];
    *item = (struct remembered){.question = *question, .limit = limit};
    if (question->capability_count)
        memcpy(item->capabilities, question->capabilities, question->capability_count * sizeof(int));
    item->question.capabilities = item->capabilities;
    item->question.torch = question->torch ? arena_copy(&knowledge->arena, question->torch) : NULL;
    item->question.variant = question->variant ? arena_copy(&knowledge->arena, question->variant) : NULL;
    return item;
}

int knowledge_recommend(struct knowledge *knowledge, struct arena *arena,
                        const struct recommend_question *question, size_t limit,
                        struct recommendation *ret_recommendation) {
    if (!knowledge->recommended)
        knowledge->recommended = arena_alloc(&knowledge->arena, sizeof *knowledge->recommended);
    struct recommend_cache *cache = knowledge->recommended;
    if (question->capability_count > CAPABILITIES)
        return answer(knowledge, arena, question, limit, ret_recommendation);
    for (size_t i = 0; i < cache->count; i++)
        if (same_question(&cache->items[i], question, limit)) {
            *ret_recommendation = cache->items[i].recommendation;
            return 0;
        }
    if (cache->count == ANSWERS)
        return answer(knowledge, arena, question, limit, ret_recommendation);
    struct remembered *item = remember(knowledge, question, limit);
    int error = answer(knowledge, &knowledge->arena, &item->question, limit, &item->recommendation);
    if (error)
        return error;
    cache->count++;
    *ret_recommendation = item->recommendation;
    return 0;
}

const char *recommend_command(struct arena *arena, const struct recommend_build *build) {
    const char *vision = build->vision ? arena_printf(arena, " torchvision==%s", build->vision) : "";
    struct package_version version = {0};
    package_version_parse(span_of(build->torch), &version);
    if (build->pypi_default)
        return arena_printf(arena, "pip install torch==%s%s", build->torch, vision);
    /* The index of a variant is complete from 1.11 on; before, all wheels stand on one page (previous-versions). */
    if (version.release[0] == 1 && version.release[1] < 11)
        return arena_printf(arena,
                            "pip install torch==%s+%s -f https://download.pytorch.org/whl/torch_stable.html",
                            build->torch, build->variant);
    return arena_printf(arena, "pip install torch==%s%s --index-url %s", build->torch, vision, build->index_url);
}
