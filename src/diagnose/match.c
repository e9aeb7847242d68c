/* Link 7: do driver, CUDA, PyTorch and GPU fit together? */
#include "diagnose/match.h"

#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/rules.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"
#include "knowledge/torch.h"

/* --- what is asked ------------------------------------------------------------------------------------------- */

static enum platform platform_of(const struct judge *judge) {
    if (on_macos(judge))
        return PLATFORM_MACOS;
    if (on_windows(judge))
        return PLATFORM_WINDOWS;
    if (on_jetson(judge))
        return PLATFORM_JETSON;
    if (on_arm(judge))
        return PLATFORM_LINUX_AARCH64;
    const char *machine = text_of(judge->facts->system.machine), *os = text_of(judge->facts->system.os);
    bool linux_os = text_eq(os, "linux") || (from_text(judge) && !os);
    return linux_os && (text_eq(machine, "x86_64") || (from_text(judge) && !machine)) ? PLATFORM_LINUX_X86_64
                                                                                      : PLATFORM_UNKNOWN;
}

/* PyPI's default for a version without a tag. Only for what pip or uv installed, or where pasted text does not
 * say. */
static bool published_variant(struct judge *judge, struct torch_variant *ret_variant) {
    const struct python_environment *python = python_in_use(judge);
    const char *text = torch_version(judge), *installer = python ? text_of(python->installer) : NULL;
    struct package_version version;
    bool pip = !installer || text_eq(installer, "pip") || text_eq(installer, "uv") || text_eq(installer, "poetry");
    return from_text(judge) && judge->options.knowledge && text && pip &&
           package_version_parse(span_of(text), &version) == 0 && version.phase == PHASE_FINAL &&
           knowledge_torch_variant(judge->options.knowledge, &version, platform_of(judge), ret_variant) == 0 &&
           ret_variant->confirmed;
}

/* "cu101": what a plain `pip install torch==1.3.0` brought. */
static int default_cuda(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    const char *text = torch_version(judge), *installer = python ? text_of(python->installer) : NULL;
    struct package_version version;
    struct torch_release release;
    bool pip = !installer || text_eq(installer, "pip") || text_eq(installer, "uv") || text_eq(installer, "poetry");
    if (!from_text(judge) || !judge->options.knowledge || !text || !pip ||
        package_version_parse(span_of(text), &version) < 0 || version.phase != PHASE_FINAL || version.local[0] ||
        knowledge_torch(judge->options.knowledge, &version, &release) < 0 || !release.confirmed)
        return 0;
    enum platform platform = platform_of(judge);
    const char *variant = platform == PLATFORM_LINUX_X86_64    ? release.pypi_linux_x86_64
                          : platform == PLATFORM_LINUX_AARCH64 ? release.pypi_linux_aarch64
                                                               : NULL;
    int cuda = 0;
    if (variant)
        torch_variant_cuda(span_of(variant), &cuda);
    return cuda;
}

struct needed_cuda match_needed_cuda(struct judge *judge) {
    int cuda = torch_cuda(judge);
    if (cuda || torch_build_of(judge))
        return (struct needed_cuda){cuda, false};
    return (struct needed_cuda){default_cuda(judge), true};
}

static const struct driver_library *compat_library(const struct judge *judge) {
    const struct driver_library *library = library_in_use(judge, "libcuda.so.1");
    return library && known(library->compat_cuda) ? library : NULL;
}

struct driver_match match_driver(struct judge *judge) {
    struct driver_match match = {.needed = match_needed_cuda(judge)};
    struct driver_question question = {.program_cuda = match.needed.cuda};
    struct cuda_release release;
    bool windows = on_windows(judge) || on_wsl(judge);
    const struct driver_library *compat = compat_library(judge);
    if (question.program_cuda && judge->options.knowledge &&
        knowledge_cuda(judge->options.knowledge, question.program_cuda, &release) == 0)
        match.floor = windows ? release.floor_windows : release.floor_linux;
    question.floor = match.floor;
    if (!driver_release(judge, &question.driver, NULL, NULL))
        question.driver.count = 0;
    if (compat) {
        cuda_version_parse(span_of(compat->compat_cuda.value), &question.compat_cuda);
        question.compat_gpu = question.compat_gpu_known =
            cuda_lists_gpus(judge); /* else driver-compat-shadows judges it */
    } else {
        question.driver_cuda = driver_cuda(judge);
    }
    match.verdict = compat_driver(judge->arena, &question);
    return match;
}

/* One half known and no PTX, or PTX and no SASS, would give a wrong "does not fit". */
struct code_list match_code(struct judge *judge) {
    const struct compute_facts *compute = &judge->facts->compute;
    const struct python_environment *python = python_in_use(judge);
    struct code_list list = {0};
    struct torch_variant variant;
    if (compute->arch_list.count) {
        list = (struct code_list){.source = compute->arch_list.is.source, .fact = "compute.arch_list"};
        for (size_t i = 0; i < compute->arch_list.count; i++)
            texts_add(judge->arena, &list.architectures, compute->arch_list.items[i]);
    } else if (python && known(python->sass) && !unknown(python->ptx)) {
        list = (struct code_list){.source = python->sass.is.source, .fact = "torch.sass"};
        for (size_t i = 0; i < python->sass.count; i++)
            texts_add(judge->arena, &list.architectures, python->sass.items[i]);
        for (size_t i = 0; i < python->ptx.count; i++)
            texts_add(judge->arena, &list.architectures, python->ptx.items[i]);
    } else if (published_variant(judge, &variant)) {
        list = (struct code_list){
            .architectures = variant.architectures,
            .source = arena_printf(judge->arena, "as published: torch %s %s", variant.torch, variant.variant),
            .fact = "torch.sass",
            .published = true};
    }
    return list;
}

struct code_verdict match_gpu(struct judge *judge, const struct code_list *code, const struct gpu_view *gpu) {
    struct driver_match driver = match_driver(judge);
    if (!gpu->capability || !code->architectures.count)
        return (struct code_verdict){.fit = FIT_UNKNOWN,
                                     .reason = "the GPU's capability or PyTorch's code is not known"};
    return compat_code(judge->arena, &code->architectures, gpu->capability, torch_cuda(judge), driver.verdict.ptx);
}

/* --- driver-too-old-for-cuda --------------------------------------------------------------------------------- */

static void too_old_evidence(struct judge *judge, struct cause *cause) {
    struct driver_version release;
    const struct text_fact *fact;
    const char *name;
    evidence_printed(judge, cause, "driver_too_old");
    evidence_printed(judge, cause, "ctk_unsatisfied");
    evidence_cuda(judge, cause, 35);
    evidence_cuda(judge, cause, 222);
    evidence_printed(judge, cause, "container_driver_old");
    if (driver_release(judge, &release, &fact, &name))
        cause_fact(judge, cause, name, fact);
    cause_fact(judge, cause, "driver.cuda_version", &judge->facts->driver.cuda_version);
    cause_fact(judge, cause, "compute.driver_version", &judge->facts->compute.driver_version);
    const struct python_environment *python = python_in_use(judge);
    if (python) {
        cause_fact(judge, cause, "torch.torch_version", &python->torch_version);
        if (known(python->cuda))
            cause_fact(judge, cause, "torch.cuda", &python->cuda);
    }
}

/* The number in PyTorch's message is the driver's CUDA (11040), not its release. */
static struct cause *too_old_by_words(struct judge *judge) {
    const struct printed_message *old = printed(judge, "driver_too_old"),
                                 *unsatisfied = printed(judge, "ctk_unsatisfied");
    char offered[16], built[16];
    int number = 0;
    struct needed_cuda needed = match_needed_cuda(judge);
    const char *for_what =
        needed.cuda ? arena_printf(judge->arena, " (CUDA %s)", cuda_version_text(needed.cuda, built)) : "";
    if (old && text_of(old->argument))
        cuda_version_parse(span_of(old->argument.value), &number);
    if (old)
        return judge_find(
            judge, "driver-too-old-for-cuda", CERTAIN, "The NVIDIA driver is too old for this PyTorch%s%s%s.",
            for_what, number ? ": it offers CUDA up to " : "", number ? cuda_version_text(number, offered) : "");
    if (unsatisfied)
        return judge_find(judge, "driver-too-old-for-cuda", CERTAIN,
                          "The host's NVIDIA driver is too old for this image, which asks for %s.",
                          text_of(unsatisfied->argument) ? text_of(unsatisfied->argument) : "a newer one");
    const struct printed_message *container = printed(judge, "container_driver_old");
    if (container)
        return judge_find(
            judge, "driver-too-old-for-cuda", CERTAIN,
            "The host's NVIDIA driver is too old for this image, which was made for driver %s or newer.",
            text_of(container->argument) ? text_of(container->argument) : "of a newer release");
    return NULL;
}

static struct cause *too_old_by_facts(struct judge *judge) {
    struct driver_match match = match_driver(judge);
    char built[16];
    if (match.verdict.fit != FIT_NO || cuda_lists_gpus(judge) || judge_found(judge, "driver-compat-shadows"))
        return NULL;
    struct driver_version release = {0};
    driver_release(judge, &release, NULL, NULL);
    return judge_find(judge, "driver-too-old-for-cuda", match.needed.assumed ? LIKELY : CERTAIN,
                      "Driver %s is too old for PyTorch's CUDA %s%s%s%s.", release.count ? release.text : "in use",
                      cuda_version_text(match.needed.cuda, built), match.floor.count ? ", which needs " : "",
                      match.floor.count ? match.floor.text : "", match.floor.count ? " or newer" : "");
}

/* Kernels with more than 4 KiB of parameters, which CUDA makes from 12.1 on, need driver 530 or newer,
 * although 12.x runs from 525 on: error 801.
 * https://developer.nvidia.com/blog/cuda-12-1-supports-large-kernel-parameters/ */
static bool lacks_large_parameters(struct judge *judge) {
    enum { FIRST_CUDA = 12010 };
    struct driver_version release, first;
    return cuda_said(judge, 801) && match_needed_cuda(judge).cuda >= FIRST_CUDA &&
           driver_release(judge, &release, NULL, NULL) && driver_version_parse(span_of("530"), &first) == 0 &&
           driver_version_compare(&release, &first) < 0;
}

/* The fixes from `middle` on come before those from `start` on. */
static void fixes_turn(struct judge *judge, struct cause *cause, size_t start, size_t middle) {
    struct fix_list turned = {0};
    for (size_t i = 0; i < start; i++)
        LIST_PUSH(judge->arena, &turned) = cause->fixes.items[i];
    for (size_t i = middle; i < cause->fixes.count; i++)
        LIST_PUSH(judge->arena, &turned) = cause->fixes.items[i];
    for (size_t i = start; i < middle; i++)
        LIST_PUSH(judge->arena, &turned) = cause->fixes.items[i];
    cause->fixes = turned;
}

void rule_driver_too_old_for_cuda(struct judge *judge) {
    if (on_jetson(judge) && !printed(judge, "driver_too_old"))
        return; /* its CUDA comes with JetPack */
    struct cause *cause = too_old_by_words(judge);
    if (!cause)
        cause = too_old_by_facts(judge);
    /* error 35 is also what the runtime says where there is no driver at all */
    bool driver_seen = driver_cuda(judge) || known(judge->facts->driver.module_version) ||
                       nvml_lists_gpus(judge) || known(judge->facts->driver.nvml_version);
    if (!cause && cuda_said(judge, 222))
        cause = judge_find(judge, "driver-too-old-for-cuda", LIKELY,
                           "The driver is too old to compile code (PTX) that a newer CUDA made: error 222.");
    if (!cause && lacks_large_parameters(judge)) {
        cause =
            judge_find(judge, "driver-too-old-for-cuda", LIKELY,
                       "A kernel asks for what the driver does not support (error 801): CUDA from 12.1 on makes "
                       "kernels with large parameters, which need driver 530 or newer.");
        evidence_cuda(judge, cause, 801);
    }
    if (!cause && cuda_said(judge, 35) && !on_wsl(judge) && !judge_found(judge, "container-no-gpu") &&
        !judge_found(judge, "driver-libs-missing") && !printed(judge, "driver_missing_throw"))
        cause = judge_find(judge, "driver-too-old-for-cuda", driver_seen ? LIKELY : POSSIBLE,
                           "CUDA says that the driver is older than the program's CUDA (error 35).");
    if (!cause)
        return;
    too_old_evidence(judge, cause);
    struct driver_match match = match_driver(judge);
    size_t start = cause->fixes.count;
    bool build_fits = true;
    if (!printed_any(judge, "ctk_unsatisfied", "container_driver_old", NULL))
        build_fits = fix_torch_build(judge, cause, true);
    else
        cause_fix(judge, cause, "Take an image made with an older CUDA, one that this driver offers", NULL);
    size_t middle = cause->fixes.count;
    fix_driver(judge, cause, match.floor.count ? arena_copy(judge->arena, match.floor.text) : NULL);
    if (!build_fits) /* the build on offer needs a newer driver, too: that comes first */
        fixes_turn(judge, cause, start, middle);
    cause_see(judge, cause, "https://docs.nvidia.com/deploy/cuda-compatibility/");
}

/* --- gpu-too-new, gpu-too-old -------------------------------------------------------------------------------- */

enum age { AGE_FITS, AGE_TOO_NEW, AGE_TOO_OLD, AGE_UNKNOWN };

/* Where the list of code is not known: CUDA could not compile for a GPU before the toolkit that brought it, nor
 * after the one that dropped it. */
static enum age age_by_cuda(struct judge *judge, int capability) {
    struct architecture architecture;
    int cuda = match_needed_cuda(judge).cuda;
    if (!capability || !judge->options.knowledge ||
        knowledge_architecture(judge->options.knowledge, capability, &architecture) < 0 ||
        !architecture.confirmed || !cuda)
        return AGE_UNKNOWN;
    if (architecture.first_cuda > cuda)
        return AGE_TOO_NEW;
    if (architecture.last_cuda && architecture.last_cuda < cuda)
        return AGE_TOO_OLD;
    return AGE_UNKNOWN;
}

/* "(7.0) - (12.0)": PyTorch 2.8 to 2.10 compare plain numbers, so that 12.1 above 12.0 is a false alarm. */
static enum age age_by_range(const struct judge *judge, int capability) {
    const struct printed_message *range = printed(judge, "min_max_cc");
    int low, high;
    if (!range || !capability || !text_of(range->argument) || !text_of(range->second) ||
        capability_parse(span_of(range->argument.value), &low) < 0 ||
        capability_parse(span_of(range->second.value), &high) < 0)
        return AGE_UNKNOWN;
    if (capability < low)
        return AGE_TOO_OLD;
    return capability <= high || capability_major(capability) == capability_major(high) ? AGE_FITS : AGE_TOO_NEW;
}

static bool says_too_old(const struct judge *judge, const char *gpu) {
    static const char *const ids[] = {"old_gpu_min", "old_gpu_fixed35", "old_gpu"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const struct printed_message *message = printed(judge, ids[i]);
        const char *whose = message ? text_of(message->argument) : NULL;
        /* where the message names a GPU it is meant for that one */
        if (message && (!gpu || !whose || !text_has(whose, " ") || text_has(whose, gpu) || text_has(gpu, whose)))
            return true;
    }
    return false;
}

/* NVRTC and Triton's ptxas come with PyTorch: a GPU they do not know is newer (or, for a new one, older) than the
 * build. nvcc is the toolkit's. */
static bool built_in_compiler_refused(const struct judge *judge) {
    for (size_t i = 0; i < judge->messages.count; i++)
        if (text_eq(text_of(judge->messages.items[i].id), "nvcc_unsupported_arch") &&
            !text_has(text_of(judge->messages.items[i].text), "nvcc fatal"))
            return true;
    return false;
}

/* What PyTorch's parts and companions say of a GPU that lacks what they need. */
static const struct printed_message *says_too_weak(const struct judge *judge) {
    return printed_any(judge, "triton_arch", "flash_arch", "bf16_arch", "cublas_arch", "cudnn_arch", NULL);
}

static bool runtime_refused(const struct judge *judge) {
    return cuda_said(judge, 209) || built_in_compiler_refused(judge) ||
           printed_any(judge, "cc_reinstall", "cc_none", "requires_newer_cuda", "sm_not_compatible", "cc_list",
                       NULL);
}

/* It was a companion's code that did not run. */
static bool companion_refused(const struct judge *judge) {
    const struct cause *companion = judge_found(judge, "torch-companion-mismatch");
    return companion && companion->role == ROLE_ROOT && !printed(judge, "sm_not_compatible");
}

static enum age age_of(struct judge *judge, const struct code_list *code, const struct gpu_view *gpu) {
    struct code_verdict verdict = match_gpu(judge, code, gpu);
    enum age by_range = age_by_range(judge, gpu->capability);
    if (verdict.fit == FIT_NO)
        return verdict.too_new ? AGE_TOO_NEW : AGE_TOO_OLD;
    if (by_range != AGE_UNKNOWN)
        return by_range;
    if (says_too_old(judge, gpu->name))
        return AGE_TOO_OLD;
    if (companion_refused(judge))
        return AGE_FITS;
    if (verdict.fit == FIT_YES && !(code->published && runtime_refused(judge)))
        return AGE_FITS;
    if (printed(judge, "requires_newer_cuda"))
        return AGE_TOO_NEW;
    if (!runtime_refused(judge))
        return AGE_UNKNOWN;
    enum age by_cuda = age_by_cuda(judge, gpu->capability);
    /* a build made with 12.8 or newer has code for all that is newer than Turing */
    if (by_cuda == AGE_UNKNOWN && gpu->capability)
        by_cuda = gpu->capability < 75 ? AGE_TOO_OLD : gpu->capability >= 87 ? AGE_TOO_NEW : AGE_UNKNOWN;
    return by_cuda;
}

static void age_evidence(struct judge *judge, struct cause *cause, const struct code_list *code,
                         const struct gpu_view *gpu) {
    static const char *const ids[] = {"sm_not_compatible", "old_gpu_min",  "old_gpu_fixed35",
                                      "old_gpu",           "min_max_cc",   "requires_newer_cuda",
                                      "cc_list",           "cc_reinstall", "cc_none"};
    char capability[8];
    if (gpu && gpu->capability)
        cause_evidence(
            judge, cause, gpu->fact ? gpu->fact : "gpu.devices.compute_capability",
            arena_printf(judge->arena, "%s: %s", gpu->name, capability_text(gpu->capability, capability)),
            gpu->source);
    if (code->architectures.count) {
        const char *list = "";
        for (size_t i = 0; i < code->architectures.count && i < 24; i++)
            list = arena_printf(judge->arena, "%s%s%s", list, i ? " " : "", code->architectures.items[i]);
        cause_evidence(judge, cause, code->fact, list, code->source);
    }
    const struct python_environment *python = python_in_use(judge);
    if (python)
        cause_fact(judge, cause, "torch.torch_version", &python->torch_version);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        evidence_printed(judge, cause, ids[i]);
    evidence_cuda(judge, cause, 209);
    if (built_in_compiler_refused(judge))
        evidence_printed(judge, cause, "nvcc_unsupported_arch");
    evidence_printed_all(judge, cause, "triton_arch", "flash_arch", "bf16_arch", "cublas_arch", "cudnn_arch",
                         "ext_arch", NULL);
}

static void find_age(struct judge *judge, enum age age, const struct code_list *code, const struct gpu_view *gpu,
                     enum confidence confidence) {
    char capability[8];
    const char *version = torch_version(judge);
    const char *kind = gpu && gpu->capability ? arena_printf(judge->arena, " (compute capability %s)",
                                                             capability_text(gpu->capability, capability))
                                              : "";
    bool new = age == AGE_TOO_NEW;
    struct cause *cause =
        judge_find(judge, new ? "gpu-too-new" : "gpu-too-old", confidence,
                   "%s%s is too %s for PyTorch%s%s: the build has no code for it.", gpu ? gpu->name : "The GPU",
                   kind, new ? "new" : "old", version ? " " : "", version ? version : "");
    age_evidence(judge, cause, code, gpu);
    if (!cause->fixes.count)
        fix_torch_build(judge, cause, false);
    cause_see(judge, cause, "https://developer.nvidia.com/cuda-gpus");
    cause_see(judge, cause, "https://pytorch.org/get-started/locally/");
}

static void judge_age(struct judge *judge, enum age wanted) {
    struct gpu_views views = gpus(judge);
    struct code_list code = match_code(judge);
    if (torch_worked(judge) && views.count <= 1)
        return;
    for (size_t i = 0; i < views.count; i++) {
        enum age age = age_of(judge, &code, &views.items[i]);
        bool sure = runtime_refused(judge) || !code.published || says_too_old(judge, views.items[i].name);
        if (age == wanted)
            find_age(judge, age, &code, &views.items[i], sure ? CERTAIN : LIKELY);
    }
}

/* "Unknown CUDA arch (12.0) or GPU not supported": torch.utils.cpp_extension knows the GPUs of its release's time.
 */
static enum age age_by_extension(const struct judge *judge) {
    const struct printed_message *message = printed(judge, "ext_arch");
    int capability;
    if (!message || !text_of(message->argument) ||
        capability_parse(span_of(message->argument.value), &capability) < 0)
        return AGE_UNKNOWN;
    return capability >= 75 ? AGE_TOO_NEW : AGE_TOO_OLD;
}

/* The launch failed for want of code, and nothing tells which GPU it is. */
static void refused_without_gpu(struct judge *judge) {
    struct gpu_views views = gpus(judge);
    struct code_list code = match_code(judge);
    if (judge_found(judge, "gpu-too-new") || judge_found(judge, "gpu-too-old") || companion_refused(judge))
        return;
    bool old = says_too_old(judge, NULL);
    enum age by_extension = age_by_extension(judge);
    if (!old && !runtime_refused(judge)) {
        if (by_extension != AGE_UNKNOWN)
            find_age(judge, by_extension, &code, views.count == 1 ? &views.items[0] : NULL, LIKELY);
        else if (says_too_weak(judge))
            find_age(judge, AGE_TOO_OLD, &code, views.count == 1 ? &views.items[0] : NULL, LIKELY);
        return;
    }
    const struct gpu_view *gpu = views.count == 1 ? &views.items[0] : NULL;
    bool fits = gpu && match_gpu(judge, &code, gpu).fit == FIT_YES;
    if (fits && !old) /* torch has code for it; an extension module has none: another cause's matter */
        return;
    int cuda = match_needed_cuda(judge).cuda;
    find_age(judge, old || cuda >= 12080 ? AGE_TOO_OLD : AGE_TOO_NEW, &code, gpu, old ? CERTAIN : POSSIBLE);
    if (!gpu || !gpu->capability)
        judge_ask(judge, "gpu.devices.compute_capability", "which GPU it is",
                  "nvidia-smi --query-gpu=name,compute_cap --format=csv");
    if (!code.architectures.count)
        judge_ask(judge, "compute.arch_list", "what the build has code for",
                  "python -c \"import torch; print(torch.__version__, torch.cuda.get_arch_list())\"");
}

void rule_gpu_too_new(struct judge *judge) {
    judge_age(judge, AGE_TOO_NEW);
}

void rule_gpu_too_old(struct judge *judge) {
    judge_age(judge, AGE_TOO_OLD);
    refused_without_gpu(judge);
}

static const struct rule rules[] = {
    {"driver-too-old-for-cuda", LINK_MATCH, rule_driver_too_old_for_cuda, false},
    {"gpu-too-new", LINK_MATCH, rule_gpu_too_new, false},
    {"gpu-too-old", LINK_MATCH, rule_gpu_too_old, false},
};

/* --- the link's line ----------------------------------------------------------------------------------------- */

static const char *way_words(enum code_way way) {
    return way == CODE_WAY_SASS ? "runs from" : "is compiled at first use from";
}

static enum fit describe_code(struct judge *judge, struct link_state *state, const char **ret_words) {
    struct gpu_views views = gpus(judge);
    struct code_list code = match_code(judge);
    enum fit all = views.count ? FIT_YES : FIT_UNKNOWN;
    for (size_t i = 0; i < views.count; i++) {
        struct code_verdict verdict = match_gpu(judge, &code, &views.items[i]);
        if (verdict.fit == FIT_YES && !*ret_words)
            *ret_words =
                arena_printf(judge->arena, "%s %s %s", views.items[i].name, way_words(verdict.way), verdict.by);
        if (verdict.fit == FIT_YES && verdict.way == CODE_WAY_PTX)
            link_note(judge, state, "the first start on %s is slow: the driver compiles %s for it",
                      views.items[i].name, verdict.by);
        if (verdict.fit == FIT_NO) {
            all = FIT_NO;
            *ret_words = arena_printf(judge->arena, "no code for %s", views.items[i].name);
        }
        if (verdict.fit == FIT_UNKNOWN && all == FIT_YES)
            all = FIT_UNKNOWN;
    }
    return all;
}

static void cannot_match(struct judge *judge, struct needed_cuda needed) {
    const struct python_environment *python = python_in_use(judge);
    if (from_text(judge) || !python || !text_eq(torch_build_of(judge), "cuda"))
        return;
    if (!needed.cuda)
        judge_cannot_tell(judge, "torch.cuda",
                          "the CUDA that this PyTorch was built with is not told by its files");
    if (!known(python->sass))
        judge_cannot_tell(judge, "torch.sass", "%s",
                          python->sass.is.reason ? python->sass.is.reason : "nobody looked");
}

/* "driver runs CUDA 12.4 (minor-version compatibility)"; NULL: not known. */
static const char *driver_and_cuda(struct judge *judge, const struct driver_match *driver) {
    char cuda[16];
    if (!driver->needed.cuda || driver->verdict.fit == FIT_UNKNOWN)
        return NULL;
    cuda_version_text(driver->needed.cuda, cuda);
    if (driver->verdict.fit == FIT_NO)
        return arena_printf(judge->arena, "CUDA %s needs a newer driver", cuda);
    return arena_printf(judge->arena, "driver runs CUDA %s%s", cuda,
                        driver->verdict.way == DRIVER_WAY_MINOR ? " (minor-version compatibility)" : "");
}

static void describe(struct judge *judge, struct link_state *state) {
    struct driver_match driver = match_driver(judge);
    const char *code_words = NULL;
    enum fit code = describe_code(judge, state, &code_words);
    bool proven = (program_ran(judge) && code != FIT_NO) || torch_worked(judge) ||
                  (is_true(judge->facts->compute.is_available) && code != FIT_NO);
    const char *driver_words = driver_and_cuda(judge, &driver);
    cannot_match(judge, driver.needed);
    if (driver.verdict.fit == FIT_YES && code == FIT_YES)
        state->state = STATE_OK;
    else if (proven || (cuda_lists_gpus(judge) && code == FIT_YES))
        state->state = STATE_OK;
    if (driver_words && code_words)
        link_say(judge, state, "%s; %s", driver_words, code_words);
    else if (driver_words || code_words)
        link_say(judge, state, "%s", driver_words ? driver_words : code_words);
    else if (proven)
        link_say(judge, state, "PyTorch uses the GPU");
    else if (!torch_version(judge))
        link_say(judge, state, "no PyTorch to match");
    else if (text_eq(torch_build_of(judge), "cpu"))
        link_say(judge, state, "nothing to match: a build for the CPU");
    else
        link_say(judge, state, "not known: %s",
                 driver.verdict.fit != FIT_YES ? driver.verdict.reason : "no GPU to match");
}

const struct link_room room_match = {rules, sizeof rules / sizeof *rules, describe};
