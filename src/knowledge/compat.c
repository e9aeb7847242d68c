#include "knowledge/compat.h"

#include <ctype.h>
#include <stdio.h>

#include "base/text.h"

/* --- driver and CUDA ---------------------------------------------------------------------------------------- */

static struct driver_verdict driver_says(enum fit fit, enum driver_way way, enum fit ptx, const char *reason) {
    return (struct driver_verdict){.fit = fit, .way = way, .ptx = ptx, .reason = reason};
}

/* A libcuda of a forward-compatibility package is the one that is loaded, so it decides, whatever the driver could
 * do. */
static struct driver_verdict judge_forward(struct arena *arena, const struct driver_question *q) {
    char program[16], compat[16], driver[16];
    cuda_version_text(q->program_cuda, program);
    cuda_version_text(q->compat_cuda, compat);
    cuda_version_text(q->driver_cuda, driver);
    if (q->driver_cuda && q->compat_cuda < q->driver_cuda)
        return driver_says(
            FIT_NO, DRIVER_WAY_NONE, FIT_NO,
            arena_printf(arena,
                         "the libcuda of the compatibility package (CUDA %s) is older than the driver "
                         "(CUDA %s): the driver refuses it with error 803",
                         compat, driver));
    if (q->driver_cuda == q->compat_cuda || !q->driver_cuda)
        return driver_says(
            FIT_UNKNOWN, DRIVER_WAY_NONE, FIT_UNKNOWN,
            arena_printf(arena,
                         "the libcuda of a compatibility package (CUDA %s) comes first; whether the "
                         "driver accepts it cannot be told",
                         compat));
    if (!q->compat_gpu_known)
        return driver_says(FIT_UNKNOWN, DRIVER_WAY_NONE, FIT_UNKNOWN,
                           "forward compatibility depends on the kind of GPU, which is not known");
    if (!q->compat_gpu)
        return driver_says(
            FIT_NO, DRIVER_WAY_NONE, FIT_NO,
            "forward compatibility works on data-centre GPUs, some RTX workstation GPUs and Jetson only: "
            "this GPU answers error 804");
    if (cuda_major(q->program_cuda) > cuda_major(q->compat_cuda))
        return driver_says(FIT_NO, DRIVER_WAY_NONE, FIT_NO,
                           arena_printf(arena,
                                        "the compatibility package brings CUDA %s, the program needs CUDA %s",
                                        compat, program));
    return driver_says(FIT_YES, DRIVER_WAY_FORWARD, q->compat_cuda >= q->program_cuda ? FIT_YES : FIT_NO,
                       arena_printf(arena,
                                    "forward compatibility: the package brings CUDA %s, the program needs CUDA %s",
                                    compat, program));
}

/* The driver's CUDA is known and older than the program's, but of the same major. */
static struct driver_verdict judge_minor(struct arena *arena, const struct driver_question *q) {
    char program[16], driver[16];
    cuda_version_text(q->program_cuda, program);
    cuda_version_text(q->driver_cuda, driver);
    if (q->program_cuda < 11010) /* minor-version compatibility begins with CUDA 11 */
        return driver_says(
            FIT_NO, DRIVER_WAY_NONE, FIT_NO,
            arena_printf(arena, "the driver offers CUDA %s, the program needs CUDA %s", driver, program));
    bool below = q->driver.count && q->floor.count && driver_version_compare(&q->driver, &q->floor) < 0;
    if (below)
        return driver_says(FIT_NO, DRIVER_WAY_NONE, FIT_NO,
                           arena_printf(arena, "driver %s is older than %s, the oldest for CUDA %d.x",
                                        q->driver.text, q->floor.text, cuda_major(q->program_cuda)));
    if (q->driver_cuda == 11000 && !q->driver.count) /* 450.36 and 450.51 came before the floor 450.80.02 */
        return driver_says(FIT_UNKNOWN, DRIVER_WAY_NONE, FIT_NO,
                           "the driver offers CUDA 11.0; only its release number tells whether it runs CUDA 11.x");
    return driver_says(
        FIT_YES, DRIVER_WAY_MINOR, FIT_NO,
        arena_printf(arena,
                     "minor-version compatibility: the driver offers CUDA %s and runs programs of every "
                     "CUDA %d.x (only PTX of a newer version does not load)",
                     driver, cuda_major(q->program_cuda)));
}

static struct driver_verdict judge_by_cuda(struct arena *arena, const struct driver_question *q) {
    char program[16], driver[16];
    cuda_version_text(q->program_cuda, program);
    cuda_version_text(q->driver_cuda, driver);
    if (q->driver_cuda >= q->program_cuda)
        return driver_says(FIT_YES, DRIVER_WAY_BACKWARD, FIT_YES,
                           arena_printf(arena,
                                        "the driver offers CUDA %s, which runs programs of CUDA %s and older",
                                        driver, program));
    if (cuda_major(q->driver_cuda) == cuda_major(q->program_cuda))
        return judge_minor(arena, q);
    if (q->floor.count)
        return driver_says(FIT_NO, DRIVER_WAY_NONE, FIT_NO,
                           arena_printf(arena, "the driver offers CUDA %s; CUDA %s needs driver %s or newer",
                                        driver, program, q->floor.text));
    return driver_says(
        FIT_NO, DRIVER_WAY_NONE, FIT_NO,
        arena_printf(arena, "the driver offers CUDA %s, the program needs CUDA %s", driver, program));
}

struct driver_verdict compat_driver(struct arena *arena, const struct driver_question *q) {
    if (!q->program_cuda)
        return driver_says(FIT_UNKNOWN, DRIVER_WAY_NONE, FIT_UNKNOWN, "which CUDA the program needs is not known");
    if (q->compat_cuda)
        return judge_forward(arena, q);
    if (q->driver_cuda)
        return judge_by_cuda(arena, q);
    if (!q->driver.count || !q->floor.count)
        return driver_says(FIT_UNKNOWN, DRIVER_WAY_NONE, FIT_UNKNOWN,
                           q->driver.count ? "the oldest driver for this CUDA is not known"
                                           : "the driver's version is not known");
    char program[16];
    cuda_version_text(q->program_cuda, program);
    if (driver_version_compare(&q->driver, &q->floor) < 0)
        return driver_says(FIT_NO, DRIVER_WAY_NONE, FIT_NO,
                           arena_printf(arena, "driver %s is older than %s, the oldest for CUDA %s",
                                        q->driver.text, q->floor.text, program));
    /* Which CUDA this driver offers is not known, so neither is what it can do with PTX. */
    return driver_says(FIT_YES, DRIVER_WAY_MINOR, FIT_UNKNOWN,
                       arena_printf(arena, "driver %s is not older than %s, the oldest for CUDA %s",
                                    q->driver.text, q->floor.text, program));
}

/* --- code and GPU ------------------------------------------------------------------------------------------- */

struct target {
    int capability;
    char suffix; /* 'a', 'f' or 0 */
};

static bool parse_target(const char *architecture, const char *prefix, struct target *ret_target) {
    if (!text_starts(architecture, prefix))
        return false;
    struct span rest = span_of(architecture + strlen(prefix));
    char suffix = 0;
    if (rest.len && isalpha((unsigned char)rest.ptr[rest.len - 1])) {
        suffix = rest.ptr[rest.len - 1];
        rest.len--;
    }
    int64_t number;
    if (span_to_number(rest, 10, &number) || number < 10 || number > 999 ||
        (suffix && suffix != 'a' && suffix != 'f'))
        return false;
    /* 10.1 and 11.0 are one chip: CUDA 13.0 renamed it (torch/cuda/__init__.py). */
    *ret_target = (struct target){number == 101 ? 110 : (int)number, suffix};
    return true;
}

static int renamed(int capability) {
    return capability == 101 ? 110 : capability;
}

bool capability_is_tegra(int capability) {
    static const int tegra[] = {32, 53, 62, 72, 87, 88, 101, 110};
    for (size_t i = 0; i < sizeof tegra / sizeof *tegra; i++)
        if (tegra[i] == capability)
            return true;
    return false;
}

enum fit compat_sass(const char *architecture, int capability, int cuda) {
    struct target target;
    if (!parse_target(architecture, "sm_", &target))
        return FIT_NO;
    if (!capability)
        return FIT_UNKNOWN;
    capability = renamed(capability);
    if (target.capability == capability)
        return FIT_YES;
    if (target.suffix == 'a' || capability_major(target.capability) != capability_major(capability) ||
        target.capability > capability)
        return FIT_NO;
    bool tegra = capability_is_tegra(capability);
    if (capability_is_tegra(target.capability))
        return FIT_NO; /* made for an integrated GPU, and this is another one */
    if (!tegra)
        return FIT_YES;
    /* CUDA 13.2 made code for servers run on Jetson. Before, neither NVIDIA nor PyTorch promises it, but on Orin
     * it has been seen to work. */
    if (capability >= 87 && capability < 90)
        return cuda >= 13020 ? FIT_YES : FIT_UNKNOWN;
    return FIT_NO;
}

enum fit compat_ptx(const char *architecture, int capability) {
    struct target target;
    if (!parse_target(architecture, "compute_", &target))
        return FIT_NO;
    if (!capability)
        return FIT_UNKNOWN;
    capability = renamed(capability);
    if (target.suffix == 'a')
        return target.capability == capability ? FIT_YES : FIT_NO;
    if (target.suffix == 'f' && capability_major(target.capability) != capability_major(capability))
        return FIT_NO;
    return target.capability <= capability ? FIT_YES : FIT_NO;
}

/* What was found on a pass over all architectures of a library. */
struct code_survey {
    const char *sass, *ptx,
        *maybe; /* the one that serves, the newest of them; maybe: SASS that cannot be judged */
    int sass_capability, ptx_capability;
    int newest; /* of all the code, suffixed or not */
    size_t targets;
};

static struct code_survey survey(const struct texts *architectures, int capability, int cuda) {
    struct code_survey found = {0};
    for (size_t i = 0; i < architectures->count; i++) {
        const char *architecture = architectures->items[i];
        struct target target;
        bool sass = parse_target(architecture, "sm_", &target);
        if (!sass && !parse_target(architecture, "compute_", &target))
            continue;
        found.targets++;
        if (target.capability > found.newest)
            found.newest = target.capability;
        enum fit fit = sass ? compat_sass(architecture, capability, cuda) : compat_ptx(architecture, capability);
        if (sass && fit == FIT_YES && target.capability >= found.sass_capability) {
            found.sass = architecture;
            found.sass_capability = target.capability;
        } else if (sass && fit == FIT_UNKNOWN) {
            found.maybe = architecture;
        } else if (!sass && fit == FIT_YES && target.capability >= found.ptx_capability) {
            found.ptx = architecture;
            found.ptx_capability = target.capability;
        }
    }
    return found;
}

static struct code_verdict code_says(enum fit fit, enum code_way way, const char *by, const char *reason) {
    return (struct code_verdict){.fit = fit, .way = way, .by = by, .reason = reason};
}

static struct code_verdict judge_ptx(struct arena *arena, const char *ptx, const char *gpu, enum fit ptx_driver) {
    if (ptx_driver == FIT_YES)
        return code_says(FIT_YES, CODE_WAY_PTX, ptx,
                         arena_printf(arena,
                                      "no finished code for capability %s, but PTX (%s) that the driver compiles",
                                      gpu, ptx));
    if (ptx_driver == FIT_NO)
        return code_says(
            FIT_NO, CODE_WAY_PTX, ptx,
            arena_printf(arena,
                         "for capability %s there is only PTX (%s), made by a newer CUDA than the driver "
                         "can compile (error 222)",
                         gpu, ptx));
    return code_says(FIT_UNKNOWN, CODE_WAY_PTX, ptx,
                     arena_printf(arena,
                                  "for capability %s there is only PTX (%s); whether the driver can compile it is "
                                  "not known",
                                  gpu, ptx));
}

struct code_verdict compat_code(struct arena *arena, const struct texts *architectures, int capability, int cuda,
                                enum fit ptx_driver) {
    char gpu[8], newest[8];
    if (!capability)
        return code_says(FIT_UNKNOWN, CODE_WAY_NONE, NULL, "the GPU's compute capability is not known");
    capability_text(capability, gpu);
    struct code_survey found = survey(architectures, capability, cuda);
    if (!found.targets)
        return code_says(FIT_UNKNOWN, CODE_WAY_NONE, NULL, "which GPUs the code was made for is not known");
    if (found.sass)
        return code_says(FIT_YES, CODE_WAY_SASS, found.sass,
                         arena_printf(arena, "the code for %s runs on capability %s", found.sass, gpu));
    if (found.ptx && (ptx_driver == FIT_YES || !found.maybe))
        return judge_ptx(arena, found.ptx, gpu, ptx_driver);
    if (found.maybe)
        return code_says(FIT_UNKNOWN, CODE_WAY_SASS, found.maybe,
                         arena_printf(arena,
                                      "the code for %s may run on capability %s: that is promised from CUDA 13.2 "
                                      "on only",
                                      found.maybe, gpu));
    struct code_verdict verdict = code_says(FIT_NO, CODE_WAY_NONE, NULL, NULL);
    verdict.too_new = renamed(capability) > found.newest;
    capability_text(found.newest, newest);
    verdict.reason =
        verdict.too_new
            ? arena_printf(arena, "capability %s is newer than all the code (newest: %s)", gpu, newest)
            : arena_printf(arena, "there is no code for capability %s, only for others (newest: %s)", gpu, newest);
    return verdict;
}

/* --- driver and GPU ------------------------------------------------------------------------------------------ */

struct fit_verdict compat_branch(struct arena *arena, unsigned branch, int capability, unsigned first,
                                 unsigned last, bool last_known) {
    char gpu[8];
    capability_text(capability, gpu);
    if (!branch)
        return (struct fit_verdict){FIT_UNKNOWN, "the driver's version is not known"};
    if (first && branch < first)
        return (struct fit_verdict){
            FIT_NO,
            arena_printf(arena, "drivers serve capability %s from branch %u on; this is %u", gpu, first, branch)};
    if (last && branch > last)
        return (struct fit_verdict){
            FIT_NO,
            arena_printf(arena, "branch %u was the last one for capability %s; this is %u", last, gpu, branch)};
    if (!last_known || (!first && branch != last))
        return (struct fit_verdict){
            FIT_UNKNOWN, arena_printf(arena, "which driver branches serve capability %s is not known", gpu)};
    return (struct fit_verdict){FIT_YES, arena_printf(arena, "branch %u serves capability %s", branch, gpu)};
}
