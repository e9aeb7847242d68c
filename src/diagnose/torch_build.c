/* Link 6: is there a PyTorch in the Python that would run, and is it of the kind that knows CUDA? */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"
#include "diagnose/torch.h"
#include "knowledge/compat.h"
#include "knowledge/torch.h"

static void see_install(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://pytorch.org/get-started/locally/");
}

static const char *python_words(struct judge *judge, const struct python_environment *python) {
    if (python && known(python->interpreter))
        return python->interpreter.value;
    if (python && known(python->name))
        return arena_printf(judge->arena, "the environment \"%s\"", python->name.value);
    if (python && known(python->path))
        return python->path.value;
    return "the Python that runs";
}

static void evidence_python(struct judge *judge, struct cause *cause) {
    const struct python_environment *python = python_in_use(judge);
    if (!python)
        return;
    cause_fact(judge, cause, "torch.interpreter", &python->interpreter);
    cause_fact(judge, cause, "torch.python", &python->python);
    if (known(judge->facts->torch.chosen_by))
        cause_fact(judge, cause, "torch.chosen_by", &judge->facts->torch.chosen_by);
}

static bool same_text(const struct text_fact *a, const struct text_fact *b) {
    return a->is.state == b->is.state && (!known(*a) || text_eq(a->value, b->value));
}

static void evidence_build(struct judge *judge, struct cause *cause) {
    const struct python_environment *python = python_in_use(judge);
    const struct compute_facts *compute = &judge->facts->compute;
    /* what PyTorch said, where its files do not say the same */
    if (!python || !text_eq(text_of(compute->torch_version), text_of(python->torch_version)))
        cause_fact(judge, cause, "compute.torch_version", &compute->torch_version);
    if (!python || !known(python->torch_version) || !same_text(&compute->torch_cuda, &python->cuda))
        cause_fact(judge, cause, "compute.torch_cuda", &compute->torch_cuda);
    if (!python)
        return;
    cause_fact(judge, cause, "torch.torch_version", &python->torch_version);
    cause_fact(judge, cause, "torch.build", &python->build);
    if (known(python->torch_version))
        cause_fact(judge, cause, "torch.cuda", &python->cuda);
    if (is_false(python->cuda_library))
        cause_fact(judge, cause, "torch.cuda_library", &python->cuda_library);
    cause_fact(judge, cause, "torch.torch_path", &python->torch_path);
}

/* --- torch-platform-without-cuda ----------------------------------------------------------------------------- */

/* NVIDIA's own builds for Jetson carry its tag, those of conda a build string; PyPI's for aarch64 were for the CPU
 * up to 2.10 and are for servers since. */
static bool is_pypi_build(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    struct package_version version;
    struct torch_build build = {0};
    const char *text = torch_version(judge);
    if (text && package_version_parse(span_of(text), &version) == 0)
        torch_build_of_local(version.local, &build);
    return !build.nvidia[0] && build.kind != TORCH_BUILD_SOURCE &&
           !(python && text_eq(text_of(python->installer), "nvidia-container"));
}

static const char *platform_without_cuda(struct judge *judge) {
    const char *build = torch_build_of(judge);
    bool cpu = text_eq(build, "cpu") || printed(judge, "not_compiled");
    bool none = torch_sees_none(judge) && !build && !judge_found(judge, "container-no-gpu");
    if (on_macos(judge) &&
        (build || torch_sees_none(judge) || printed(judge, "not_compiled") || torch_version(judge)))
        return "For macOS there is no PyTorch with CUDA: Apple's machines have no NVIDIA driver.";
    if (on_jetson(judge) && (cpu || none) && is_pypi_build(judge))
        return "PyTorch came from a general aarch64 build, which has no CUDA for this Jetson: it needs NVIDIA's "
               "own build.";
    if (on_arm(judge) && !on_macos(judge) && (cpu || none) && is_pypi_build(judge))
        return "The PyTorch for aarch64 that is installed has no CUDA: the default build for this platform is for "
               "the CPU.";
    if (text_starts(text_of(judge->facts->system.libc), "musl") &&
        (cpu || printed_about(judge, "pip_no_match", "torch")))
        return "There is no PyTorch with CUDA for musl (Alpine Linux): the builds are for glibc.";
    return NULL;
}

void rule_torch_platform_without_cuda(struct judge *judge) {
    const char *why = cuda_lists_gpus(judge) ? NULL : platform_without_cuda(judge);
    if (!why)
        return;
    bool certain = on_macos(judge) || torch_build_of(judge) || printed(judge, "not_compiled");
    struct cause *cause = judge_find(judge, "torch-platform-without-cuda", certain ? CERTAIN : LIKELY, "%s", why);
    cause_fact(judge, cause, "system.os", &judge->facts->system.os);
    cause_fact(judge, cause, "system.machine", &judge->facts->system.machine);
    cause_fact(judge, cause, "system.jetson", &judge->facts->system.jetson);
    evidence_build(judge, cause);
    evidence_printed(judge, cause, "not_compiled");
    if (is_false(judge->facts->compute.is_available))
        cause_fact(judge, cause, "compute.is_available", &judge->facts->compute.is_available);
    if (on_macos(judge)) {
        cause_fix(judge, cause, "Use Metal, or the CPU: device = torch.device(\"mps\")", NULL);
        cause_see(judge, cause, "https://pytorch.org/docs/stable/notes/mps.html");
    } else {
        fix_torch_build(judge, cause, false);
        see_install(judge, cause);
        if (on_jetson(judge))
            cause_see(judge, cause,
                      "https://docs.nvidia.com/deeplearning/frameworks/install-pytorch-jetson-platform/");
    }
}

/* --- torch-wrong-accelerator --------------------------------------------------------------------------------- */

void rule_torch_wrong_accelerator(struct judge *judge) {
    const char *build = torch_build_of(judge);
    bool rocm = text_eq(build, "rocm") || printed(judge, "no_hip"), xpu = text_eq(build, "xpu");
    const struct gpu_facts *gpu = &judge->facts->gpu;
    bool other_vendors_only = !unknown(gpu->devices) && !gpu->devices.count && gpu->others.count;
    if ((!rocm && !xpu) || other_vendors_only || cuda_lists_gpus(judge))
        return;
    struct cause *cause = judge_find(judge, "torch-wrong-accelerator", gpu_present(judge) ? CERTAIN : LIKELY,
                                     "The installed PyTorch is made for %s, not for NVIDIA GPUs.",
                                     rocm ? "AMD GPUs (ROCm)" : "Intel GPUs (XPU)");
    evidence_build(judge, cause);
    evidence_printed(judge, cause, "no_hip");
    const struct python_environment *python = python_in_use(judge);
    if (python)
        cause_fact(judge, cause, "torch.hip", &python->hip);
    for (size_t i = 0; i < gpu->devices.count; i++)
        cause_fact(judge, cause, "gpu.devices.name", &gpu->devices.items[i].name);
    fix_torch_build(judge, cause, true);
    see_install(judge, cause);
}

/* --- torch-no-wheel-for-python ------------------------------------------------------------------------------- */

static unsigned python_number(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    struct package_version version;
    if (!python || !known(python->python) || package_version_parse(span_of(python->python.value), &version) < 0)
        return 0;
    return version.release[0] * 100 + version.release[1];
}

static bool is_torch_requirement(const char *requirement) {
    struct span span = span_of(requirement);
    static const char *const names[] = {"torch", "torchvision", "torchaudio"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t end = strlen(names[i]);
        if (span_starts(span, names[i]) && (span.len == end || strchr("=<>!~[ ;", span.ptr[end])))
            return true;
    }
    return false;
}

/* The release of "torch==1.13.1+cu117", where the tables know which Pythons it serves. */
static bool release_asked_for(struct judge *judge, const char *requirement, struct torch_release *ret_release) {
    struct span name, version_text;
    struct package_version version;
    span_cut(span_of(requirement), '=', &name, &version_text);
    while (version_text.len && version_text.ptr[0] == '=')
        version_text = span_slice(version_text, 1, version_text.len);
    return span_eq(name, "torch") && version_text.len && judge->options.knowledge &&
           package_version_parse(version_text, &version) == 0 &&
           knowledge_torch(judge->options.knowledge, &version, ret_release) == 0 && ret_release->confirmed &&
           ret_release->python_max;
}

/* Does the release that was asked for lack wheels for this Python? FIT_UNKNOWN where the tables do not know it. */
static enum fit release_lacks_python(struct judge *judge, const char *requirement, unsigned python) {
    struct torch_release release;
    if (!python || !release_asked_for(judge, requirement, &release))
        return FIT_UNKNOWN;
    return python < release.python_min || python > release.python_max ? FIT_YES : FIT_NO;
}

/* The Python to take for the release that was asked for: one before its newest, which wheels of the first day
 * often lack; NULL: not known. */
static const char *python_for(struct judge *judge, const char *requirement, unsigned now) {
    struct torch_release release;
    if (!release_asked_for(judge, requirement, &release))
        return NULL;
    unsigned python = release.python_max > release.python_min ? release.python_max - 1 : release.python_max;
    return python == now ? NULL : arena_printf(judge->arena, "%u.%u", python / 100, python % 100);
}

static void new_environment(struct judge *judge, struct cause *cause, const char *python) {
    cause_fix(judge, cause, "Make an environment with a Python that has builds (uv fetches one)",
              arena_printf(judge->arena, "uv venv --python %s", python), NULL);
}

/* The release and its tag exist; so what pip misses is a wheel of it for this Python or platform. */
static bool is_published(struct judge *judge, const char *requirement) {
    struct package_version version;
    struct torch_release release;
    struct span name, text;
    span_cut(span_of(requirement), '=', &name, &text);
    while (text.len && text.ptr[0] == '=')
        text = span_slice(text, 1, text.len);
    return span_eq(name, "torch") && text.len && judge->options.knowledge &&
           package_version_parse(text, &version) == 0 &&
           knowledge_torch(judge->options.knowledge, &version, &release) == 0 && release.confirmed &&
           (!version.local[0] || texts_have(&release.variants, version.local));
}

/* "…/whl/cu118" of the pip command that failed: does any release on that index have wheels for this Python? */
static enum fit index_lacks_python(struct judge *judge, unsigned python) {
    const struct printed_command *command = typed(judge, "download.pytorch.org/whl/", NULL);
    const struct torch_release *releases;
    size_t count;
    if (!command || !python || !judge->options.knowledge ||
        knowledge_torch_releases(judge->options.knowledge, &releases, &count) < 0)
        return FIT_UNKNOWN;
    struct span text = span_of(text_of(command->text));
    size_t at = span_find(text, "/whl/");
    struct span variant, rest = span_slice(text, at + 5, text.len);
    if (!span_next_word(&rest, &variant))
        return FIT_UNKNOWN;
    bool listed = false;
    for (size_t i = 0; i < count; i++)
        for (size_t v = 0; v < releases[i].variants.count; v++) {
            if (!span_eq(variant, releases[i].variants.items[v]) || !releases[i].python_max)
                continue;
            listed = true;
            if (python >= releases[i].python_min && python <= releases[i].python_max)
                return FIT_NO;
        }
    return listed ? FIT_YES : FIT_UNKNOWN;
}

/* uv and poetry name no requirement; pip's "requires a different Python" names the Python. */
static void no_wheel_by_words(struct judge *judge, unsigned python) {
    const struct printed_message *bare = NULL;
    for (size_t i = 0; i < judge->messages.count && !bare; i++)
        if (text_eq(text_of(judge->messages.items[i].id), "pip_no_match") &&
            !known(judge->messages.items[i].argument))
            bare = &judge->messages.items[i];
    const struct printed_message *different = printed_saying(judge, "requires_python", "torch");
    if (judge_found(judge, "torch-no-wheel-for-python") || (!bare && !different))
        return;
    struct cause *cause =
        judge_find(judge, "torch-no-wheel-for-python", different ? CERTAIN : LIKELY,
                   "There is no build of the PyTorch that was asked for, for %s%s on this platform.",
                   python ? "Python " : "this Python",
                   python ? arena_printf(judge->arena, "%u.%u", python / 100, python % 100) : "");
    cause_message(judge, cause, bare ? bare : different);
    evidence_python(judge, cause);
    fix_torch_build(judge, cause, false);
    new_environment(judge, cause, "3.12");
    see_install(judge, cause);
}

void rule_torch_no_wheel_for_python(struct judge *judge) {
    const struct printed_message_rows *messages = &judge->messages;
    unsigned python = python_number(judge);
    for (size_t i = 0; i < messages->count; i++) {
        const struct printed_message *message = &messages->items[i];
        const char *requirement = text_of(message->argument);
        if (!text_eq(text_of(message->id), "pip_no_match") || !is_torch_requirement(requirement))
            continue;
        if (on_macos(judge) && text_has(requirement, "+cu"))
            continue; /* torch-platform-without-cuda */
        enum fit lacks = release_lacks_python(judge, requirement, python);
        if (lacks == FIT_UNKNOWN)
            lacks = index_lacks_python(judge, python);
        bool none = text_has(text_of(message->second), "none") || !known(message->second);
        if (lacks == FIT_NO && !none && !is_published(judge, requirement))
            continue; /* the Python is served: the version or the tag does not exist */
        enum confidence confidence = lacks == FIT_YES                      ? CERTAIN
                                     : (none && python) || lacks == FIT_NO ? LIKELY
                                                                           : POSSIBLE;
        struct cause *cause =
            judge_find(judge, "torch-no-wheel-for-python", confidence,
                       lacks == FIT_YES ? "There is no build of %s for %s%s."
                                        : "pip found no build of %s for %s%s on this platform.",
                       requirement, python ? "Python " : "this Python",
                       python ? arena_printf(judge->arena, "%u.%u", python / 100, python % 100) : "");
        cause_message(judge, cause, message);
        evidence_python(judge, cause);
        if (cause->fixes.count)
            continue;
        const char *other = python_for(judge, requirement, python);
        if (other) /* a program that names a release wants that one */
            new_environment(judge, cause, other);
        fix_torch_build(judge, cause, false);
        if (!other)
            new_environment(judge, cause, "3.12");
        see_install(judge, cause);
        cause_see(judge, cause, "https://pytorch.org/get-started/previous-versions/");
    }
    if (!on_macos(judge))
        no_wheel_by_words(judge, python);
}

/* --- torch-missing, torch-in-other-env ----------------------------------------------------------------------- */

/* An environment other than the one in use, with a CUDA build. */
static const struct python_environment *other_with_torch(const struct judge *judge) {
    const struct python_environment_rows *rows = &judge->facts->torch.environments;
    for (size_t i = 0; i < rows->count; i++) {
        const struct python_environment *python = &rows->items[i];
        if (is_true(python->in_use) || !known(python->torch_version))
            continue;
        if (text_eq(text_of(python->build), "cuda") || known(python->cuda) || !known(python->build))
            return python;
    }
    return NULL;
}

static bool import_failed(const struct judge *judge) {
    return printed_with(judge, "no_module", "torch") || printed(judge, "torch_not_found");
}

static bool not_in_use(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    return python && absent(python->torch_version);
}

void rule_torch_in_other_env(struct judge *judge) {
    const struct python_environment *other = other_with_torch(judge);
    const struct printed_command *sudo = typed(judge, "sudo ", "python", NULL);
    bool failed = import_failed(judge);
    bool isolated = failed && printed(judge, "build_isolation");
    /* the import failed, and yet a torch was seen at work: another Python has it */
    bool elsewhere = failed && (other || torch_version(judge) || known(judge->facts->compute.is_available));
    bool by_sudo = failed && sudo && (elsewhere || typed(judge, "import torch", NULL));
    if (!isolated && !by_sudo && !elsewhere && !(not_in_use(judge) && other))
        return;
    struct cause *cause =
        isolated
            ? judge_find(judge, "torch-in-other-env", LIKELY,
                         "pip builds the package in an environment of its own, and there is no torch in that one.")
        : by_sudo ? judge_find(judge, "torch-in-other-env", LIKELY,
                               "Under sudo another Python runs, and it has no torch; the user's own has.")
        : other   ? judge_find(judge, "torch-in-other-env", CERTAIN, "%s has no torch; %s has one (%s).",
                               python_words(judge, python_in_use(judge)), python_words(judge, other),
                               other->torch_version.value)
                  : judge_find(judge, "torch-in-other-env", LIKELY,
                               "The Python that runs has no torch; another one has.");
    evidence_printed(judge, cause, "no_module");
    evidence_python(judge, cause);
    if (sudo)
        evidence_typed(judge, cause, sudo);
    if (other) {
        cause_fact(judge, cause, "torch.environments.path", &other->path);
        cause_fact(judge, cause, "torch.environments.torch_version", &other->torch_version);
    }
    if (isolated)
        cause_fix(judge, cause, "Let it build in the environment that has torch",
                  "pip install --no-build-isolation PACKAGE", NULL);
    else if (by_sudo)
        cause_fix(judge, cause, "Run it without sudo, or with the full path of the environment's Python",
                  "sudo $(command -v python) ...", NULL);
    else if (other && known(other->interpreter))
        cause_fix(judge, cause, "Run the program with the Python that has it",
                  arena_printf(judge->arena, "%s -c 'import torch; print(torch.cuda.is_available())'",
                               other->interpreter.value),
                  NULL);
    else
        cause_fix(judge, cause, "Activate the environment that has torch, and see which Python runs then",
                  "python -c \"import sys, torch; print(sys.executable, torch.__file__)\"", NULL);
    if (!isolated)
        fix_torch_build(judge, cause, false);
    see_install(judge, cause);
}

void rule_torch_missing(struct judge *judge) {
    const struct torch_facts *torch = &judge->facts->torch;
    bool failed = import_failed(judge);
    bool no_pip = printed_with(judge, "no_module", "pip") && !torch_version(judge);
    bool refused =
        printed(judge, "externally_managed") && !torch_version(judge) && typed(judge, "install", "torch", NULL);
    bool no_python = !unknown(torch->environments) && !torch->environments.count && absent(torch->interpreter);
    if (judge_found(judge, "torch-in-other-env"))
        return;
    if (!failed && !not_in_use(judge) && !no_pip && !no_python && !refused)
        return;
    const struct python_environment *python = python_in_use(judge);
    struct cause *cause =
        no_python ? judge_find(judge, "torch-missing", CERTAIN, "There is no Python here, so no PyTorch.")
        : no_pip  ? judge_find(judge, "torch-missing", LIKELY,
                               "PyTorch is not installed, and cannot be: this Python has no pip.")
                  : judge_find(judge, "torch-missing",
                              failed || (python && known(python->interpreter)) ? CERTAIN : LIKELY,
                               "PyTorch is not installed in %s.", python_words(judge, python));
    evidence_printed_all(judge, cause, "no_module", "torch_not_found", "externally_managed", NULL);
    evidence_python(judge, cause);
    if (python)
        cause_fact(judge, cause, "torch.torch_version", &python->torch_version);
    if (refused || (python && is_true(python->externally_managed)))
        cause_fix(judge, cause, "The distribution keeps pip out of its own Python: make an environment first",
                  "python3 -m venv ~/torch-env", "~/torch-env/bin/python -m pip install torch", NULL);
    if (no_python)
        cause_fact(judge, cause, "torch.interpreter", &torch->interpreter);
    if (no_pip)
        cause_fix(judge, cause, "Give this Python its pip, or make the environment anew",
                  python && known(python->interpreter)
                      ? arena_printf(judge->arena, "%s -m ensurepip --upgrade", python->interpreter.value)
                      : "python -m ensurepip --upgrade",
                  NULL);
    fix_torch_build(judge, cause, false);
    see_install(judge, cause);
}

/* --- torch-cpu-build ----------------------------------------------------------------------------------------- */

static const char *why_cpu(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    const char *installer = python ? text_of(python->installer) : NULL;
    if (on_windows(judge) && (!installer || text_eq(installer, "pip") || text_eq(installer, "uv")))
        return "; for Windows, PyPI has builds for the CPU only";
    if (text_eq(installer, "conda"))
        return "; the solver took it, for instance because it saw no driver or no CUDA build fitted";
    if (text_eq(installer, "dpkg"))
        return "; the distribution's own package is built without CUDA";
    return "";
}

/* PyPI's wheels for Windows are for the CPU and carry no tag; those of PyTorch's own index carry +cuXYZ. */
static bool is_windows_default(const struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    const char *text = torch_version(judge), *installer = python ? text_of(python->installer) : NULL;
    struct package_version version;
    return on_windows(judge) && text && torch_sees_none(judge) && !torch_build_of(judge) &&
           (!installer || text_eq(installer, "pip") || text_eq(installer, "uv")) &&
           !(python && text_eq(text_of(python->kind), "conda")) &&
           package_version_parse(span_of(text), &version) == 0 && version.phase == PHASE_FINAL &&
           !version.local[0];
}

void rule_torch_cpu_build(struct judge *judge) {
    const struct printed_message *aten = printed_about(judge, "backend_missing", "aten::empty");
    /* CUDA builds for Linux bring NCCL, but for Jetson's */
    bool no_nccl = printed(judge, "no_nccl") && !on_windows(judge) && !on_jetson(judge) && !torch_build_of(judge);
    bool said = printed_any(judge, "not_compiled", "torch_cpu_only_said", NULL) || aten || no_nccl;
    bool assumed = is_windows_default(judge);
    bool cpu = text_eq(torch_build_of(judge), "cpu") || assumed;
    if ((!cpu && !said) || judge_found(judge, "torch-platform-without-cuda") || on_macos(judge) ||
        cuda_lists_gpus(judge))
        return;
    if (text_eq(torch_build_of(judge), "rocm") || text_eq(torch_build_of(judge), "xpu"))
        return;
    const char *version = torch_version(judge);
    struct cause *cause =
        judge_find(judge, "torch-cpu-build", (assumed && !said) || (no_nccl && !cpu) ? LIKELY : CERTAIN,
                   "The installed PyTorch%s%s is a build for the CPU, without CUDA%s.", version ? " " : "",
                   version ? version : "", why_cpu(judge));
    evidence_build(judge, cause);
    evidence_printed(judge, cause, "not_compiled");
    evidence_printed_all(judge, cause, "torch_cpu_only_said", "no_nccl", NULL);
    if (aten)
        cause_message(judge, cause, aten);
    const struct python_environment *other = other_with_torch(judge);
    fix_torch_build(judge, cause, true);
    if (other && known(other->interpreter) && known(other->cuda))
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "Use the environment that has a CUDA build (%s)",
                               other->torch_version.value),
                  arena_printf(judge->arena, "%s -c 'import torch; print(torch.cuda.is_available())'",
                               other->interpreter.value),
                  NULL);
    see_install(judge, cause);
}
