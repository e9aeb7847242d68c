/* A PyTorch that fits driver, GPUs, Python and platform, by this environment's own package manager. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/fix_fill.h"
#include "diagnose/match.h"
#include "diagnose/read.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"
#include "knowledge/recommend.h"

enum { BUILDS_ASKED = 3 };

/* "pip", "uv", "conda", "mamba", "pixi", "poetry": who put torch there, else what kind of environment it is. */
static const char *manager_of(const struct judge *judge) {
    static const char *const managers[] = {"uv", "conda", "mamba", "pixi", "poetry", "pdm", "pip"};
    const struct python_environment *python = python_in_use(judge);
    const char *installer = python ? text_of(python->installer) : NULL,
               *kind = python ? text_of(python->kind) : NULL;
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        if (text_eq(installer, managers[i]))
            return managers[i];
    /* "2.0.0+cpu" is a wheel, in a conda environment too: what pip put there only pip replaces */
    const char *release = torch_version(judge);
    bool wheel = release && strchr(release, '+');
    for (size_t i = 0; !installer && i < sizeof managers / sizeof *managers; i++)
        if (text_eq(kind, managers[i]) &&
            !(wheel && (text_eq(kind, "conda") || text_eq(kind, "mamba") || text_eq(kind, "pixi"))))
            return managers[i];
    return "pip";
}

static const char *interpreter_of(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    const char *path = python ? text_of(python->interpreter) : NULL;
    return path && !strpbrk(path, " '\"") ? path : NULL;
}

const char *fix_installer(struct judge *judge) {
    const char *manager = manager_of(judge), *interpreter = interpreter_of(judge);
    if (text_eq(manager, "uv"))
        return "uv pip";
    if (text_eq(manager, "poetry"))
        return "poetry run pip";
    return interpreter ? arena_printf(judge->arena, "%s -m pip", interpreter) : "pip";
}

/* "pip install …" of the table becomes the environment's own pip, and torch brings the companions that are there. */
static const char *own_command(struct judge *judge, const char *command, const struct recommend_build *build) {
    const struct python_environment *python = python_in_use(judge);
    const char *interpreter = interpreter_of(judge);
    const char *pin = build ? arena_printf(judge->arena, "torch==%s", build->torch) : NULL;
    size_t at = pin ? span_find(span_of(command), pin) : SIZE_MAX;
    if (at != SIZE_MAX) {
        const char *more = "";
        if (build->vision && package_of(python, "torchvision"))
            more = arena_printf(judge->arena, "%s torchvision==%s", more, build->vision);
        if (build->audio && package_of(python, "torchaudio"))
            more = arena_printf(judge->arena, "%s torchaudio==%s", more, build->audio);
        command =
            arena_printf(judge->arena, "%.*s%s%s%s", (int)at, command, pin, more, command + at + strlen(pin));
    }
    if (text_starts(command, "pip ") && interpreter)
        return arena_printf(judge->arena, "%s -m %s", interpreter, command);
    if (text_starts(command, "uv pip install ") && interpreter)
        return arena_printf(judge->arena, "uv pip install --python %s %s", interpreter,
                            command + strlen("uv pip install "));
    return command;
}

static bool build_rows(struct judge *judge, struct cause *cause, const char *manager, const char *action,
                       const struct recommend_build *build) {
    char cuda[16];
    struct fix_values values = {
        .torch = build->torch, .variant = build->variant, .cuda = cuda_version_text(build->cuda, cuda)};
    values.cuda = arena_copy(judge->arena, values.cuda);
    size_t before = cause->fixes.count;
    if (!fix_rows(judge, cause, manager, action, &values))
        return false;
    /* conda's and pixi's solvers choose a release up to the one that fits: no number is promised */
    if (text_eq(manager, "conda") || text_eq(manager, "mamba") || text_eq(manager, "pixi"))
        return true;
    for (size_t i = before; i < cause->fixes.count; i++) {
        struct fix *fix = &cause->fixes.items[i];
        for (size_t c = 0; c < fix->commands.count; c++)
            fix->commands.items[c] = own_command(judge, fix->commands.items[c], build);
        if (i == before)
            fix->title =
                arena_printf(judge->arena, "%s: torch %s for CUDA %s%s%s", fix->title, build->torch, values.cuda,
                             build->code ? ", with code for this GPU: " : "", build->code ? build->code : "");
    }
    return true;
}

/* Releases before 1.11 are on one page of links, not on an index. */
static bool is_old_release(const char *torch) {
    struct package_version version;
    return package_version_parse(span_of(torch), &version) == 0 && version.release[0] == 1 &&
           version.release[1] < 11;
}

static void add_build(struct judge *judge, struct cause *cause, const struct recommend_build *build) {
    const char *manager = manager_of(judge);
    const char *action = is_old_release(build->torch) ? "install-torch-old"
                         : torch_version(judge)       ? "replace-torch"
                                                      : "install-torch";
    if (build_rows(judge, cause, manager, action, build) ||
        build_rows(judge, cause, manager, "install-torch", build))
        return;
    build_rows(judge, cause, "pip", action, build);
}

static enum platform platform_here(const struct judge *judge) {
    const char *machine = text_of(judge->facts->system.machine);
    if (on_macos(judge))
        return PLATFORM_MACOS;
    if (on_windows(judge))
        return PLATFORM_WINDOWS;
    if (on_jetson(judge))
        return PLATFORM_JETSON;
    if (on_arm(judge))
        return PLATFORM_LINUX_AARCH64;
    return !machine || text_eq(machine, "x86_64") ? PLATFORM_LINUX_X86_64 : PLATFORM_UNKNOWN;
}

static unsigned python_of(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    struct package_version version;
    if (!python || !known(python->python) || package_version_parse(span_of(python->python.value), &version) < 0)
        return 0;
    return version.release[0] * 100 + version.release[1];
}

enum { BRANCH_ASSUMED = 570 }; /* the last of CUDA 12: what is chosen for it runs on 525 and later, too */

/* Where nobody looked at the driver, a build that needs the newest one would be a gamble: one that runs on drivers
 * of the last years is asked for, or, for a newer GPU, on the branch that brought it. A driver known to be missing
 * will be installed new, so that any build will do. */
static void assume_driver(struct judge *judge, struct recommend_question *question) {
    const struct driver_facts *driver = &judge->facts->driver;
    if (!unknown(driver->library_version) || !unknown(driver->module_version) || is_false(driver->module_loaded))
        return;
    unsigned branch = BRANCH_ASSUMED;
    for (size_t i = 0; i < question->capability_count; i++) {
        struct architecture architecture;
        if (knowledge_architecture(judge->options.knowledge, question->capabilities[i], &architecture) == 0 &&
            architecture.confirmed && architecture.first_branch > branch)
            branch = architecture.first_branch;
    }
    driver_version_parse(span_of(arena_printf(judge->arena, "%u", branch)), &question->driver);
}

/* "found version 11040": the release is not told, but the CUDA that its branch offers is. */
static bool driver_by_cuda(struct judge *judge, struct recommend_question *question) {
    const struct driver_branch *branches;
    size_t count;
    int cuda = driver_cuda(judge);
    unsigned branch = 0;
    if (!cuda || knowledge_branches(judge->options.knowledge, &branches, &count) < 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if (branches[i].max_cuda && branches[i].max_cuda <= cuda && branches[i].branch > branch)
            branch = branches[i].branch;
    return branch &&
           driver_version_parse(span_of(arena_printf(judge->arena, "%u", branch)), &question->driver) == 0;
}

static struct recommend_question question_of(struct judge *judge) {
    struct gpu_views views = gpus(judge);
    int *capabilities = arena_alloc(judge->arena, sizeof *capabilities * (views.count + 1));
    struct recommend_question question = {.driver_windows = on_windows(judge) || on_wsl(judge),
                                          .capabilities = capabilities,
                                          .python = python_of(judge),
                                          .platform = platform_here(judge)};
    for (size_t i = 0; i < views.count; i++)
        if (views.items[i].capability)
            capabilities[question.capability_count++] = views.items[i].capability;
    const struct printed_message *arch = printed(judge, "ext_arch"); /* "Unknown CUDA arch (12.0)" */
    if (!question.capability_count && arch && text_of(arch->argument) &&
        capability_parse(span_of(arch->argument.value), &capabilities[0]) == 0)
        question.capability_count = 1;
    if (!driver_release(judge, &question.driver, NULL, NULL)) {
        question.driver.count = 0;
        if (judge->options.knowledge && !driver_by_cuda(judge, &question))
            assume_driver(judge, &question);
    }
    return question;
}

static const char *release_in_use(struct judge *judge) {
    const char *text = torch_version(judge);
    struct package_version version;
    char release[48];
    if (!text || package_version_parse(span_of(text), &version) < 0 || version.phase != PHASE_FINAL)
        return NULL;
    return arena_copy(judge->arena, package_version_release_text(&version, release));
}

/* The first build on offer; with `keep` the release that is there comes before it. False: none fits now. */
static bool offer(struct judge *judge, struct cause *cause, bool keep, struct recommendation *ret_any) {
    struct recommend_question question = question_of(judge);
    bool offered = false;
    const char *release = keep ? release_in_use(judge) : NULL;
    struct recommendation same;
    if (release) {
        question.torch = release;
        if (knowledge_recommend(judge->options.knowledge, judge->arena, &question, 1, &same) == 0 && same.count) {
            add_build(judge, cause, &same.items[0]);
            offered = true;
        }
        question.torch = NULL;
    }
    *ret_any = (struct recommendation){0};
    if (knowledge_recommend(judge->options.knowledge, judge->arena, &question, BUILDS_ASKED, ret_any) < 0)
        return offered;
    if (ret_any->count && !(offered && text_eq(ret_any->items[0].torch, same.items[0].torch)))
        add_build(judge, cause, &ret_any->items[0]);
    return offered || ret_any->count;
}

static bool jetson_build(struct judge *judge, struct cause *cause) {
    const char *l4t = text_of(judge->facts->system.jetson);
    if (!on_jetson(judge))
        return false;
    const char *row = text_starts(l4t, "R36")   ? "jetson-jp6"
                      : text_starts(l4t, "R38") ? "jetson-thor"
                      : text_starts(l4t, "R39") ? "jetson-orin-jp7"
                                                : NULL;
    if (!row || !fix_rows(judge, cause, row, "install-torch", NULL))
        cause_fix(judge, cause,
                  "Install NVIDIA's PyTorch for this JetPack release (wheels and containers are on its page)",
                  NULL);
    cause_see(judge, cause, "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/");
    return true;
}

/* "torch-env", in the working directory: the commands go on from one to the next. */
static void first_python(struct judge *judge, struct cause *cause) {
    struct recommend_question question = question_of(judge);
    struct recommendation any;
    struct cause steps = {0};
    bool windows = on_windows(judge);
    const char *bin = windows ? "torch-env\\Scripts\\python" : "torch-env/bin/python";
    question.python = 312; /* every release of the last years has wheels for it */
    if (knowledge_recommend(judge->options.knowledge, judge->arena, &question, 1, &any) < 0)
        return;
    const struct recommend_build *build = any.count ? &any.items[0] : any.after_driver;
    const char *torch =
        build ? arena_printf(judge->arena, "torch==%s --index-url %s", build->torch, build->index_url) : "torch";
    const char *check =
        arena_printf(judge->arena, "%s -c \"import torch; print(torch.cuda.is_available())\"", bin);
    cause_fix(judge, cause,
              "Install uv, with it a Python in an environment of its own, and PyTorch in that (needs no root)",
              windows ? "winget install --id=astral-sh.uv -e" : "curl -LsSf https://astral.sh/uv/install.sh | sh",
              "uv venv --python 3.12 torch-env",
              arena_printf(judge->arena, "uv pip install --python %s %s", bin, torch), check, NULL);
    if (windows || !fix_rows_here(judge, &steps, "install-python", &(struct fix_values){0}))
        return;
    cause_fix(judge, cause, "With the distribution's Python", steps.fixes.items[0].commands.items[0],
              "python3 -m venv torch-env", arena_printf(judge->arena, "%s -m pip install %s", bin, torch), check,
              NULL)
        ->needs_root = true;
}

bool fix_torch_build(struct judge *judge, struct cause *cause, bool keep_release) {
    struct recommendation any;
    if (!judge->options.knowledge || jetson_build(judge, cause))
        return true;
    if (absent(judge->facts->torch.interpreter) && !python_in_use(judge)) {
        first_python(judge, cause);
        return true;
    }
    if (!offer(judge, cause, keep_release, &any)) {
        const struct recommend_build *later = any.after_least_driver ? any.after_least_driver : any.after_driver;
        if (later) {
            add_build(judge, cause, later);
            if (cause->fixes.count && later->driver_needed) {
                struct fix *fix = &cause->fixes.items[cause->fixes.count - 1];
                fix->title = arena_printf(judge->arena, "%s (after an update of the driver to %s or newer)",
                                          fix->title, later->driver_needed);
            }
        } else if (any.why_none.reason) {
            if (on_arm(judge) && !on_macos(judge) && !on_windows(judge)) {
                cause_fix(judge, cause,
                          "On a Jetson: install NVIDIA's PyTorch for its JetPack release (wheels and containers "
                          "are on its page)",
                          NULL);
                cause_see(judge, cause,
                          "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/");
            }
            cause_fix(judge, cause, arena_printf(judge->arena, "No published build fits: %s", any.why_none.reason),
                      NULL);
        }
        return false;
    }
    return true;
}

void fix_torch_again(struct judge *judge, struct cause *cause) {
    const char *release = release_in_use(judge), *manager = manager_of(judge);
    char variant[16];
    struct needed_cuda needed = match_needed_cuda(judge);
    size_t before = cause->fixes.count;
    if (release && needed.cuda && !text_eq(manager, "conda") && !text_eq(manager, "mamba") &&
        !text_eq(manager, "pixi")) {
        struct fix_values values = {.torch = release, .variant = torch_variant_text(needed.cuda, variant)};
        if (!fix_rows(judge, cause, text_eq(manager, "uv") ? "uv" : "pip",
                      text_eq(manager, "uv") ? "replace-torch" : "reinstall-torch", &values))
            fix_rows(judge, cause, "pip", "reinstall-torch", &values);
    }
    for (size_t i = before; i < cause->fixes.count; i++)
        for (size_t c = 0; c < cause->fixes.items[i].commands.count; c++)
            cause->fixes.items[i].commands.items[c] =
                own_command(judge, cause->fixes.items[i].commands.items[c], NULL);
    if (cause->fixes.count == before)
        cause_fix(judge, cause,
                  text_eq(manager, "poetry")
                      ? "Install torch again in a clean environment; poetry leaves out nvidia-* packages of some "
                        "releases (2.0.1), pip does not"
                      : "Install the same torch again, into a clean environment, with all it depends on",
                  NULL);
}

/* A package that is none of PyTorch's own companions: nothing of PyTorch's is to be changed for it. False: which one
 * it is, is not told. */
static bool foreign_package(struct judge *judge, struct cause *cause, const char *installer) {
    static const struct {
        const char *part, *command; /* after "pip install " */
    } packages[] = {{"flash_attn", "--no-build-isolation --force-reinstall --no-deps --no-cache-dir flash-attn"},
                    {"flash-attn", "--no-build-isolation --force-reinstall --no-deps --no-cache-dir flash-attn"},
                    {"xformers", "--upgrade --no-deps xformers"},
                    {"xFormers", "--upgrade --no-deps xformers"},
                    {"bitsandbytes", "--upgrade bitsandbytes"}};
    char variant[16];
    struct needed_cuda needed = match_needed_cuda(judge);
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
        if (!text_has(cause->summary, packages[i].part))
            continue;
        /* xFormers is on PyTorch's index, one for each CUDA */
        const char *index =
            text_has(packages[i].command, "xformers") && needed.cuda
                ? arena_printf(judge->arena, " --index-url %s",
                               torch_index_url(judge->arena, torch_variant_text(needed.cuda, variant)))
                : "";
        cause_fix(judge, cause, "Install the package anew, built for the torch that is there",
                  arena_printf(judge->arena, "%s install %s%s", installer, packages[i].command, index), NULL);
        return true;
    }
    return false;
}

void fix_companions(struct judge *judge, struct cause *cause) {
    struct package_version version;
    struct torch_release release;
    const char *torch = torch_version(judge), *installer = fix_installer(judge);
    char variant[16];
    struct needed_cuda needed = match_needed_cuda(judge);
    bool told = torch && judge->options.knowledge && package_version_parse(span_of(torch), &version) == 0 &&
                knowledge_torch(judge->options.knowledge, &version, &release) == 0 && release.confirmed &&
                release.vision;
    bool own = text_has(cause->summary, "torchvision") || text_has(cause->summary, "torchaudio") ||
               text_has(cause->summary, "torchtext") || text_has(cause->summary, "torch and ");
    if (!own && foreign_package(judge, cause, installer))
        return;
    if (told && needed.cuda && !is_old_release(release.version)) {
        const char *packages =
            arena_printf(judge->arena, "torchvision==%s%s%s", release.vision, release.audio ? " torchaudio==" : "",
                         release.audio ? release.audio : "");
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "Install the companions that belong to torch %s", release.version),
                  arena_printf(judge->arena, "%s install --force-reinstall --no-deps %s --index-url %s", installer,
                               packages, torch_index_url(judge->arena, torch_variant_text(needed.cuda, variant))),
                  NULL);
    } else {
        cause_fix(
            judge, cause,
            "Install torch, torchvision and torchaudio together, from one index, so that they belong together",
            NULL);
    }
    cause_fix(judge, cause,
              "For another package (flash-attn, xformers, an extension of one's own): its build for this torch "
              "and CUDA, or "
              "compile it anew",
              NULL);
}
