/* Link 6: what else is in the environment: torchvision and the like made for another torch, two CUDAs in one
 * place. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/match.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"
#include "diagnose/torch.h"
#include "knowledge/compat.h"
#include "knowledge/torch.h"

/* --- torch-cuda-mismatch ------------------------------------------------------------------------------------- */

/* nvidia-nccl-cu11 and nvidia-nccl-cu12 install the same files, so the later one overwrites the earlier one's. */
static size_t cuda_suffix(struct span name) {
    for (size_t at = name.len; at-- > 0;)
        if (span_starts(span_slice(name, at, name.len), "-cu"))
            return at;
    return SIZE_MAX;
}

static bool same_component(const char *a, const char *b, int *ret_major_a, int *ret_major_b) {
    struct span x = span_of(a), y = span_of(b);
    size_t at_x = cuda_suffix(x), at_y = cuda_suffix(y);
    int64_t major_x, major_y;
    if (at_x == SIZE_MAX || at_x != at_y || memcmp(a, b, at_x) != 0 || !span_starts(x, "nvidia-"))
        return false;
    if (span_to_number(span_slice(x, at_x + 3, x.len), 10, &major_x) < 0 ||
        span_to_number(span_slice(y, at_y + 3, y.len), 10, &major_y) < 0 || major_x == major_y)
        return false;
    *ret_major_a = (int)major_x;
    *ret_major_b = (int)major_y;
    return true;
}

/* From CUDA 13 on the components share nvidia/cu13/lib; cudnn, cusparselt, nccl and nvshmem keep their own
 * directory, so that only these collide between 12 and 13. */
static bool files_collide(const char *name, int major_a, int major_b) {
    if (major_a < 13 && major_b < 13)
        return true;
    return text_has(name, "nccl") || text_has(name, "cudnn") || text_has(name, "cusparselt") ||
           text_has(name, "nvshmem");
}

struct collision {
    const struct python_package *a, *b;
};

static bool find_collision(const struct python_environment *python, struct collision *ret_collision) {
    for (size_t i = 0; python && i < python->packages.count; i++)
        for (size_t j = i + 1; j < python->packages.count; j++) {
            const struct python_package *a = &python->packages.items[i], *b = &python->packages.items[j];
            int major_a, major_b;
            if (!same_component(text_of(a->name), text_of(b->name), &major_a, &major_b) ||
                !files_collide(text_of(a->name), major_a, major_b))
                continue;
            *ret_collision = (struct collision){a, b};
            return true;
        }
    return false;
}

/* Something of the kind did break: an import error about such a symbol, or the loader's verdict on the files. */
static bool symbol_is_missing(const struct judge *judge, const struct python_environment *python) {
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++)
        if ((text_eq(text_of(messages->items[i].id), "undefined_symbol") &&
             is_library_symbol(text_of(messages->items[i].argument))) ||
            text_eq(text_of(messages->items[i].id), "undefined_nvjitlink"))
            return true;
    for (size_t i = 0; python && i < python->libraries.count; i++)
        if (python->libraries.items[i].undefined.count && !is_true(python->libraries.items[i].foreign))
            return true;
    return printed_any(judge, "cublas_status", "cudnn_init", "cudnn_mismatch", "cudnn_load", NULL) != NULL;
}

/* conda's cudatoolkit of another major than the build's: the build was linked with the first. */
static const struct python_package *other_cudatoolkit(struct judge *judge,
                                                      const struct python_environment *python) {
    const struct python_package *toolkit = package_of(python, "cudatoolkit");
    int build = torch_cuda(judge), runtime = 0;
    if (!toolkit || !known(toolkit->version) || !build || !text_eq(text_of(python->installer), "conda") ||
        cuda_version_parse(span_of(toolkit->version.value), &runtime) < 0)
        return NULL;
    return cuda_major(runtime) != cuda_major(build) ? toolkit : NULL;
}

void rule_torch_cuda_mismatch(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    struct collision collision = {0};
    bool collides = find_collision(python, &collision);
    const struct python_package *toolkit = other_cudatoolkit(judge, python);
    bool failing = symbol_is_missing(judge, python);
    if (torch_worked(judge) || (!collides && !toolkit))
        return;
    struct cause *cause =
        collides ? judge_find(judge, "torch-cuda-mismatch", failing ? CERTAIN : POSSIBLE,
                              "Two CUDAs are mixed in the environment: %s and %s install the same files.",
                              text_of(collision.a->name), text_of(collision.b->name))
                 : judge_find(judge, "torch-cuda-mismatch", LIKELY,
                              "The environment has cudatoolkit %s, and its PyTorch was built for another CUDA.",
                              toolkit->version.value);
    if (!failing)
        cause->role = ROLE_RISK; /* which of the two came last decides; nothing has failed yet */
    if (collides) {
        cause_fact(judge, cause, text_of(collision.a->name), &collision.a->version);
        cause_fact(judge, cause, text_of(collision.b->name), &collision.b->version);
    } else {
        cause_fact(judge, cause, "cudatoolkit", &toolkit->version);
        cause_fact(judge, cause, "torch.cuda", &python->cuda);
    }
    evidence_printed_all(judge, cause, "undefined_symbol", "cublas_status", "cudnn_init", "cudnn_mismatch",
                         "cudnn_load", NULL);
    const char *installer = fix_installer(judge);
    int build = torch_cuda(judge);
    if (collides && installer) {
        int major_a = 0, major_b = 0;
        same_component(text_of(collision.a->name), text_of(collision.b->name), &major_a, &major_b);
        bool keep_b = build ? cuda_major(build) == major_b : major_b > major_a;
        const struct python_package *drop = keep_b ? collision.a : collision.b,
                                    *keep = keep_b ? collision.b : collision.a;
        const char *again = known(keep->version)
                                ? arena_printf(judge->arena, "%s==%s", text_of(keep->name), keep->version.value)
                                : text_of(keep->name);
        cause_fix(judge, cause, "Remove the one of the other CUDA, and install the right one's files again",
                  arena_printf(judge->arena, "%s uninstall %s", installer, text_of(drop->name)),
                  arena_printf(judge->arena, "%s install --force-reinstall --no-deps %s", installer, again), NULL);
    }
    cause_fix(judge, cause, "Start with a clean environment, with one CUDA in it", NULL);
    cause_see(judge, cause, "https://pytorch.org/get-started/locally/");
}

/* --- torch-companion-mismatch -------------------------------------------------------------------------------- */

static bool requirement_met(const char *requirement, const char *version) {
    struct package_version wanted, have;
    struct span text = span_of(requirement);
    while (text.len && strchr("= ", text.ptr[0]))
        text = span_slice(text, 1, text.len);
    struct span exact = span_trim(text);
    if (!span_starts(span_of(requirement), "==") || span_has(exact, "*") || span_has(exact, ",") ||
        package_version_parse(exact, &wanted) < 0 || package_version_parse(span_of(version), &have) < 0)
        return true; /* only an exact requirement is judged */
    return package_version_same_release(&wanted, &have);
}

static bool built_for_same(const char *built_for, const char *torch) {
    struct package_version a, b;
    return package_version_parse(span_of(built_for), &a) < 0 || package_version_parse(span_of(torch), &b) < 0 ||
           package_version_same_release(&a, &b);
}

struct misfit {
    const struct python_package *package;
    const char *why;
};

static bool table_says_other_release(struct judge *judge, const struct python_package *package, const char *torch,
                                     const char **ret_for) {
    struct package_version version, have, made_for;
    bool exact;
    if (!judge->options.knowledge || !known(package->version) ||
        package_version_parse(span_of(package->version.value), &version) < 0 ||
        package_version_parse(span_of(torch), &have) < 0 || have.phase != PHASE_FINAL ||
        version.phase != PHASE_FINAL ||
        knowledge_companion(judge->options.knowledge, text_of(package->name), &version, &made_for, &exact) < 0)
        return false;
    char release[48];
    *ret_for = arena_copy(judge->arena, package_version_release_text(&made_for, release));
    return exact ? !package_version_same_release(&made_for, &have) : package_version_compare(&have, &made_for) < 0;
}

/* A companion that says itself for which torch, or whose CUDA differs in its major, or is none beside a CUDA
 * torch. */
static bool find_misfit(struct judge *judge, const struct python_environment *python, struct misfit *ret_misfit) {
    static const char *const names[] = {"torchvision", "torchaudio", "detectron2", "mmcv", "mmcv-full"};
    const char *torch = torch_version(judge), *made_for = NULL;
    int cuda = torch_cuda(judge);
    for (size_t i = 0; torch && python && i < sizeof names / sizeof *names; i++) {
        const struct python_package *package = package_of(python, names[i]);
        int own = 0;
        if (!package)
            continue;
        if (known(package->cuda))
            cuda_version_parse(span_of(package->cuda.value), &own);
        const char *why = NULL;
        if (known(package->built_for) && !built_for_same(package->built_for.value, torch))
            why = arena_printf(judge->arena, "it was compiled against torch %s", package->built_for.value);
        else if (known(package->requires_torch) && !requirement_met(package->requires_torch.value, torch))
            why = arena_printf(judge->arena, "it requires torch%s", package->requires_torch.value);
        else if (!known(package->requires_torch) && table_says_other_release(judge, package, torch, &made_for))
            why = arena_printf(judge->arena, "it belongs to torch %s", made_for);
        else if (own && cuda && cuda_major(own) != cuda_major(cuda))
            why = arena_printf(judge->arena, "it was built for CUDA %s", package->cuda.value);
        else if (cuda && absent(package->cuda) && text_eq(names[i], "torchvision"))
            why = "it was built for the CPU";
        if (!why)
            continue;
        *ret_misfit = (struct misfit){package, why};
        return true;
    }
    return false;
}

static bool cpp_symbol_of_torch(const char *symbol) {
    return text_starts(symbol, "_Z") &&
           (text_has(symbol, "c10") || text_has(symbol, "2at") || text_has(symbol, "5torch") ||
            text_has(symbol, "3c10") || text_has(symbol, "at4_ops"));
}

/* A loader's error in somebody else's library that was made for another PyTorch. */
static const struct printed_message *foreign_extension_fails(struct judge *judge) {
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++) {
        const struct printed_message *message = &messages->items[i];
        const char *id = text_of(message->id), *what = text_of(message->argument), *who = text_of(message->second);
        bool other_file = who && *who && !wanted_by_torch(who), own_file = who && *who && wanted_by_torch(who);
        if (text_eq(id, "dll_missing") && (other_file || is_misfit_module(message)))
            return message;
        if (text_eq(id, "undefined_symbol") && ((cpp_symbol_of_torch(what) && !own_file) || other_file))
            return message;
        if ((text_eq(id, "library_missing") || text_eq(id, "lib_missing")) &&
            is_extensions_library(judge, message))
            return message;
        if ((text_eq(id, "library_missing") || text_eq(id, "lib_missing")) &&
            (is_split_torch_library(what) || ((text_starts(what, "libtorch") || text_starts(what, "libc10")) &&
                                              who && *who && !wanted_by_torch(who))))
            return message;
        /* torch was imported before it, and a torch of that CUDA would have brought the library */
        bool packaged = text_has(who, "site-packages") || text_has(who, "dist-packages") || torch_version(judge);
        if ((text_eq(id, "library_missing") || text_eq(id, "lib_missing")) && text_starts(what, "libcudart") &&
            who && *who && !wanted_by_torch(who) && packaged)
            return message;
    }
    return NULL;
}

/* "Could not run 'torchvision::nms' with arguments from the 'CUDA' backend": an operator of a package beside
 * torch. The same of an aten operator is a build without CUDA, of a quantized one a limit of PyTorch. */
static const struct printed_message *operator_without_cuda(const struct judge *judge) {
    const struct printed_message *own = printed(judge, "op_backend_missing");
    for (size_t i = 0; i < judge->messages.count; i++) {
        const struct printed_message *message = &judge->messages.items[i];
        const char *name = text_of(message->argument);
        if (text_eq(text_of(message->id), "backend_missing") && name && !text_starts(name, "aten::") &&
            !text_starts(name, "quantized::") && !text_starts(name, "prims::"))
            return message;
    }
    return own;
}

/* Torch has code for this GPU, and a launch of a user's program failed for want of code: a module beside torch
 * made it. */
static bool extension_lacks_code(struct judge *judge) {
    bool refused = from_text(judge) && (cuda_said(judge, 98) || cuda_said(judge, 209));
    struct gpu_views views = refused ? gpus(judge) : (struct gpu_views){0};
    struct code_list code = refused ? match_code(judge) : (struct code_list){0};
    for (size_t i = 0; i < views.count; i++)
        if (match_gpu(judge, &code, &views.items[i]).fit != FIT_YES)
            return false;
    return views.count && !code.published;
}

static struct cause *companion_by_versions(struct judge *judge) {
    const struct printed_message *differ = printed(judge, "companion_cuda_mismatch"),
                                 *xformers = printed(judge, "xformers_built_for");
    if (differ && text_of(differ->argument) && text_of(differ->second)) {
        /* the table's expression has the package and torch's CUDA; both CUDAs where the first is a number */
        bool numbers = differ->argument.value[0] >= '0' && differ->argument.value[0] <= '9';
        return judge_find(
            judge, "torch-companion-mismatch", CERTAIN,
            numbers ? "torch was built for CUDA %s and torchvision for CUDA %s: they must be of one kind."
                    : "%s was built for another CUDA than torch, which is for CUDA %s.",
            differ->argument.value, differ->second.value);
    }
    if (differ)
        return judge_find(judge, "torch-companion-mismatch", CERTAIN,
                          "torch and torchvision were built for different CUDAs.");
    if (xformers)
        return judge_find(
            judge, "torch-companion-mismatch", CERTAIN,
            "xFormers was built for %s%s%s than the one installed%s%s%s.",
            text_of(xformers->argument) ? "torch " : "another torch",
            text_of(xformers->argument) ? xformers->argument.value : "",
            text_of(xformers->argument) ? ", another one" : "", text_of(xformers->second) ? " (" : "",
            text_of(xformers->second) ? xformers->second.value : "", text_of(xformers->second) ? ")" : "");
    return NULL;
}

/* Packages whose releases differ by torch and CUDA, or come with and without their compiled half. */
static bool is_companion_module(const char *module) {
    static const char *const starts[] = {
        "mmcv",          "torchvision", "torchaudio",        "detectron2", "pytorch3d", "xformers", "apex",
        "amp_C",         "fused_",      "flash_attn",        "torch_",     "spconv",    "mmdet3d",  "pointnet2",
        "groundingdino", "MultiScale",  "maskrcnn_benchmark"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (text_starts(module, starts[i]))
            return true;
    return false;
}

/* "No module named 'mmcv._ext'", "'flash_attn_2_cuda'": the Python half of a package is there and its compiled
 * half is not, since it was installed without CUDA or built for another torch. */
static const struct printed_message *compiled_half_missing(const struct judge *judge) {
    static const char *const endings[] = {"._C", "._ext", "_cuda", ".cuda_ext", "_CUDA", "_cuda_kernels", "amp_C"};
    for (size_t i = 0; i < judge->messages.count; i++) {
        const struct printed_message *message = &judge->messages.items[i];
        const char *module = text_of(message->argument);
        const char *who = text_of(message->second);
        if (text_eq(text_of(message->id), "ext_not_built") && !(who && *who && wanted_by_torch(who)))
            return message;
        for (size_t k = 0; text_eq(text_of(message->id), "no_module") && k < sizeof endings / sizeof *endings; k++)
            if (text_ends(module, endings[k]) && is_companion_module(module))
                return message;
    }
    return NULL;
}

static struct cause *companion_by_words(struct judge *judge) {
    const struct printed_message *backend = operator_without_cuda(judge), *op = printed(judge, "op_missing"),
                                 *extension = foreign_extension_fails(judge);
    struct cause *versions = companion_by_versions(judge);
    if (versions)
        return versions;
    if (backend)
        return judge_find(
            judge, "torch-companion-mismatch", LIKELY,
            "%s has no CUDA code: the package it belongs to was built for the CPU, or for another torch.",
            text_of(backend->argument) ? text_of(backend->argument) : "An operator");
    if (op)
        return judge_find(judge, "torch-companion-mismatch", LIKELY,
                          "%s is not there: its package was built for another release of torch.",
                          text_of(op->argument) ? text_of(op->argument) : "An operator");
    if (extension)
        return judge_find(judge, "torch-companion-mismatch", LIKELY,
                          "%s was built for another release of PyTorch than the one installed (%s).",
                          text_of(extension->second) && *text_of(extension->second)
                              ? text_basename(text_of(extension->second))
                              : "An extension module",
                          text_of(extension->argument) ? text_of(extension->argument) : "a symbol is missing");
    const struct printed_message *half = compiled_half_missing(judge),
                                 *source = printed(judge, "old_torch_source");
    if (half) {
        const char *what = text_of(half->argument);
        struct cause *cause =
            judge_find(judge, "torch-companion-mismatch", LIKELY,
                       "The compiled part of %s is not there: it was installed without it, or for another torch.",
                       what && *what ? what : "a package");
        if (text_eq(text_of(half->id), "no_module"))
            cause_message(judge, cause, half);
        return cause;
    }
    if (source)
        return judge_find(judge, "torch-companion-mismatch", LIKELY,
                          "The extension's source is for an older PyTorch than the one installed: it uses %s.",
                          text_of(source->argument) ? text_of(source->argument) : "what PyTorch has dropped");
    if (printed(judge, "torchtext_symbol"))
        return judge_find(judge, "torch-companion-mismatch", LIKELY,
                          "A companion's library cannot be loaded: it was built for another torch.");
    if (extension_lacks_code(judge))
        return judge_find(judge, "torch-companion-mismatch", LIKELY,
                          "PyTorch has code for this GPU; a module beside it (an extension) has none.");
    if (printed_any(judge, "bnb_setup", "bnb_optim", NULL) ||
        (printed(judge, "bnb_no_gpu") && cuda_lists_gpus(judge)))
        return judge_find(judge, "torch-companion-mismatch", POSSIBLE,
                          "bitsandbytes has no library for this PyTorch's CUDA, or does not find it.");
    return NULL;
}

/* pip's warning alone: nothing has failed yet. */
static struct cause *companion_by_pip(struct judge *judge) {
    const struct printed_message *conflict = printed(judge, "pip_conflict");
    if (!conflict || !text_of(conflict->argument))
        return NULL;
    struct cause *cause = judge_find(
        judge, "torch-companion-mismatch", LIKELY, "%s wants another torch than the one installed: %s.",
        conflict->argument.value, text_of(conflict->second) ? conflict->second.value : "see pip's words");
    if (judge->out->causes.count > 1 || !printed(judge, "python_error"))
        cause->role = ROLE_RISK;
    return cause;
}

void rule_torch_companion_mismatch(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    struct misfit misfit = {0};
    struct cause *cause = companion_by_words(judge);
    bool misfits = find_misfit(judge, python, &misfit);
    if (!cause && misfits) {
        cause = judge_find(judge, "torch-companion-mismatch", LIKELY, "%s %s does not go with torch %s: %s.",
                           text_of(misfit.package->name),
                           text_of(misfit.package->version) ? text_of(misfit.package->version) : "",
                           torch_version(judge), misfit.why);
        bool refused = from_text(judge) && (cuda_said(judge, 98) || cuda_said(judge, 209));
        if (!(refused && known(misfit.package->cuda))) /* its code is of another CUDA's GPUs */
            cause->role = ROLE_RISK;                   /* torch itself works; importing the companion breaks */
    }
    if (!cause)
        cause = companion_by_pip(judge);
    if (!cause)
        return;
    evidence_printed_all(judge, cause, "backend_missing", "torchtext_symbol", "bnb_setup", "bnb_optim",
                         "bnb_no_gpu", "dll_missing", "pip_conflict", NULL);
    evidence_cuda(judge, cause, 98);
    static const char *const ids[] = {
        "companion_cuda_mismatch", "xformers_built_for", "op_backend_missing", "op_missing",
        "undefined_symbol",        "library_missing",    "lib_missing",        "ext_not_built",
        "old_torch_source"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        evidence_printed(judge, cause, ids[i]);
    if (python)
        cause_fact(judge, cause, "torch.torch_version", &python->torch_version);
    if (misfits) {
        cause_fact(judge, cause, text_of(misfit.package->name), &misfit.package->version);
        cause_fact(judge, cause, "torch.packages.cuda", &misfit.package->cuda);
    }
    fix_companions(judge, cause);
    cause_see(judge, cause, "https://pytorch.org/get-started/previous-versions/");
}
