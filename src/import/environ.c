/* Variables: lines of env, export, set, setx and PowerShell, of Dockerfiles and compose files, os.environ in
 * Python, what stands before a command, and what `echo $NAME` printed. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

struct environ {
    char asked[64]; /* `echo $NAME`: the next line is its value */
};

/* --- which variables ----------------------------------------------------------------------------------------- */

static bool matters(struct span name) {
    static const char *const starts[] = {"CUDA_",  "NVIDIA_",  "CUDNN_",     "PYTORCH_", "TORCH_",
                                         "SLURM_", "NCCL_",    "CONDA_",     "HIP_",     "ROCR_",
                                         "HSA_",   "UV_TORCH", "KUBERNETES_"};
    static const char *const names[] = {
        "LD_LIBRARY_PATH", "LD_PRELOAD",  "PATH",      "PYTHONPATH",     "PYTHONNOUSERSITE", "PYTHONHOME",
        "VIRTUAL_ENV",     "CC",          "CXX",       "CUDAHOSTCXX",    "CUDACXX",          "NVCC_PREPEND_FLAGS",
        "WSL_DISTRO_NAME", "WSL_INTEROP", "SUDO_USER", "PYTHONUSERBASE", "MAX_JOBS",         "FORCE_CUDA",
        "LIBRARY_PATH"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(name, starts[i]))
            return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_eq(name, names[i]))
            return true;
    return false;
}

/* What a variable means elsewhere in the snapshot. */
static void read_meaning(struct reading *reading, struct span name, struct span value) {
    struct access_facts *access = &reading->facts->access;
    struct environment_facts *environment = &reading->facts->environment;
    const char *text = text_clean(reading->arena, value), *source = reading_source(reading);
    if (span_eq(name, "CUDA_VISIBLE_DEVICES"))
        set_text(&environment->visible_devices, text, source);
    else if (span_eq(name, "CUDA_DEVICE_ORDER"))
        set_text(&environment->device_order, text, source);
    else if (span_eq(name, "NVIDIA_VISIBLE_DEVICES"))
        set_text(&access->nvidia_visible_devices, text, source);
    else if (span_eq(name, "NVIDIA_DRIVER_CAPABILITIES"))
        set_text(&access->nvidia_driver_capabilities, text, source);
    else if (span_eq(name, "CUDA_MPS_PIPE_DIRECTORY"))
        set_text(&access->mps, text, source);
    else if (span_starts(name, "SLURM_"))
        note_word(reading, &access->scheduler, "slurm");
    else if (span_starts(name, "KUBERNETES_SERVICE"))
        note_word(reading, &access->scheduler, "kubernetes");
    else if (span_eq(name, "WSL_DISTRO_NAME"))
        note_number(reading, &reading->facts->system.wsl, 2);
    else if (span_eq(name, "VIRTUAL_ENV") && value.len)
        note_text(reading, &reading_python(reading)->path, value);
    if (span_eq(name, "SLURM_JOB_GPUS") || span_eq(name, "SLURM_STEP_GPUS") ||
        span_eq(name, "GPU_DEVICE_ORDINAL")) {
        note_flag(reading, &access->scheduler_granted, value.len > 0);
        if (value.len)
            note_text(reading, &access->scheduler_devices, value);
    }
    if (span_eq(name, "CUDA_VISIBLE_DEVICES") && span_eq(value, "NoDevFiles")) {
        note_word(reading, &access->scheduler, "slurm");
        note_flag(reading, &access->scheduler_granted, false);
    }
}

bool read_variable(struct reading *reading, struct span name, struct span value) {
    if (!matters(name))
        return false;
    struct variable *variable = reading_variable(reading, name);
    value = span_unquote(span_trim(value));
    if (variable) /* the last assignment counts */
        set_text(&variable->value, text_clean(reading->arena, value), reading_source(reading));
    read_meaning(reading, name, value);
    return true;
}

/* --- assignments --------------------------------------------------------------------------------------------- */

static size_t name_length(struct span text) {
    size_t at = 0;
    while (at < text.len && (isalnum((unsigned char)text.ptr[at]) || text.ptr[at] == '_'))
        at++;
    return at && !isdigit((unsigned char)text.ptr[0]) ? at : 0;
}

/* "NAME=value", "NAME: value" (YAML), "NAME = 'value'". */
static bool assignment(struct reading *reading, struct span text, bool loose) {
    size_t end = name_length(text);
    if (!end)
        return false;
    struct span name = span_slice(text, 0, end), rest = span_slice(text, end, text.len);
    bool equals = rest.len && rest.ptr[0] == '=' && !(rest.len > 1 && rest.ptr[1] == '=');
    if (!equals && loose) {
        rest = span_trim(rest);
        equals = rest.len && (rest.ptr[0] == ':' || rest.ptr[0] == '=') && !(rest.len > 1 && rest.ptr[1] == '=');
    }
    return equals && read_variable(reading, name, span_slice(rest, 1, rest.len));
}

/* All of "A=1 B=2 program …"; what is left is the program. */
static struct span assignments(struct reading *reading, struct span command) {
    for (size_t length; (length = assignment_length(command));) {
        struct span all = span_trim(span_slice(command, 0, length));
        assignment(reading, all, false);
        command = span_slice(command, length, command.len);
    }
    return command;
}

/* os.environ['NAME'] = 'value', os.environ.setdefault("NAME", "value"), os.putenv("NAME", "value") */
static bool python_assignment(struct reading *reading, struct span text) {
    struct span rest = text;
    bool any = false;
    for (int round = 0; round < 8; round++) {
        size_t at = span_find(rest, "os.environ");
        if (at == SIZE_MAX)
            at = span_find(rest, "os.putenv");
        if (at == SIZE_MAX)
            break;
        rest = span_slice(rest, at + 9, rest.len);
        size_t open = span_find(rest, "'"), quote = span_find(rest, "\"");
        if (quote < open)
            open = quote;
        if (open == SIZE_MAX || open > 14)
            continue;
        struct span name = span_slice(rest, open + 1, rest.len);
        size_t end = name_length(name);
        struct span value = span_slice(name, end + 1, name.len);
        size_t start = 0;
        while (start < value.len && strchr("] =,)", value.ptr[start]))
            start++;
        bool assigns = memchr(value.ptr, '=', start) || memchr(value.ptr, ',', start);
        if (!assigns || start >= value.len)
            continue;
        char c = value.ptr[start];
        value = span_slice(value, start, value.len);
        size_t close = c == '"' || c == '\'' ? 1 : 0;
        while (close < value.len &&
               (c == '"' || c == '\'' ? value.ptr[close] != c : !strchr(" ;)", value.ptr[close])))
            close++;
        if (c != '"' && c != '\'')
            continue; /* an expression */
        any |= read_variable(reading, span_slice(name, 0, end), span_slice(value, 1, close));
        rest = span_slice(value, close, value.len);
    }
    return any;
}

static const char *const starters[] = {"export ",     "set ",  "ENV ", "ARG ",   "- ",
                                       "declare -x ", "%env ", "env ", "setenv "};

static bool assigning_line(struct reading *reading, struct span text) {
    for (size_t i = 0; i < sizeof starters / sizeof *starters; i++)
        if (span_starts(text, starters[i])) {
            struct span rest = span_trim(span_slice(text, strlen(starters[i]), text.len));
            size_t end = name_length(rest);
            if (end && end < rest.len && rest.ptr[end] == ' ' && (i == 2 || i == 8)) /* "ENV NAME value" */
                return read_variable(reading, span_slice(rest, 0, end), span_slice(rest, end + 1, rest.len));
            return assignment(reading, rest, true);
        }
    struct span value;
    if (span_starts(text, "$env:") && after_key(text, "$env:", &value))
        return assignment(reading, value, true);
    return assignment(reading, text, true) || python_assignment(reading, text);
}

/* --- lines and commands -------------------------------------------------------------------------------------- */

static bool read_line(struct reading *reading, void *memory) {
    struct environ *state = memory;
    struct span text = reading->line->text;
    if (state->asked[0]) {
        struct span name = span_of(state->asked);
        bool path = memchr(text.ptr, '\\', text.len) || text.ptr[0] == '/';
        bool taken = reading->output_lines <= 1 && text.len < 4096 && (path || !memchr(text.ptr, ' ', text.len));
        if (taken)
            read_variable(reading, name, text);
        state->asked[0] = '\0';
        if (taken)
            return true;
    }
    return assigning_line(reading, text);
}

/* `echo $CUDA_HOME`, `printenv CUDA_HOME`, `echo %CUDA_HOME%` */
static void asked(struct reading *reading, struct environ *state) {
    struct span value = {0};
    if (span_eq(reading->program, "echo")) {
        size_t at = span_find(reading->command, "$");
        if (at == SIZE_MAX)
            at = span_find(reading->command, "%");
        if (at != SIZE_MAX)
            value = span_slice(reading->command, at + 1, reading->command.len);
        if (value.len && value.ptr[0] == '{')
            value = span_slice(value, 1, value.len);
    } else if (span_eq(reading->program, "printenv")) {
        value = span_trim(span_slice(reading->command, 8, reading->command.len));
    }
    struct span powershell = span_trim(reading->command), name;
    if (span_starts(value, "env:") || span_starts(powershell, "$env:")) {
        bool bare = span_starts(powershell, "$env:"); /* an assignment has '=' and asks nothing */
        name = bare ? span_slice(powershell, 5, powershell.len) : span_slice(value, 4, value.len);
        bool assigns = bare && memchr(name.ptr, '=', name.len);
        value = span_slice(name, 0, assigns ? 0 : name.len);
    }
    size_t end = name_length(value);
    if (end && end < sizeof state->asked && matters(span_slice(value, 0, end))) {
        memcpy(state->asked, value.ptr, end);
        state->asked[end] = '\0';
    }
}

static void read_command(struct reading *reading, void *memory) {
    struct environ *state = memory;
    state->asked[0] = '\0';
    struct span typed = reading->line->text, value;
    struct span program = assignments(reading, typed);
    assigning_line(reading, program);
    if (span_starts(program, "setx ")) {
        struct span rest = span_slice(program, 5, program.len), name;
        span_next_word(&rest, &name);
        read_variable(reading, name, rest);
    }
    if (span_starts(program, "sudo ") || span_starts(program, "env ") || span_starts(program, "srun "))
        assignments(reading, span_trim(span_slice(program, 5, program.len)));
    /* "&& export NAME=value", "; CUDA_VISIBLE_DEVICES=0 python" */
    static const char *const joints[] = {"&& ", "; "};
    for (size_t i = 0; i < 2; i++)
        for (struct span rest = program; after_key(rest, joints[i], &value); rest = value) {
            struct span part = span_starts(value, "export ") ? span_trim(span_slice(value, 7, value.len)) : value;
            assignments(reading, part);
        }
    python_assignment(reading, typed);
    asked(reading, state);
}

/* `echo $CUDA_VISIBLE_DEVICES` that printed nothing: empty or not set. */
static void command_done(struct reading *reading, void *memory) {
    struct environ *state = memory;
    if (state->asked[0] && !reading->output_lines && strcmp(state->asked, "CUDA_VISIBLE_DEVICES") != 0)
        read_variable(reading, span_of(state->asked), (struct span){"", 0});
    state->asked[0] = '\0';
}

const struct importer import_environ = {sizeof(struct environ), read_line, read_command, command_done};
