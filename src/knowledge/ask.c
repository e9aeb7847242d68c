#include "knowledge/ask.h"

#include <errno.h>
#include <stdio.h>

#include "base/text.h"
#include "knowledge/driver.h"

struct asking {
    struct knowledge *knowledge;
    struct arena *arena;
    const struct ask_question *question;
    struct ask_answer *answer;
    struct {
        struct ask_part *items;
        size_t count;
    } parts;
    struct package_version torch;
    struct torch_build build;     /* of the version's tag, or PyTorch's default for the platform */
    struct torch_release release; /* version NULL: not in the tables */
    struct torch_variant code;    /* torch NULL: not in the tables */
    int cuda;                     /* --cuda; 0: not asked */
    unsigned python;
    enum fit ptx; /* can the driver compile the build's PTX */
};

static void say(struct asking *asking, const char *what, enum fit fit, const char *reason) {
    LIST_PUSH(asking->arena, &asking->parts) = (struct ask_part){what, fit, reason};
}

/* --- understanding the question ------------------------------------------------------------------------------ */

static int parse_gpu(struct asking *asking) {
    struct span text = span_trim(span_of(asking->question->gpu));
    struct gpu_model *gpu = &asking->answer->gpu;
    int64_t id;
    int capability;
    if (!text.len)
        return -EINVAL;
    if (span_starts_nocase(text, "10de:") && span_to_number(span_slice(text, 5, text.len), 16, &id) == 0)
        return knowledge_gpu_by_id(asking->knowledge, (unsigned)id, gpu);
    bool number = span_has(text, ".") || span_starts_nocase(text, "sm_") || span_starts_nocase(text, "compute_");
    if (!number || capability_parse(text, &capability))
        return knowledge_gpu_by_name(asking->knowledge, text, gpu);
    struct architecture architecture;
    char buffer[8];
    if (knowledge_architecture(asking->knowledge, capability, &architecture))
        return -ENOENT;
    *gpu = (struct gpu_model){
        .name = arena_printf(asking->arena, "a GPU of capability %s", capability_text(capability, buffer)),
        .architecture = architecture.name,
        .capability = capability,
        .last_branch = architecture.last_branch,
        .last_known = architecture.last_known,
        .first_branch = architecture.first_branch,
        .module = architecture.module,
        .confirmed = architecture.confirmed};
    return 0;
}

static bool parse_platform(const char *text, enum platform *ret_platform) {
    static const struct {
        const char *name;
        enum platform platform;
    } names[] = {{"linux-x86_64", PLATFORM_LINUX_X86_64},
                 {"linux_x86_64", PLATFORM_LINUX_X86_64},
                 {"linux", PLATFORM_LINUX_X86_64},
                 {"linux-aarch64", PLATFORM_LINUX_AARCH64},
                 {"linux_aarch64", PLATFORM_LINUX_AARCH64},
                 {"windows", PLATFORM_WINDOWS},
                 {"windows_amd64", PLATFORM_WINDOWS},
                 {"jetson", PLATFORM_JETSON},
                 {"macos", PLATFORM_MACOS}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i].name) == 0) {
            *ret_platform = names[i].platform;
            return true;
        }
    return false;
}

/* Without --platform: what the GPU or the driver's number can only be. */
static enum platform guess_platform(struct asking *asking) {
    const struct ask_answer *answer = asking->answer;
    int capability = answer->gpu.capability;
    if (capability == 110 || capability == 121 || text_has(answer->gpu.name, "GH200") ||
        text_has(answer->gpu.name, "GB200") || text_has(answer->gpu.name, "GB300"))
        return PLATFORM_LINUX_AARCH64;
    if (capability && capability_is_tegra(capability))
        return PLATFORM_JETSON;
    struct driver_branch branch;
    int cuda;
    if (answer->driver.count && knowledge_branch(asking->knowledge, answer->driver.part[0], &branch) &&
        knowledge_driver_max_cuda(asking->knowledge, &answer->driver, true, &cuda) == 0)
        return PLATFORM_WINDOWS;
    return PLATFORM_LINUX_X86_64;
}

static int parse_question(struct asking *asking, const char **ret_problem) {
    const struct ask_question *question = asking->question;
    struct ask_answer *answer = asking->answer;
    struct package_version python;
    *ret_problem = "gpu";
    if (question->gpu && parse_gpu(asking) == -EINVAL)
        return -EINVAL;
    *ret_problem = "driver";
    if (question->driver && driver_version_parse(span_of(question->driver), &answer->driver))
        return -EINVAL;
    *ret_problem = "cuda";
    if (question->cuda && cuda_version_parse(span_of(question->cuda), &asking->cuda))
        return -EINVAL;
    *ret_problem = "torch";
    if (question->torch && package_version_parse(span_of(question->torch), &asking->torch))
        return -EINVAL;
    *ret_problem = "python";
    if (question->python) {
        if (package_version_parse(span_of(question->python), &python) || python.count < 2 ||
            python.release[1] > 99)
            return -EINVAL;
        asking->python = python.release[0] * 100 + python.release[1];
    }
    *ret_problem = "platform";
    if (!question->platform)
        answer->platform = guess_platform(asking);
    else if (!parse_platform(question->platform, &answer->platform))
        return -EINVAL;
    answer->windows = answer->platform == PLATFORM_WINDOWS;
    if (answer->driver.count)
        knowledge_driver_max_cuda(asking->knowledge, &answer->driver, answer->windows, &answer->driver_cuda);
    return 0;
}

/* --- the build ----------------------------------------------------------------------------------------------- */

static const char *list_words(struct arena *arena, const struct texts *words) {
    const char *list = "";
    for (size_t i = 0; i < words->count; i++)
        list = arena_printf(arena, "%s%s%s", list, i ? ", " : "", words->items[i]);
    return list;
}

/* Which build is meant: by its tag, by --cuda, or what PyPI has for the platform. */
static void find_variant(struct asking *asking) {
    torch_build_of_local(asking->torch.local, &asking->build);
    const char *plain =
        asking->release.version ? torch_release_default(&asking->release, asking->answer->platform) : NULL;
    if (asking->build.kind != TORCH_BUILD_UNTAGGED)
        return;
    if (asking->cuda) {
        asking->build.kind = TORCH_BUILD_CUDA;
        asking->build.cuda = asking->cuda;
        torch_variant_text(asking->cuda, asking->build.variant);
    } else if (plain && strcmp(plain, "none") != 0) {
        torch_build_of_local(plain, &asking->build);
    }
}

static void judge_build(struct asking *asking) {
    char release[48];
    const char *text = arena_copy(asking->arena, package_version_release_text(&asking->torch, release));
    asking->answer->torch = text;
    bool listed = knowledge_torch(asking->knowledge, &asking->torch, &asking->release) == 0;
    if (!listed)
        asking->release.version = NULL;
    find_variant(asking);
    const struct torch_build *build = &asking->build;
    asking->answer->variant = build->variant[0] ? arena_copy(asking->arena, build->variant) : NULL;
    if (build->kind == TORCH_BUILD_CPU || build->kind == TORCH_BUILD_ROCM || build->kind == TORCH_BUILD_XPU) {
        bool tagged = asking->torch.local[0] != '\0';
        const char *made_for = build->kind == TORCH_BUILD_CPU    ? "the CPU"
                               : build->kind == TORCH_BUILD_ROCM ? "AMD GPUs"
                                                                 : "Intel GPUs";
        say(asking, "build", FIT_NO,
            arena_printf(asking->arena, "%s%s%s is a build for %s: it uses no NVIDIA GPU", text,
                         tagged ? "+" : " from PyPI", tagged ? asking->torch.local : "", made_for));
        return;
    }
    if (!listed) {
        say(asking, "build", FIT_UNKNOWN,
            arena_printf(
                asking->arena,
                "the tables have no PyTorch %s; where it is installed, whycuda reads what it needs from its "
                "files",
                text));
        return;
    }
    if (build->kind != TORCH_BUILD_CUDA) {
        say(asking, "build", FIT_UNKNOWN,
            arena_printf(asking->arena, "which CUDA this build of %s was made with is not known", text));
        return;
    }
    struct package_version wanted = asking->torch;
    snprintf(wanted.local, sizeof wanted.local, "%s", build->variant);
    bool row = knowledge_torch_variant(asking->knowledge, &wanted, asking->answer->platform, &asking->code) == 0;
    if (!texts_have(&asking->release.variants, build->variant) && asking->release.confirmed && !row) {
        say(asking, "build", FIT_NO,
            arena_printf(asking->arena, "there is no %s build of PyTorch %s; there are %s", build->variant, text,
                         list_words(asking->arena, &asking->release.variants)));
        return;
    }
    if (!row || !asking->code.confirmed) {
        asking->code = (struct torch_variant){0};
        if (asking->answer->gpu.name)
            say(asking, "build", FIT_UNKNOWN,
                arena_printf(asking->arena,
                             "the tables do not say for sure which GPUs the %s build of %s for %s serves",
                             build->variant, text, platform_name(asking->answer->platform)));
    }
}

static void judge_python(struct asking *asking) {
    if (!asking->python || !asking->release.version)
        return;
    const struct torch_release *release = &asking->release;
    bool fits = asking->python >= release->python_min && asking->python <= release->python_max;
    enum fit fit = !release->confirmed ? FIT_UNKNOWN : fits ? FIT_YES : FIT_NO;
    say(asking, "Python and PyTorch", fit,
        arena_printf(asking->arena, "PyTorch %s has wheels for Python %u.%u to %u.%u", release->version,
                     release->python_min / 100, release->python_min % 100, release->python_max / 100,
                     release->python_max % 100));
}

/* --- driver and GPU ------------------------------------------------------------------------------------------ */

static void judge_branch(struct asking *asking) {
    const struct ask_answer *answer = asking->answer;
    const struct gpu_model *gpu = &answer->gpu;
    if (!gpu->name || !answer->driver.count || answer->platform == PLATFORM_JETSON)
        return;
    unsigned branch = knowledge_driver_branch(asking->knowledge, &answer->driver, answer->windows);
    struct fit_verdict verdict = {FIT_UNKNOWN, "the tables are not sure about this GPU"};
    if (gpu->confirmed)
        verdict = compat_branch(asking->arena, branch, gpu->capability, gpu->first_branch, gpu->last_branch,
                                gpu->last_known);
    say(asking, "driver and GPU", verdict.fit, verdict.reason);
}

static void judge_cuda(struct asking *asking) {
    int program = asking->build.cuda ? asking->build.cuda : asking->cuda;
    if (!program || !asking->answer->driver.count)
        return;
    struct cuda_release release = {0};
    bool listed = knowledge_cuda(asking->knowledge, program, &release) == 0 && release.confirmed;
    struct driver_question question = {
        .program_cuda = program, .driver_cuda = asking->answer->driver_cuda, .driver = asking->answer->driver};
    if (listed)
        question.floor = asking->answer->windows ? release.floor_windows : release.floor_linux;
    struct driver_verdict verdict = compat_driver(asking->arena, &question);
    asking->ptx = verdict.ptx;
    say(asking, "driver and CUDA", verdict.fit, verdict.reason);
}

static void judge_code(struct asking *asking) {
    const struct gpu_model *gpu = &asking->answer->gpu;
    if (!gpu->name || !asking->code.torch)
        return;
    struct code_verdict verdict =
        compat_code(asking->arena, &asking->code.architectures, gpu->confirmed ? gpu->capability : 0,
                    asking->code.cuda, asking->answer->driver.count ? asking->ptx : FIT_YES);
    say(asking, "code and GPU", verdict.fit, verdict.reason);
}

/* A toolkit and a GPU, without PyTorch: can it compile for it? */
static void judge_toolkit(struct asking *asking) {
    const struct gpu_model *gpu = &asking->answer->gpu;
    struct architecture architecture;
    if (!asking->cuda || asking->question->torch || !gpu->name)
        return;
    if (!gpu->confirmed || knowledge_architecture(asking->knowledge, gpu->capability, &architecture) ||
        !architecture.confirmed) {
        say(asking, "CUDA and GPU", FIT_UNKNOWN, "the tables are not sure about this GPU");
        return;
    }
    char capability[8], first[16], last[16];
    capability_text(gpu->capability, capability);
    cuda_version_text(architecture.first_cuda, first);
    cuda_version_text(architecture.last_cuda, last);
    bool fits = asking->cuda >= architecture.first_cuda &&
                (!architecture.last_cuda || asking->cuda <= architecture.last_cuda);
    say(asking, "CUDA and GPU", fits ? FIT_YES : FIT_NO,
        architecture.last_cuda
            ? arena_printf(asking->arena, "toolkits from CUDA %s to %s compile for capability %s", first, last,
                           capability)
            : arena_printf(asking->arena, "toolkits from CUDA %s on compile for capability %s", first,
                           capability));
}

/* Both a tagged build and a toolkit: that counts where extensions are compiled. */
static void judge_extension(struct asking *asking) {
    if (!asking->cuda || !asking->build.cuda || !asking->torch.local[0])
        return;
    bool fits = cuda_major(asking->cuda) == cuda_major(asking->build.cuda);
    say(asking, "toolkit and build", fits ? FIT_YES : FIT_NO,
        fits ? "extensions can be compiled: the toolkit is of the build's CUDA major version"
             : "to compile extensions the toolkit must be of the build's CUDA major version (to run PyTorch none "
               "is "
               "needed)");
}

/* --- what would fit ------------------------------------------------------------------------------------------ */

enum { BUILDS_SHOWN = 4 };

static int find_builds(struct asking *asking) {
    struct ask_answer *answer = asking->answer;
    int capability = answer->gpu.confirmed ? answer->gpu.capability : 0;
    if (asking->question->gpu && !capability) {
        answer->any.why_none =
            (struct fit_verdict){FIT_UNKNOWN, "the GPU's compute capability is not known for sure"};
        answer->same = answer->any;
        return 0;
    }
    struct recommend_question question = {.driver = answer->driver,
                                          .driver_windows = answer->windows,
                                          .capabilities = &capability,
                                          .capability_count = capability ? 1 : 0,
                                          .python = asking->python,
                                          .platform = answer->platform};
    int error = knowledge_recommend(asking->knowledge, asking->arena, &question, BUILDS_SHOWN, &answer->any);
    question.torch = answer->torch;
    if (!error && answer->torch)
        error = knowledge_recommend(asking->knowledge, asking->arena, &question, BUILDS_SHOWN, &answer->same);
    return error;
}

int knowledge_ask(struct knowledge *knowledge, struct arena *arena, const struct ask_question *question,
                  struct ask_answer *ret_answer, const char **ret_problem) {
    *ret_answer = (struct ask_answer){0};
    struct asking asking = {
        .knowledge = knowledge, .arena = arena, .question = question, .answer = ret_answer, .ptx = FIT_UNKNOWN};
    if (parse_question(&asking, ret_problem))
        return -EINVAL;
    if (question->gpu && !ret_answer->gpu.name)
        say(&asking, "GPU", FIT_UNKNOWN,
            arena_printf(arena,
                         "the tables know no GPU \"%s\", or several of different capability: name it as "
                         "nvidia-smi does, or give its capability, as 8.6",
                         text_clean(arena, span_of(question->gpu))));
    if (question->torch)
        judge_build(&asking);
    judge_branch(&asking);
    judge_cuda(&asking);
    judge_code(&asking);
    judge_toolkit(&asking);
    judge_extension(&asking);
    judge_python(&asking);
    ret_answer->fit = asking.parts.count ? FIT_YES : FIT_UNKNOWN;
    for (size_t i = 0; i < asking.parts.count; i++) {
        enum fit fit = asking.parts.items[i].fit;
        if (fit == FIT_NO || (fit == FIT_UNKNOWN && ret_answer->fit == FIT_YES))
            ret_answer->fit = fit;
    }
    ret_answer->parts = asking.parts.items;
    ret_answer->part_count = asking.parts.count;
    return find_builds(&asking);
}
