/* whycuda arch: the GPU architectures that files have code for. */
#include "cli/arch_gpu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/torch_flags.h"

/* --- reading ----------------------------------------------------------------------------------------------- */

static const char *absolute_path(const struct root *root, struct arena *arena, const char *given) {
    char here[LIMIT_PATH];
    if (given[0] == '/')
        return given;
    if (!root_is_live(root)) {
        const char *directory = root_env(root, "PWD", NULL);
        return text_path(arena, directory && directory[0] == '/' ? directory : "/", given);
    }
    return getcwd(here, sizeof here) ? text_path(arena, here, given) : given;
}

/* PyTorch's libraries stand side by side in torch/lib; the list is in libtorch_python.so. */
static void read_torch_flags(const struct root *root, struct arena *arena, struct arch_file *file) {
    const char *name = text_basename(file->path);
    if (!text_starts(name, "libtorch"))
        return;
    struct span folder = span_from(file->path, (size_t)(name - file->path));
    const char *library = arena_printf(arena, "%.*slibtorch_python.so", (int)folder.len, folder.ptr);
    if (torch_flags_read(root, arena, library, &file->torch_flags) < 0)
        file->torch_flags = (struct texts){0}; /* a witness less; the code itself was read */
}

int arch_file_read(const struct root *root, struct arena *arena, const char *given, enum fatbin_reach reach,
                   struct arch_file *ret_file) {
    struct arch_file file = {.name = text_clean(arena, span_of(given)), .path = absolute_path(root, arena, given)};
    int r = fatbin_file_read(root, arena, file.path, reach, &file.code);
    if (r < 0)
        return r;
    read_torch_flags(root, arena, &file);
    *ret_file = file;
    return 0;
}

/* --- what could not be read ---------------------------------------------------------------------------------- */

static int explain_error(struct arena *arena, const char *given, int error, const char **ret_text) {
    const char *name = text_clean(arena, span_of(given));
    enum exit_status status = EXIT_DATA;
    if (error == -ENOEXEC) {
        *ret_text = "not an ELF file, archive, fatbin, cubin or PTX (--scan looks into any file)";
    } else if (error == -ENODATA) {
        *ret_text = "the file ends inside its ELF header";
    } else if (error == -EBADMSG) {
        *ret_text = "an ELF header that cannot be";
    } else {
        *ret_text = arena_copy(arena, strerror(-error));
        status = EXIT_NO_INPUT;
    }
    return complain(status, "%s: %s", name, *ret_text);
}

/* Damage inside: what was read is shown all the same. */
static int explain_damage(const struct arch_file *file, const struct fatbin_code *code) {
    if (code->full)
        complain(EXIT_OK, "%s: more GPU code than is counted; the numbers are too small", file->name);
    if (!code->error)
        return EXIT_OK;
    bool damaged = code->error == -EBADMSG || code->error == -ENODATA || code->error == -EPROTONOSUPPORT;
    return complain(damaged ? EXIT_DATA : EXIT_NO_INPUT, "%s: at byte %llu: %s%s%s", file->name,
                    (unsigned long long)code->error_offset, code->problem, damaged ? "" : ": ",
                    damaged ? "" : strerror(-code->error));
}

static int worse(int a, int b) {
    return a > b ? a : b;
}

/* --- one after another --------------------------------------------------------------------------------------- */

struct work {
    const struct root *root;
    struct cli *cli;
    json_t *list;         /* NULL: text */
    struct arch_gpu *gpu; /* NULL: not asked */
    bool ran;             /* code of some file would run on it */
    bool empty;           /* some file has no code */
};

/* Under --gpu: whether this file's code would run; what has none does not count beside others. */
static int show_verdict(struct work *work, struct arena *arena, const struct arch_file *file, json_t *object) {
    struct arch_verdict verdict;
    arch_judge(work->cli->knowledge, arena, file, work->gpu, &verdict);
    if (object)
        json_object_set_new(object, "gpu", arch_verdict_json(work->gpu, &verdict));
    else
        arch_verdict_text(work->cli->out, arena, work->gpu, &verdict, work->cli->options.verbose);
    work->ran |= verdict.runs >= ARCH_PTX;
    work->empty |= verdict.runs == ARCH_EMPTY;
    return verdict.runs == ARCH_NO || verdict.runs == ARCH_UNKNOWN ? EXIT_FOUND : EXIT_OK;
}

static int show_file(struct work *work, const char *given) {
    AUTO_ARENA arena = {0};
    const struct options *options = &work->cli->options;
    struct arch_file file;
    int r = arch_file_read(work->root, &arena, given, options->scan ? FATBIN_ALL : FATBIN_LARGE, &file);
    if (r < 0) {
        const char *text;
        int status = explain_error(&arena, given, r, &text);
        if (work->list)
            json_array_append_new(
                work->list, json_pack("{s:s, s:s}", "file", text_clean(&arena, span_of(given)), "error", text));
        return status;
    }
    json_t *object = NULL;
    if (work->list) {
        object = arch_json(&arena, &file, options->verbose);
        json_array_append_new(work->list, object);
    } else {
        arch_text(work->cli->out, &arena, &file, options->verbose);
    }
    int status = work->gpu ? show_verdict(work, &arena, &file, object) : EXIT_OK;
    status = worse(status, explain_damage(&file, &file.code.code));
    return worse(status, explain_damage(&file, &file.code.elsewhere));
}

int verb_arch(struct cli *cli) {
    if (!cli->argument_count)
        return complain(EXIT_USAGE, "arch: which file? See 'whycuda arch --help'");
    AUTO_ARENA arena = {0};
    struct arch_gpu gpu;
    const char *asked = cli->options.gpu;
    if (asked && arch_gpu_parse(cli->knowledge, &arena, asked, &gpu) < 0)
        return complain(EXIT_USAGE, "--gpu=%s: no GPU of that name, or several; a capability is written sm_86",
                        text_clean(&arena, span_of(asked)));
    struct root *root;
    int status = cli_open_root(cli, &root);
    if (status != EXIT_OK)
        return status;
    struct work work = {
        .root = root, .cli = cli, .list = cli->options.json ? json_array() : NULL, .gpu = asked ? &gpu : NULL};
    for (int i = 0; i < cli->argument_count; i++)
        status = worse(status, show_file(&work, cli->arguments[i]));
    if (work.empty && !work.ran)
        status = worse(status, EXIT_FOUND); /* nothing was found that could run */
    if (work.list) {
        json_dumpf(work.list, cli->out, JSON_INDENT(1));
        fputc('\n', cli->out);
        json_decref(work.list);
    }
    root_close(root);
    return status;
}
