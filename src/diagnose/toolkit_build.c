/* What compiling an extension needs: a toolkit that is whole, of PyTorch's CUDA, where the variables say, and a
 * host compiler it takes. PyTorch itself runs without all of this, so nothing here is judged unless something is
 * to be built. */
#include "base/text.h"
#include "diagnose/fix.h"
#include "diagnose/fix_fill.h"
#include "diagnose/match.h"
#include "diagnose/read.h"
#include "diagnose/rules.h"

static void see_build(struct judge *judge, struct cause *cause) {
    cause_see(judge, cause, "https://pytorch.org/docs/stable/cpp_extension.html");
}

static const struct cuda_toolkit *toolkit_with_nvcc(const struct judge *judge) {
    const struct cuda_toolkit_rows *rows = &judge->facts->toolkit.toolkits;
    for (size_t i = 0; i < rows->count; i++)
        if (is_true(rows->items[i].has_nvcc))
            return &rows->items[i];
    return NULL;
}

/* The CUDA that an extension must be built with: PyTorch's. */
static const char *wanted_cuda(struct judge *judge) {
    int cuda = match_needed_cuda(judge).cuda;
    char text[16];
    const struct printed_message *differ = printed(judge, "ext_cuda_mismatch");
    if (!cuda && differ && text_of(differ->second)) /* "… used to compile PyTorch (12.1)" */
        cuda_version_parse(span_of(differ->second.value), &cuda);
    return cuda ? arena_copy(judge->arena, cuda_version_text(cuda, text)) : NULL;
}

/* The toolkit from NVIDIA's repository where the tables know it for this system, then the variables that name it. */
static void install_toolkit(struct judge *judge, struct cause *cause, const char *cuda) {
    struct fix_values values = {.cuda = cuda};
    size_t before = cause->fixes.count;
    if (on_windows(judge)) {
        cause_fix(
            judge, cause,
            cuda ? arena_printf(judge->arena,
                                "Install the CUDA toolkit %s, say where it is, and open a new console", cuda)
                 : "Install the CUDA toolkit of PyTorch's CUDA (torch.version.cuda), say where it is, and open a "
                   "new console",
            arena_printf(judge->arena,
                         "setx CUDA_HOME \"C:\\Program Files\\NVIDIA GPU Computing Toolkit\\CUDA\\v%s\"",
                         cuda ? cuda : "12.8"),
            "nvcc --version", NULL);
        return;
    }
    bool rows = cuda && (on_wsl(judge) ? fix_rows(judge, cause, "wsl", "install-toolkit", &values)
                                       : fix_rows_here(judge, cause, "install-toolkit", &values));
    if (!rows)
        cause_fix(
            judge, cause,
            cuda ? arena_printf(judge->arena,
                                "Install the CUDA toolkit %s (the toolkit alone, no driver), then say where it is",
                                cuda)
                 : "Install the CUDA toolkit of PyTorch's CUDA (torch.version.cuda), then say where it is",
            NULL);
    struct fix *fix = &cause->fixes.items[before];
    texts_add(judge->arena, &fix->commands,
              cuda ? arena_printf(judge->arena, "export CUDA_HOME=/usr/local/cuda-%s", cuda)
                   : "export CUDA_HOME=/usr/local/cuda");
    texts_add(judge->arena, &fix->commands, "$CUDA_HOME/bin/nvcc --version");
}

static void fix_toolkit(struct judge *judge, struct cause *cause) {
    const char *cuda = wanted_cuda(judge);
    cause_fix(
        judge, cause,
        "Take a prebuilt wheel of the package, where its release page has one for this torch, CUDA and Python",
        NULL);
    if (in_container(judge))
        cause_fix(judge, cause, "Build on an image whose tag says devel: runtime images have no compiler", NULL);
    const struct python_environment *python = python_in_use(judge);
    if (python && text_eq(text_of(python->kind), "conda"))
        cause_fix(judge, cause, "Put the compiler into the environment",
                  cuda ? arena_printf(judge->arena, "conda install -c nvidia/label/cuda-%s.0 cuda-toolkit", cuda)
                       : "conda install -c nvidia cuda-toolkit",
                  NULL);
    install_toolkit(judge, cause, cuda);
    cause_see(judge, cause, "https://developer.nvidia.com/cuda-toolkit-archive");
}

/* --- toolkit-path-wrong (link environment) ------------------------------------------------------------------- */

/* A home is one directory: a value with a colon is a search path that somebody took for it. */
static bool is_search_path(const char *value, bool windows) {
    return !windows && value && strchr(value, ':');
}

static const struct path_entry *dead_home(const struct judge *judge) {
    const struct path_entry_rows *entries = &judge->facts->environment.entries;
    for (size_t i = 0; i < entries->count; i++) {
        const char *variable = text_of(entries->items[i].variable);
        if ((text_eq(variable, "CUDA_HOME") || text_eq(variable, "CUDA_PATH")) &&
            is_false(entries->items[i].exists))
            return &entries->items[i];
    }
    return NULL;
}

static const struct printed_message *missing_nvcc_file(const struct judge *judge) {
    const struct printed_message *message = printed_about(judge, "file_missing", "nvcc");
    return message ? message : printed_about(judge, "file_missing", "bin/nvcc.exe");
}

void rule_toolkit_path_wrong(struct judge *judge) {
    const struct printed_message *file = missing_nvcc_file(judge);
    bool colon = file && is_search_path(text_of(file->argument), on_windows(judge));
    if (!building(judge) && !colon)
        return;
    static const char *const names[] = {"CUDA_HOME", "CUDA_PATH"};
    const struct path_entry *dead = dead_home(judge);
    const char *wrong = NULL, *name = dead ? text_of(dead->variable) : "CUDA_HOME",
               *gone = dead ? text_of(dead->entry) : NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !wrong; i++) {
        const struct variable *variable = variable_of(judge, names[i]);
        if (variable && is_search_path(text_of(variable->value), on_windows(judge))) {
            wrong = text_of(variable->value);
            name = names[i];
        }
    }
    bool dead_only =
        !wrong && !colon && dead && !unknown(judge->facts->toolkit.toolkits) && toolkit_with_nvcc(judge);
    if (!wrong && !colon && !dead_only)
        return;
    struct cause *cause = dead_only
                              ? judge_find(judge, "toolkit-path-wrong", CERTAIN,
                                           "%s is %s, which does not exist; the toolkit is in %s.", name, gone,
                                           text_of(toolkit_with_nvcc(judge)->path))
                              : judge_find(judge, "toolkit-path-wrong", CERTAIN,
                                           "%s must be one directory, and its value%s%s is a list with colons.",
                                           name, wrong ? " " : "", wrong ? wrong : "");
    evidence_variable(judge, cause, "CUDA_HOME");
    evidence_variable(judge, cause, "CUDA_PATH");
    evidence_printed(judge, cause, "file_missing");
    if (dead)
        cause_fact(judge, cause, "environment.entries.entry", &dead->entry);
    const struct cuda_toolkit *toolkit = toolkit_with_nvcc(judge);
    cause_fix(
        judge, cause, "Set it to the one directory that holds bin/nvcc",
        arena_printf(judge->arena, "export %s=%s", name, toolkit ? text_of(toolkit->path) : "/usr/local/cuda"),
        NULL);
    see_build(judge, cause);
}

/* --- toolkit-missing, toolkit-incomplete --------------------------------------------------------------------- */

static const struct printed_message *toolkit_not_found(const struct judge *judge) {
    static const char *const ids[] = {"ext_no_cuda_home", "ext_cuda_not_found", "nvcc_not_found"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (printed(judge, ids[i]))
            return printed(judge, ids[i]);
    return missing_nvcc_file(judge);
}

void rule_toolkit_missing(struct judge *judge) {
    const struct toolkit_facts *toolkit = &judge->facts->toolkit;
    const struct printed_message *message = toolkit_not_found(judge);
    bool none = !unknown(toolkit->toolkits) && !toolkit_with_nvcc(judge) && absent(toolkit->nvcc_path);
    bool asked =
        printed(judge, "ext_no_cuda_home") || printed(judge, "ext_cuda_not_found") || missing_nvcc_file(judge);
    if (judge_found(judge, "toolkit-path-wrong"))
        return;
    if (!(asked && message) && !(building(judge) && (none || message))) {
        if (building(judge))
            settled(judge, "toolkit.toolkits", &toolkit->toolkits.is);
        return;
    }
    struct cause *cause = judge_find(judge, "toolkit-missing", none ? CERTAIN : LIKELY,
                                     "There is no CUDA toolkit (nvcc) here, which compiling an extension needs; "
                                     "PyTorch itself runs without it.");
    static const char *const ids[] = {"ext_no_cuda_home", "ext_cuda_not_found", "nvcc_not_found", "file_missing"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        evidence_printed(judge, cause, ids[i]);
    if (none)
        cause_evidence(judge, cause, "toolkit.toolkits", "none with nvcc", toolkit->toolkits.is.source);
    fix_toolkit(judge, cause);
    see_build(judge, cause);
}

void rule_toolkit_incomplete(struct judge *judge) {
    const struct toolkit_facts *facts = &judge->facts->toolkit;
    const struct printed_message *header = printed(judge, "header_missing"),
                                 *library = printed(judge, "link_missing");
    bool cuda_header =
        header && (text_has(text_of(header->argument), "cu") || text_has(text_of(header->argument), "thrust"));
    const struct cuda_toolkit *lacking = NULL;
    for (size_t i = 0; i < facts->toolkits.count; i++) {
        const struct cuda_toolkit *row = &facts->toolkits.items[i];
        bool used = text_eq(text_of(row->path), text_of(facts->build_home)) || facts->toolkits.count == 1;
        if (used && is_true(row->has_nvcc) &&
            (row->missing.count || is_false(row->has_headers) || is_false(row->has_runtime) ||
             is_false(row->has_libdevice)))
            lacking = row;
    }
    if (!building(judge) && !cuda_header && !library)
        return;
    if (!lacking && !cuda_header && !library)
        return;
    const char *what = lacking && lacking->missing.count           ? lacking->missing.items[0]
                       : lacking && is_false(lacking->has_headers) ? "its headers (cuda_runtime.h)"
                       : lacking && is_false(lacking->has_runtime) ? "libcudart"
                       : lacking                                   ? "libdevice"
                       : cuda_header                               ? text_of(header->argument)
                                                                   : text_of(library->argument);
    struct cause *cause = judge_find(judge, "toolkit-incomplete", lacking ? CERTAIN : LIKELY,
                                     "The CUDA toolkit%s%s is not whole: %s is missing.", lacking ? " in " : "",
                                     lacking ? text_of(lacking->path) : "", what ? what : "a piece");
    if (lacking) {
        cause_fact(judge, cause, "toolkit.toolkits.path", &lacking->path);
        for (size_t i = 0; i < lacking->missing.count && i < 6; i++)
            cause_evidence(judge, cause, "toolkit.toolkits.missing", lacking->missing.items[i],
                           lacking->missing.is.source);
    }
    evidence_printed(judge, cause, "header_missing");
    evidence_printed(judge, cause, "link_missing");
    fix_toolkit(judge, cause);
    see_build(judge, cause);
}

/* --- toolkit-mismatch ---------------------------------------------------------------------------------------- */

/* Another major stops the build, another minor is a warning (torch/utils/cpp_extension.py, _check_cuda_version). */
void rule_toolkit_mismatch(struct judge *judge) {
    const struct toolkit_facts *toolkit = &judge->facts->toolkit;
    const struct printed_message *differ = printed(judge, "ext_cuda_mismatch"),
                                 *arch = printed_saying(judge, "nvcc_unsupported_arch", "nvcc fatal");
    /* CMake's finding that compiler and headers are of two toolkits; an extension's that the one found is too old
     */
    const struct printed_message *parts = printed(judge, "toolkit_parts"),
                                 *old = printed(judge, "toolkit_too_old");
    int build = 0, torch = torch_cuda(judge);
    if (known(toolkit->build_version))
        cuda_version_parse(span_of(toolkit->build_version.value), &build);
    bool facts = building(judge) && build && torch && cuda_major(build) != cuda_major(torch);
    if (!differ && !arch && !facts && !parts && !old)
        return;
    char text[16];
    struct cause *cause =
        differ && text_of(differ->argument) && text_of(differ->second)
            ? judge_find(judge, "toolkit-mismatch", CERTAIN,
                         "The toolkit found is CUDA %s, and PyTorch was built with CUDA %s.",
                         differ->argument.value, differ->second.value)
        : differ ? judge_find(judge, "toolkit-mismatch", CERTAIN,
                              "The toolkit found is of another CUDA than PyTorch's.")
        : facts  ? judge_find(judge, "toolkit-mismatch", CERTAIN,
                              "The toolkit found is CUDA %s, and PyTorch was built with CUDA %s.",
                              toolkit->build_version.value, cuda_version_text(torch, text))
        : parts  ? judge_find(judge, "toolkit-mismatch", LIKELY,
                              "The build finds the compiler of one CUDA toolkit and the headers of "
                               "another.")
        : old    ? judge_find(judge, "toolkit-mismatch", LIKELY,
                              "The toolkit found is too old for what is built with it.")
                 : judge_find(judge, "toolkit-mismatch", LIKELY,
                              "The toolkit found does not know the GPU that is built for (%s).",
                           text_of(arch->argument) ? text_of(arch->argument) : "its architecture");
    evidence_printed(judge, cause, "ext_cuda_mismatch");
    evidence_printed_all(judge, cause, "nvcc_unsupported_arch", "toolkit_parts", "toolkit_too_old", NULL);
    cause_fact(judge, cause, "toolkit.build_home", &toolkit->build_home);
    cause_fact(judge, cause, "toolkit.build_home_by", &toolkit->build_home_by);
    cause_fact(judge, cause, "toolkit.build_version", &toolkit->build_version);
    cause_fact(judge, cause, "toolkit.nvcc_version", &toolkit->nvcc_version);
    evidence_variable(judge, cause, "CUDA_HOME");
    for (size_t i = 0; torch && i < toolkit->toolkits.count; i++) {
        int own = 0;
        const struct cuda_toolkit *row = &toolkit->toolkits.items[i];
        if (known(row->version) && cuda_version_parse(span_of(row->version.value), &own) == 0 &&
            cuda_major(own) == cuda_major(torch) && is_true(row->has_nvcc))
            cause_fix(judge, cause,
                      arena_printf(judge->arena, "Use the toolkit %s that is there", row->version.value),
                      arena_printf(judge->arena, "export CUDA_HOME=%s", text_of(row->path)),
                      arena_printf(judge->arena, "export PATH=%s/bin:$PATH", text_of(row->path)), NULL);
    }
    fix_toolkit(judge, cause);
    see_build(judge, cause);
}

/* --- toolkit-host-compiler ----------------------------------------------------------------------------------- */

static const struct host_compiler *default_compiler(const struct judge *judge) {
    const struct host_compiler_rows *rows = &judge->facts->toolkit.compilers;
    for (size_t i = 0; i < rows->count; i++)
        if (is_true(rows->items[i].is_default))
            return &rows->items[i];
    return NULL;
}

static int64_t limit_of(const struct judge *judge, const struct host_compiler *compiler) {
    const struct toolkit_facts *facts = &judge->facts->toolkit;
    bool clang = text_has(text_of(compiler->name), "clang");
    for (size_t i = 0; i < facts->toolkits.count; i++) {
        const struct cuda_toolkit *row = &facts->toolkits.items[i];
        if (facts->toolkits.count == 1 || text_eq(text_of(row->path), text_of(facts->build_home)))
            return clang ? number_of(row->clang_limit, 0) : number_of(row->gcc_limit, 0);
    }
    return 0;
}

static int64_t major_of(const char *version) {
    struct span head, tail;
    int64_t number = 0;
    span_cut(span_of(version), '.', &head, &tail);
    return version && span_to_number(head, 10, &number) == 0 ? number : 0;
}

/* What is wrong with the compiler, and what said so. */
struct compiler_fault {
    const struct host_compiler *compiler; /* the one that the build would use, or NULL */
    const char *id, *argument;            /* of the message that was printed, or NULL */
    int64_t limit;                        /* the newest major that the toolkit takes; 0: not known */
    bool too_new, none;
};

static const char *const compiler_messages[] = {"gcc_unsupported",  "msvc_unsupported",    "compiler_missing",
                                                "python_h_missing", "ext_compiler_bounds", "ext_glibc_math",
                                                "ext_ninja",        "gcc_too_old"};
enum { COMPILER_MESSAGES = sizeof compiler_messages / sizeof *compiler_messages };

static struct compiler_fault compiler_fault(const struct judge *judge) {
    struct compiler_fault fault = {.compiler = default_compiler(judge)};
    const struct printed_message *message = NULL;
    for (size_t i = 0; i < COMPILER_MESSAGES && !message; i++)
        message = printed(judge, compiler_messages[i]);
    if (message) {
        fault.id = text_of(message->id);
        fault.argument = text_of(message->argument);
    }
    if (!building(judge))
        return fault;
    const struct host_compiler_rows *compilers = &judge->facts->toolkit.compilers;
    fault.none = !unknown(*compilers) && !compilers->count && !from_text(judge);
    fault.limit = fault.compiler ? limit_of(judge, fault.compiler) : 0;
    fault.too_new = fault.limit && major_of(text_of(fault.compiler->version)) > fault.limit;
    return fault;
}

static struct cause *find_compiler_fault(struct judge *judge, const struct compiler_fault *fault) {
    static const char cause_id[] = "toolkit-host-compiler";
    const char *argument = fault->argument;
    if (fault->too_new)
        return judge_find(judge, cause_id, CERTAIN, "The toolkit takes %s up to %lld, and the build would use %s.",
                          text_of(fault->compiler->name), (long long)fault->limit,
                          text_of(fault->compiler->version));
    if (fault->none || text_eq(fault->id, "compiler_missing"))
        return judge_find(judge, cause_id, fault->none ? CERTAIN : LIKELY,
                          "There is no host compiler%s%s%s: compiling needs one beside nvcc.",
                          argument ? " (" : "", argument ? argument : "", argument ? ")" : "");
    if (text_eq(fault->id, "python_h_missing"))
        return judge_find(judge, cause_id, CERTAIN,
                          "Python's headers (Python.h) are missing, which compiling for PyTorch needs.");
    if (text_eq(fault->id, "gcc_too_old"))
        return judge_find(judge, cause_id, LIKELY,
                          "The host compiler, or the C++ standard the build asks it for, is older than PyTorch's "
                          "headers take.");
    if (text_eq(fault->id, "gcc_unsupported") && argument)
        return judge_find(judge, cause_id, CERTAIN,
                          "The CUDA toolkit takes no gcc newer than %s, and a newer one is used.", argument);
    return judge_find(judge, cause_id, CERTAIN, "The CUDA toolkit does not take this host compiler.");
}

/* The newest gcc that the toolkit takes, or NULL. */
static const char *gcc_that_fits(struct judge *judge, const struct compiler_fault *fault) {
    if (text_eq(fault->id, "gcc_unsupported") && fault->argument)
        return fault->argument;
    if (fault->too_new && !text_has(text_of(fault->compiler->name), "clang"))
        return arena_printf(judge->arena, "%lld", (long long)fault->limit);
    return NULL;
}

static void fix_compiler(struct judge *judge, struct cause *cause, const struct compiler_fault *fault) {
    const char *gcc = gcc_that_fits(judge, fault);
    const char *use =
        gcc ? arena_printf(judge->arena, "export CC=gcc-%s CXX=g++-%s NVCC_PREPEND_FLAGS='-ccbin g++-%s'", gcc,
                           gcc, gcc)
            : NULL;
    struct texts systems = fix_systems(judge);
    bool apt = texts_have(&systems, "debian") || texts_have(&systems, "ubuntu");
    if (gcc && apt)
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "Install gcc %s beside the other, and build with it", gcc),
                  arena_printf(judge->arena, "sudo apt install gcc-%s g++-%s", gcc, gcc), use, NULL);
    else if (gcc)
        cause_fix(judge, cause,
                  arena_printf(judge->arena, "Build with gcc %s (install gcc-%s and g++-%s)", gcc, gcc, gcc), use,
                  NULL);
    else if (on_windows(judge))
        cause_fix(
            judge, cause,
            "Install the Visual Studio build tools that this CUDA release names, and build from their prompt",
            "winget install Microsoft.VisualStudio.2022.BuildTools", NULL);
    else
        fix_table_or(judge, cause, "install-compiler",
                     "Install a host compiler that this CUDA release names (gcc and g++)");
    cause_fix(judge, cause, "A newer CUDA toolkit of the same major, which takes newer compilers", NULL);
    cause_see(judge, cause,
              "https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#host-compiler-support-policy");
}

void rule_toolkit_host_compiler(struct judge *judge) {
    struct compiler_fault fault = compiler_fault(judge);
    if (!fault.id && !fault.too_new && !fault.none)
        return;
    struct cause *cause = find_compiler_fault(judge, &fault);
    for (size_t i = 0; i < COMPILER_MESSAGES; i++)
        evidence_printed(judge, cause, compiler_messages[i]);
    if (fault.none)
        cause_evidence(judge, cause, "toolkit.compilers", "none", judge->facts->toolkit.compilers.is.source);
    if (fault.compiler) {
        cause_fact(judge, cause, "toolkit.compilers.path", &fault.compiler->path);
        cause_fact(judge, cause, "toolkit.compilers.version", &fault.compiler->version);
    }
    if (!text_eq(fault.id, "python_h_missing")) {
        fix_compiler(judge, cause, &fault);
        return;
    }
    fix_table_or(judge, cause, "install-python-headers",
                 "Install Python's development files (python3-dev, python3-devel), of the Python in use");
    cause_see(judge, cause, "https://docs.python.org/3/extending/building.html");
}
