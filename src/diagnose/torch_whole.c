/* Link 6: is the PyTorch that is imported the one that was meant, and are its files and libraries whole? */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"
#include "diagnose/torch.h"

static void see_issues(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://pytorch.org/get-started/locally/");
}

/* --- torch-shadowed ------------------------------------------------------------------------------------------ */

static bool is_user_site(const char *path) {
    return text_has(path, "/.local/lib/python") || text_has_nocase(path, "\\AppData\\Roaming\\Python\\") ||
           text_has(path, "/Library/Python/");
}

static bool under(const char *path, const char *directory) {
    return path && directory && *directory && text_starts(path, directory);
}

/* An environment of its own (conda, venv), whose Python takes torch from the user's site-packages. */
static bool from_user_site(const struct python_environment *python) {
    const char *kind = text_of(python->kind), *at = text_of(python->torch_path);
    bool own = text_eq(kind, "conda") || text_eq(kind, "venv") || text_eq(kind, "uv") || text_eq(kind, "poetry");
    return own && is_user_site(at) && !under(at, text_of(python->path));
}

static bool is_module_file(const char *path) {
    return text_ends(path, "torch.py") || text_ends(path, "torch/__init__.py") || text_ends(path, "/torch");
}

/* Names that every torch has. */
static bool every_torch_has(const char *attribute) {
    static const char *const names[] = {"tensor", "Tensor",      "cuda",    "nn",          "device",     "load",
                                        "save",   "__version__", "randn",   "rand",        "float32",    "ones",
                                        "zeros",  "no_grad",     "version", "FloatTensor", "manual_seed"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq(attribute, names[i]))
            return true;
    return false;
}

/* What Python says when "torch" is something else: a file of that name, or PyTorch's own source directory. */
static const struct printed_message *not_the_real_torch(const struct judge *judge) {
    const struct printed_message *attribute = printed(judge, "torch_attribute");
    if (printed(judge, "c_extension"))
        return printed(judge, "c_extension");
    if (printed_saying(judge, "circular_torch", "torch"))
        return printed_saying(judge, "circular_torch", "torch");
    return attribute && every_torch_has(text_of(attribute->argument)) ? attribute : NULL;
}

static bool shadowed_by_words(struct judge *judge) {
    const struct printed_message *message = not_the_real_torch(judge);
    if (!message)
        return false;
    bool source = text_eq(text_of(message->id), "c_extension");
    struct cause *cause = judge_find(
        judge, "torch-shadowed", source ? CERTAIN : LIKELY, "%s",
        source ? "Python runs in PyTorch's source directory and takes the torch folder there for the package."
               : "What is imported as torch is not PyTorch: a file or directory of that name comes first.");
    cause_message(judge, cause, message);
    cause_fix(judge, cause, "See which file it is, then rename it, or start Python from another directory",
              "python -c \"import torch; print(torch.__file__, torch.__path__)\"", NULL);
    cause_see(judge, cause, "https://docs.python.org/3/tutorial/modules.html#the-module-search-path");
    return true;
}

void rule_torch_shadowed(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    if (cuda_lists_gpus(judge) || shadowed_by_words(judge) || !python)
        return;
    const char *by = text_of(python->shadowed_by);
    bool user_site = from_user_site(python) || is_user_site(by);
    bool local = by && !user_site && is_module_file(by);
    /* a copy that comes first and has CUDA does its work; what it hides is a note */
    bool works =
        text_eq(torch_build_of(judge), "cuda") && !known(python->import_error) && !local && !from_text(judge);
    if ((!by && !user_site) || works)
        return;
    const char *what = by ? by : text_of(python->torch_path);
    struct cause *cause =
        judge_find(judge, "torch-shadowed", by ? CERTAIN : LIKELY, "Another torch hides the environment's: %s%s.",
                   what, user_site ? " (the user's own site-packages)" : "");
    cause_fact(judge, cause, "torch.shadowed_by", &python->shadowed_by);
    cause_fact(judge, cause, "torch.torch_path", &python->torch_path);
    if (known(python->shadowed_version))
        cause_fact(judge, cause, "torch.shadowed_version", &python->shadowed_version);
    cause_fact(judge, cause, "torch.path", &python->path);
    if (local) {
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "Rename %s: a file or directory of that name hides PyTorch", by),
                  NULL);
    } else {
        cause_fix(judge, cause, "Leave the user's site-packages out, to see that it helps",
                  on_windows(judge) ? "set PYTHONNOUSERSITE=1" : "export PYTHONNOUSERSITE=1", NULL);
        const char *version = text_of(python->python);
        cause_fix(judge, cause, "Then remove torch from there, with the Python that installed it",
                  on_windows(judge) || !version
                      ? "python -m pip uninstall torch torchvision torchaudio"
                      : arena_printf(judge->arena, "python%.*s -m pip uninstall torch torchvision torchaudio",
                                     (int)strcspn(strchr(version, '.') ? strchr(version, '.') + 1 : version, ".") +
                                         (int)(strchr(version, '.') ? strchr(version, '.') + 1 - version : 0),
                                     version),
                  NULL);
    }
    cause_see(judge, cause, "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONNOUSERSITE");
}

/* --- torch-install-broken ------------------------------------------------------------------------------------ */

/* Libraries that the wheel itself or its nvidia-* wheels bring. libtorch_cuda_cu and _cpp are of 1.10 to 1.12
 * only, so another release does not miss them: an extension does (torch-companion-mismatch). */
static bool is_own_library(const char *name) {
    static const char *const starts[] = {
        "libcudart",   "libcublas",   "libcudnn", "libnvrtc",   "libcupti",  "libcufft",     "libcurand",
        "libcusolver", "libcusparse", "libnccl",  "libnvshmem", "libcufile", "libnvJitLink", "libnvToolsExt",
        "libnvtx",     "libtorch",    "libc10",   "libshm",     "libgomp",   "caffe2",       "torch_",
        "fbgemm",      "shm.dll",     "c10",      "asmjit",     "uv.dll",    "cudnn",        "cublas",
        "nvToolsExt",  "cusparse",    "cufft",    "curand",     "cusolver",  "nvrtc",        "zlibwapi",
        "libmkl_",     "libiomp5",    "libmagma"};
    const char *base = text_basename(name ? name : "");
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (text_starts(base, starts[i]))
            return true;
    return false;
}

bool is_split_torch_library(const char *name) {
    return text_has(name, "libtorch_cuda_cu.so") || text_has(name, "libtorch_cuda_cpp.so");
}

/* The file that asks lies in torch or among its CUDA wheels; where nobody is named, torch's import is meant. */
bool wanted_by_torch(const char *file) {
    if (!file || !*file)
        return true;
    const char *base = text_basename(file);
    static const char *const companions[] = {"libtorchaudio", "libtorchtext", "libtorchvision", "libtorchcodec"};
    for (size_t i = 0; i < sizeof companions / sizeof *companions; i++)
        if (text_starts(base, companions[i]))
            return false;
    return text_has(file, "/torch/lib/") || text_has(file, "\\torch\\lib\\") || text_has(file, "/torch/_C") ||
           text_has(file, "torch/__init__") || text_has(file, "torch\\__init__") || text_has(file, "/nvidia/") ||
           text_starts(base, "libtorch") || text_starts(base, "libc10") || text_starts(base, "libcu") ||
           text_starts(base, "libnv") || text_starts(base, "libnccl") || text_eq(file, "torch");
}

static bool span_after(struct span text, const char *prefix, struct span *ret_rest) {
    if (!span_starts(text, prefix))
        return false;
    *ret_rest = span_slice(text, strlen(prefix), text.len);
    return true;
}

/* Libraries of CUDA carry its major: "libcudart.so.10.2", "libcublas.so.12". */
static int cuda_major_of_library(const char *name) {
    static const char *const carriers[] = {"libcudart.so.", "libcublas.so.", "libcublasLt.so.", "libnvrtc.so."};
    struct span rest, text = span_of(name);
    int64_t number;
    for (size_t i = 0; i < sizeof carriers / sizeof *carriers; i++)
        if (span_after(text, carriers[i], &rest)) {
            size_t end = 0;
            while (end < rest.len && rest.ptr[end] >= '0' && rest.ptr[end] <= '9')
                end++;
            return span_to_number(span_slice(rest, 0, end), 10, &number) == 0 ? (int)number : 0;
        }
    return 0;
}

/* What is missing is an extension's need and not PyTorch's: libc10_cuda and libtorch_cuda are torch's own, which
 * it finds beside itself, so that only a build for the CPU lacks them; a plain libcudart.so.10.2 is asked for by
 * no wheel of PyTorch (up to CUDA 10.2 they bring it under a name with a hash) and by none of another CUDA. */
bool is_extensions_library(struct judge *judge, const struct printed_message *message) {
    const char *library = text_of(message->argument), *who = text_of(message->second);
    if (who && *who)
        return false; /* the file that asks tells */
    if (text_starts(library, "libc10_cuda.so") || text_starts(library, "libtorch_cuda.so"))
        return true;
    const struct python_environment *python = python_in_use(judge);
    bool conda = python && (text_eq(text_of(python->installer), "conda") || package_of(python, "cudatoolkit"));
    int major = cuda_major_of_library(library), torch = cuda_major(torch_cuda(judge));
    return major && ((torch && major != torch) || (!torch && major <= 10 && !conda));
}

static const struct printed_message *missing_own_library(struct judge *judge) {
    static const char *const ids[] = {"library_missing", "lib_missing", "lib_not_in_syspath", "dll_missing"};
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++) {
        const struct printed_message *message = &messages->items[i];
        const char *library = text_of(message->argument);
        bool right_id = false;
        for (size_t j = 0; j < sizeof ids / sizeof *ids; j++)
            right_id |= text_eq(text_of(message->id), ids[j]);
        if (right_id && is_own_library(library) && !is_split_torch_library(library) &&
            !is_extensions_library(judge, message) && wanted_by_torch(text_of(message->second)))
            return message;
    }
    return NULL;
}

/* "DLL load failed while importing _C: The specified procedure could not be found": an extension that was linked
 * against another torch. A DLL of torch's own is named with its path. */
bool is_misfit_module(const struct printed_message *message) {
    return text_has(text_of(message->text), "DLL load failed while importing") &&
           text_has(text_of(message->text), "procedure could not be found");
}

/* A library that is there and cannot be loaded: cut short, of another word size, or one of its own needs is
 * missing. */
static const struct printed_message *unloadable_library(const struct judge *judge) {
    for (size_t i = 0; i < judge->messages.count; i++) {
        const struct printed_message *message = &judge->messages.items[i];
        const char *id = text_of(message->id), *what = text_of(message->argument), *text = text_of(message->text);
        if (text_eq(id, "file_short") && is_own_library(what) && !text_has(what, "libcuda.so"))
            return message;
        const char *who = text_of(message->second);
        /* PyTorch's own halves do not fit: files of two installations */
        if (text_eq(id, "undefined_symbol") && text_starts(what, "_Z") && who && *who && wanted_by_torch(who))
            return message;
        if (text_eq(id, "dll_missing") && ((who && *who && !wanted_by_torch(who)) || is_misfit_module(message)))
            continue;
        if (text_eq(id, "dll_missing") && !text_has(text, "1455") &&
            (text_has(text, "torch\\lib") || text_has(text, "torch/lib") || text_has(text, "_C") ||
             text_has(text, "WinError")))
            return message;
        if (text_eq(id, "cudnn_load") &&
            (text_has_nocase(text, "could not load library") || text_has(text, "Unable to load any")))
            return message;
    }
    return NULL;
}

static const struct torch_library *library_not_found(const struct python_environment *python) {
    for (size_t i = 0; python && i < python->libraries.count; i++) {
        const struct torch_library *library = &python->libraries.items[i];
        if (absent(library->path) && !text_starts(text_of(library->name), "libcuda.so") &&
            !text_starts(text_of(library->name), "libnvidia-"))
            return library;
    }
    return NULL;
}

static const char *first_of(const struct texts_fact *list) {
    return list->count ? list->items[0] : NULL;
}

static struct cause *broken_by_files(struct judge *judge, const struct python_environment *python) {
    const char *package = first_of(&python->missing_packages), *damaged = first_of(&python->damaged_files);
    const char *missing = first_of(&python->missing_files);
    const struct torch_library *library = library_not_found(python);
    if (damaged)
        return judge_find(judge, "torch-install-broken", CERTAIN, "PyTorch's file %s is cut short or damaged.",
                          text_basename(damaged));
    if (library)
        return judge_find(
            judge, "torch-install-broken", CERTAIN, "PyTorch's library %s is missing%s%s.", text_of(library->name),
            package ? ", for the package that brings it is not installed: " : "", package ? package : "");
    if (missing && (text_has(missing, ".so") || text_has(missing, ".dll") || text_has(missing, ".py")))
        return judge_find(judge, "torch-install-broken", CERTAIN,
                          "PyTorch's installation is not whole: %s is missing.", text_basename(missing));
    if (python->leftovers.count && known(python->import_error))
        return judge_find(judge, "torch-install-broken", LIKELY,
                          "PyTorch was installed or removed by halves: %s is left over.",
                          text_basename(python->leftovers.items[0]));
    if (is_false(python->cuda_library) && text_eq(text_of(python->build), "cuda"))
        return judge_find(judge, "torch-install-broken", CERTAIN,
                          "PyTorch says it is a CUDA build, but its CUDA library (libtorch_cuda) is missing.");
    return NULL;
}

void rule_torch_install_broken(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    if (torch_worked(judge))
        return;
    struct cause *cause = python ? broken_by_files(judge, python) : NULL;
    const struct printed_message *message = missing_own_library(judge), *damaged = printed(judge, "wheel_damaged");
    if (!cause && damaged)
        cause = judge_find(judge, "torch-install-broken", CERTAIN, "The downloaded PyTorch is damaged%s%s.",
                           text_of(damaged->argument) ? ": " : "",
                           text_of(damaged->argument) ? text_of(damaged->argument) : "");
    if (!cause && message)
        cause = judge_find(judge, "torch-install-broken", LIKELY,
                           "PyTorch does not find its library %s: its installation is not whole.",
                           text_basename(text_of(message->argument)));
    const struct printed_message *unloadable = unloadable_library(judge);
    if (!cause && unloadable)
        cause = judge_find(judge, "torch-install-broken", LIKELY, "A library of PyTorch cannot be loaded%s%s.",
                           text_of(unloadable->argument) && *text_of(unloadable->argument) ? ": " : "",
                           text_of(unloadable->argument) ? text_basename(text_of(unloadable->argument)) : "");
    const struct printed_message *unbuilt = printed(judge, "ext_not_built");
    bool own = unbuilt && text_of(unbuilt->second) && *text_of(unbuilt->second) &&
               wanted_by_torch(text_of(unbuilt->second)); /* "name '_C' is not defined" in torch/__init__.py */
    if (!cause && (own || printed(judge, "torch_half")))
        cause = judge_find(judge, "torch-install-broken", LIKELY,
                           "What is imported as torch is not a whole PyTorch: its own files are missing from it.");
    if (!cause && printed(judge, "broken_build"))
        cause =
            judge_find(judge, "torch-install-broken", LIKELY, "PyTorch's files are mixed from two installations.");
    if (!cause)
        return;
    static const char *const ids[] = {"wheel_damaged",      "library_missing", "lib_missing",
                                      "lib_not_in_syspath", "dll_missing",     "broken_build"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        evidence_printed(judge, cause, ids[i]);
    evidence_printed_all(judge, cause, "file_short", "cudnn_load", "undefined_symbol", "torch_half", NULL);
    if (python) {
        cause_fact(judge, cause, "torch.torch_version", &python->torch_version);
        cause_fact(judge, cause, "torch.torch_path", &python->torch_path);
        for (size_t i = 0; i < python->missing_packages.count && i < 6; i++)
            cause_evidence(judge, cause, "torch.missing_packages", python->missing_packages.items[i],
                           python->missing_packages.is.source);
        for (size_t i = 0; i < python->missing_files.count && i < 6; i++)
            cause_evidence(judge, cause, "torch.missing_files", python->missing_files.items[i],
                           python->missing_files.is.source);
        for (size_t i = 0; i < python->damaged_files.count && i < 6; i++)
            cause_evidence(judge, cause, "torch.damaged_files", python->damaged_files.items[i],
                           python->damaged_files.is.source);
    }
    if (text_has(python ? text_of(python->torch_path) : NULL, "/lib64/"))
        cause_fix(judge, cause,
                  "Where lib64 of the environment is a directory of its own, make it a link to lib (python -m "
                  "venv does)",
                  NULL);
    if (printed(judge, "dll_missing"))
        cause_fix(judge, cause,
                  "Install the Microsoft Visual C++ 2015-2022 redistributable (x64), which PyTorch's DLLs need",
                  NULL);
    fix_torch_again(judge, cause);
    see_issues(judge, cause);
}

/* --- torch-library-shadowed ---------------------------------------------------------------------------------- */

/* Symbols of CUDA's libraries and of MKL's profiler hooks, which torch expects of the very copy it was built with.
 */
bool is_library_symbol(const char *symbol) {
    static const char *const starts[] = {"__nvJitLink", "nvJitLink", "cublas", "cusparse", "cusolver", "cudnn",
                                         "cufft",       "curand",    "nvrtc",  "cudart",   "__cuda",   "cuda",
                                         "nccl",        "nvshmem",   "iJIT_",  "cupti",    "mkl_"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (text_starts(symbol, starts[i]))
            return true;
    return false;
}

/* An environment's newer modules meet an older libstdc++ that comes first. GLIBC itself is the system's age, not a
 * copy. */
static bool is_cpp_library(const struct printed_message *message) {
    const char *text = text_of(message->text);
    return text_eq(text_of(message->id), "symbol_version") &&
           (text_has(text, "GLIBCXX_") || text_has(text, "CXXABI_"));
}

static const struct printed_message *undefined_in_torch(const struct judge *judge) {
    static const char *const ids[] = {"undefined_symbol", "undefined_nvjitlink", "iJIT"};
    const struct printed_message_rows *messages = &judge->messages;
    for (size_t i = 0; i < messages->count; i++) {
        const struct printed_message *message = &messages->items[i];
        const char *id = text_of(message->id), *symbol = text_of(message->argument);
        if (text_eq(id, ids[1]) || text_eq(id, ids[2]))
            return message;
        if (text_eq(id, ids[0]) && is_library_symbol(symbol) && wanted_by_torch(text_of(message->second)))
            return message;
        if (text_eq(id, "symbol_version") &&
            (text_has(text_of(message->text), "libcu") || text_has(text_of(message->text), "libnv") ||
             is_cpp_library(message)))
            return message;
        if (text_eq(id, "cudnn_load") && text_has_nocase(text_of(message->text), "symbol"))
            return message;
        /* cuBLAS refuses a valid call when its two halves are of different releases */
        if (text_eq(id, "cublas_status") && text_has(text_of(message->text), "INVALID_VALUE") &&
            (typed(judge, "unset LD_LIBRARY_PATH", NULL) || variable_of(judge, "LD_LIBRARY_PATH")))
            return message;
    }
    return NULL;
}

/* A library that is taken from elsewhere, and that leaves symbols undefined. */
static const struct torch_library *clashing_library(const struct python_environment *python) {
    for (size_t i = 0; python && i < python->libraries.count; i++)
        if (python->libraries.items[i].undefined.count)
            return &python->libraries.items[i];
    return NULL;
}

static const struct torch_library *foreign_library(const struct python_environment *python) {
    for (size_t i = 0; python && i < python->libraries.count; i++)
        if (is_true(python->libraries.items[i].foreign))
            return &python->libraries.items[i];
    return NULL;
}

/* Two CUDA majors of one package write the same directory: torch-cuda-mismatch names that better. */
static bool same_package_twice(const struct judge *judge) {
    return judge_found(judge, "torch-cuda-mismatch") != NULL;
}

void rule_torch_library_shadowed(struct judge *judge) {
    const struct python_environment *python = python_in_use(judge);
    const struct printed_message *undefined = undefined_in_torch(judge), *cudnn = printed(judge, "cudnn_mismatch");
    const struct torch_library *clash = clashing_library(python), *foreign = foreign_library(python);
    if (torch_worked(judge) || same_package_twice(judge) || (!undefined && !cudnn && !(clash && foreign)))
        return;
    const char *symbol = undefined && text_eq(text_of(undefined->id), "undefined_symbol")
                             ? text_of(undefined->argument)
                         : clash && foreign ? clash->undefined.items[0]
                                            : NULL;
    bool mkl = text_has(symbol, "iJIT") || text_has(symbol, "mkl") || printed(judge, "iJIT");
    struct cause *cause =
        cudnn && text_of(cudnn->argument) && text_of(cudnn->second)
            ? judge_find(judge, "torch-library-shadowed", CERTAIN,
                         "PyTorch was compiled against cuDNN %s and finds %s: another cuDNN comes before its own.",
                         cudnn->argument.value, cudnn->second.value)
        : cudnn ? judge_find(judge, "torch-library-shadowed", CERTAIN, "Another cuDNN comes before PyTorch's own.")
        : foreign
            ? judge_find(judge, "torch-library-shadowed", CERTAIN, "%s comes before PyTorch's own and lacks %s.",
                         text_of(foreign->path) ? text_of(foreign->path) : text_of(foreign->name),
                         symbol ? symbol : "a symbol")
            : judge_find(judge, "torch-library-shadowed", LIKELY,
                         "Another copy of %s comes before the one PyTorch was built with%s%s%s.",
                         mkl                                      ? "Intel's MKL"
                         : undefined && is_cpp_library(undefined) ? "the C++ library (libstdc++)"
                                                                  : "a CUDA library",
                         symbol ? ": the symbol " : "", symbol ? symbol : "", symbol ? " is not in it" : "");
    static const char *const ids[] = {"undefined_symbol", "undefined_nvjitlink", "iJIT",         "cudnn_mismatch",
                                      "symbol_version",   "cudnn_load",          "cublas_status"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        evidence_printed(judge, cause, ids[i]);
    if (foreign) {
        cause_fact(judge, cause, "torch.libraries.path", &foreign->path);
        cause_fact(judge, cause, "torch.libraries.found_by", &foreign->found_by);
        for (size_t i = 0; i < foreign->shadows.count && i < 4; i++)
            cause_evidence(judge, cause, "torch.libraries.shadows", foreign->shadows.items[i],
                           foreign->shadows.is.source);
    }
    if (clash)
        cause_evidence(judge, cause, "torch.libraries.undefined", clash->undefined.items[0],
                       clash->undefined.is.source);
    evidence_variable(judge, cause, "LD_LIBRARY_PATH");
    evidence_variable(judge, cause, "LD_PRELOAD");
    if (mkl) {
        cause_fix(judge, cause, "In a conda environment: an MKL from before 2024.1",
                  "conda install \"mkl<2024.1\"", NULL);
        cause_fix(judge, cause, "Do not source oneAPI's setvars.sh before Python; or take PyTorch 2.5 or newer",
                  NULL);
    } else {
        cause_fix(judge, cause, "Take the other CUDA off the loader's path: PyTorch brings its own libraries",
                  "unset LD_LIBRARY_PATH", NULL);
        cause_fix(judge, cause, "If the program needs the variable, put PyTorch's own libraries first",
                  "export LD_LIBRARY_PATH=$(python -c \"import site, glob; "
                  "print(':'.join(glob.glob(site.getsitepackages()[0] + '/nvidia/*/lib')))\"):$LD_LIBRARY_PATH",
                  NULL);
    }
    cause_see(judge, cause, "https://man7.org/linux/man-pages/man8/ld.so.8.html");
}
