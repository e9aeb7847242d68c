/* Python sessions: what was asked behind >>>, In [1]: or in `python -c`, in a script that was pasted before its
 * output, and what was answered. */
#include <ctype.h>

#include "base/text.h"
#include "import/importer.h"

enum { QUESTIONS = 32 };

typedef void answer_reader(struct reading *reading, struct span answer);

struct question {
    answer_reader *read; /* NULL: the answer is of no use, but it takes a line */
    bool none;           /* no answer means None */
};

struct python_session {
    struct question questions[QUESTIONS]; /* asked and not answered, first one first */
    size_t count;
    bool interactive; /* each answer follows its question; otherwise all answers come at the end */
    bool script;      /* lines of a program, without prompts */
};

/* --- answers ------------------------------------------------------------------------------------------------- */

static void answer_version(struct reading *reading, struct span answer) {
    read_torch_version(reading, release_at(span_unquote(answer)), true);
}

static void answer_cuda(struct reading *reading, struct span answer) {
    read_torch_cuda(reading, answer);
}

static void answer_hip(struct reading *reading, struct span answer) {
    struct python_environment *python = reading_python(reading);
    answer = span_unquote(answer);
    if (answer.len && isdigit((unsigned char)answer.ptr[0])) {
        note_text(reading, &python->hip, answer);
        set_text(&python->build, "rocm", reading_source(reading));
    }
}

static void answer_available(struct reading *reading, struct span answer) {
    read_available(reading, answer);
}

static void answer_count(struct reading *reading, struct span answer) {
    int64_t count;
    if (span_to_number(answer, 10, &count) == 0 && count >= 0 && count < 1024)
        note_number(reading, &reading->facts->compute.device_count, count);
}

static void answer_current(struct reading *reading, struct span answer) {
    int64_t index;
    if (span_to_number(answer, 10, &index) == 0) /* current_device() initialises CUDA */
        note_flag(reading, &reading->facts->compute.is_available, true);
}

static void answer_name(struct reading *reading, struct span answer) {
    answer = span_unquote(answer);
    if (!answer.len || span_has(answer, "Error") || answer.len > 100)
        return;
    note_text(reading, &reading->facts->compute.device_name, answer);
    read_gpu_name(reading, 0, answer);
}

/* "(8, 6)" */
static void answer_capability(struct reading *reading, struct span answer) {
    struct span head, tail;
    if (answer.len < 5 || answer.ptr[0] != '(' || !span_cut(answer, ',', &head, &tail))
        return;
    head = span_trim(span_slice(head, 1, head.len));
    tail = version_at(span_trim(tail));
    struct gpu_device *device = reading_gpu(reading, 0);
    if (device && head.len <= 2 && tail.len == 1 && isdigit((unsigned char)head.ptr[0]))
        note_word(reading, &device->compute_capability,
                  arena_printf(reading->arena, "%.*s.%.*s", (int)head.len, head.ptr, (int)tail.len, tail.ptr));
}

/* "_CudaDeviceProperties(name='NVIDIA GeForce RTX 3090', major=8, minor=6, total_memory=24259MB, …)" */
static void answer_properties(struct reading *reading, struct span answer) {
    struct span name, major, minor, memory;
    if (!after_key(answer, "name='", &name))
        return;
    size_t end = span_find(name, "'");
    answer_name(reading, span_slice(name, 0, end == SIZE_MAX ? name.len : end));
    struct gpu_device *device = reading_gpu(reading, 0);
    if (device && after_key(answer, "major=", &major) && after_key(answer, "minor=", &minor))
        note_word(reading, &device->compute_capability,
                  arena_printf(reading->arena, "%.*s.%.*s", (int)version_at(major).len, major.ptr,
                               (int)version_at(minor).len, minor.ptr));
    if (device && after_key(answer, "total_memory=", &memory) && mebibytes(memory) > 0)
        note_number(reading, &device->memory_total_mib, mebibytes(memory));
}

static void answer_archs(struct reading *reading, struct span answer) {
    read_arch_list(reading, answer);
}

static void answer_file(struct reading *reading, struct span answer) {
    read_path(reading, span_unquote(answer));
}

static void answer_python(struct reading *reading, struct span answer) {
    read_python_version(reading, span_unquote(answer));
}

static void answer_platform(struct reading *reading, struct span answer) {
    read_platform(reading, span_unquote(answer));
}

static void answer_interpreter(struct reading *reading, struct span answer) {
    answer = span_unquote(answer);
    if (answer.len && (answer.ptr[0] == '/' || memchr(answer.ptr, '\\', answer.len))) {
        note_text(reading, &reading_python(reading)->interpreter, answer);
        read_path(reading, answer);
    }
}

static void answer_home(struct reading *reading, struct span answer) {
    answer = span_unquote(answer);
    if (span_eq(answer, "None"))
        note_absent(reading, &reading->facts->toolkit.build_home.is);
    else
        note_text(reading, &reading->facts->toolkit.build_home, answer);
}

static void answer_variable_visible(struct reading *reading, struct span answer) {
    if (!span_eq(answer, "None"))
        read_variable(reading, span_of("CUDA_VISIBLE_DEVICES"), span_unquote(answer));
}

/* Longest first: "get_device_name" before "get_device". */
static const struct {
    const char *expression;
    answer_reader *read;
} table[] = {{"torch.__version__", answer_version},
             {"torch.version.__version__", answer_version},
             {"torch.version.cuda", answer_cuda},
             {"torch.version.hip", answer_hip},
             {"torch._C._cuda_getCompiledVersion", NULL},
             {"torch.cuda.is_available", answer_available},
             {"cuda.is_available", answer_available},
             {"torch.cuda.device_count", answer_count},
             {"cuda.device_count", answer_count},
             {"torch.cuda.get_device_name", answer_name},
             {"torch.cuda.get_device_properties", answer_properties},
             {"torch.cuda.get_device_capability", answer_capability},
             {"torch.cuda.get_arch_list", answer_archs},
             {"torch.cuda.current_device", answer_current},
             {"torch.__file__", answer_file},
             {"torch.__path__", answer_file},
             {"torch.version.__file__", answer_file},
             {"sys.version", answer_python},
             {"platform.python_version", answer_python},
             {"platform.platform", answer_platform},
             {"platform.machine", answer_platform},
             {"platform.system", answer_platform},
             {"sys.platform", answer_platform},
             {"sys.executable", answer_interpreter},
             {"CUDA_HOME", answer_home},
             {"CUDA_VISIBLE_DEVICES", answer_variable_visible}};

static answer_reader *reader_of(struct span expression, bool *ret_known) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (span_has(expression, table[i].expression)) {
            *ret_known = true;
            return table[i].read;
        }
    *ret_known = false;
    return NULL;
}

/* --- questions ----------------------------------------------------------------------------------------------- */

/* The part up to the next `separator` outside of brackets and quotes. */
static bool next_part(struct span *rest, char separator, struct span *ret_part) {
    if (!rest->len)
        return false;
    int depth = 0;
    char quote = 0;
    size_t at = 0;
    for (; at < rest->len; at++) {
        char c = rest->ptr[at];
        if (quote) {
            quote = c == quote ? 0 : quote;
            continue;
        }
        if (c == '"' || c == '\'')
            quote = c;
        depth += strchr("([{", c) != NULL;
        depth -= strchr(")]}", c) != NULL;
        if (c == separator && depth <= 0)
            break;
    }
    *ret_part = span_trim(span_slice(*rest, 0, at));
    *rest = span_slice(*rest, at + 1, rest->len);
    return true;
}

static bool is_literal(struct span part) {
    return part.len &&
           (part.ptr[0] == '"' || part.ptr[0] == '\'' || span_starts(part, "sep=") || span_starts(part, "end="));
}

static bool print_arguments(struct span statement, struct span *ret_arguments) {
    if (!span_starts(statement, "print"))
        return false;
    struct span rest = span_trim(span_slice(statement, 5, statement.len));
    if (rest.len && rest.ptr[0] == '(') {
        rest = span_slice(rest, 1, rest.len);
        if (rest.len && rest.ptr[rest.len - 1] == ')')
            rest.len--;
    }
    *ret_arguments = span_trim(rest);
    return true;
}

static void ask(struct python_session *state, answer_reader *read, bool none) {
    if (state->count < QUESTIONS)
        state->questions[state->count++] = (struct question){read, none};
}

/* An assignment, an import, a loop: no answer. */
static bool is_silent(struct span statement) {
    static const char *const words[] = {"import ", "from ",  "for ",    "if ",    "with ", "def ",
                                        "class ",  "while ", "try",     "except", "else",  "return ",
                                        "del ",    "#",      "assert ", "raise ", "@",     "pass"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_starts(statement, words[i]))
            return true;
    struct span part, rest = statement;
    next_part(&rest, '=', &part);
    return part.len < statement.len && !(rest.len && rest.ptr[0] == '=') &&
           !(part.len && strchr("!<>=", part.ptr[part.len - 1]));
}

/* The questions of one statement. A tuple and print() with several arguments give several in one line; then the
 * answer is cut in the same way (answer_several). */
static void read_statement(struct reading *reading, struct python_session *state, struct span statement,
                           bool shell) {
    struct span arguments, part;
    bool known, printed = print_arguments(statement, &arguments);
    if (!printed && (is_silent(statement) || !shell))
        return;
    if (!printed)
        arguments = statement;
    (void)reading;
    size_t literals = 0, parts = 0;
    answer_reader *read = NULL;
    bool any = false;
    for (struct span rest = arguments; next_part(&rest, ',', &part); parts++) {
        literals += is_literal(part) && !strchr("fF", statement.ptr[0]);
        answer_reader *one = reader_of(part, &known);
        if (known && !any) {
            read = one;
            any = true;
        }
    }
    if (any && parts - literals <= 1) {
        ask(state, read, !printed);
    } else if (any) {
        /* several: each is asked, the line with the answer feeds them all (see answer_line) */
        for (struct span rest = arguments; next_part(&rest, ',', &part);) {
            answer_reader *one = reader_of(part, &known);
            if (known)
                ask(state, one, false);
        }
    } else {
        ask(state, NULL, !printed);
    }
}

static void read_statements(struct reading *reading, struct python_session *state, struct span line, bool shell) {
    struct span statement;
    while (next_part(&line, ';', &statement))
        read_statement(reading, state, statement, shell);
}

/* --- answering ----------------------------------------------------------------------------------------------- */

static void forget_first(struct python_session *state) {
    memmove(state->questions, state->questions + 1, (state->count - 1) * sizeof *state->questions);
    state->count--;
}

static bool next_value(struct span *rest, struct span *ret_value) {
    struct span left = span_trim(*rest);
    while (left.len && strchr("(,[ ", left.ptr[0]))
        left = span_slice(left, 1, left.len);
    if (!left.len)
        return false;
    char quote = left.ptr[0] == '\'' || left.ptr[0] == '"' ? left.ptr[0] : 0;
    size_t end = 1;
    while (end < left.len && (quote ? left.ptr[end] != quote : !strchr(" ,)]", left.ptr[end])))
        end++;
    end += quote && end < left.len;
    *ret_value = span_slice(left, 0, end);
    *rest = span_slice(left, end, left.len);
    return true;
}

/* "('2.2.0', '11.8')", "1.13.1 False": one line for several questions. */
static void answer_several(struct reading *reading, struct python_session *state, struct span text) {
    struct span value;
    while (state->count && next_value(&text, &value)) {
        if (state->questions[0].read)
            state->questions[0].read(reading, value);
        forget_first(state);
    }
}

/* "CUDA available: True" for print("CUDA available:", …) and f-strings: what was asked for stands at the end. */
static struct span strip_label(struct span text) {
    size_t colon = SIZE_MAX;
    for (size_t i = 0; i + 1 < text.len; i++)
        if ((text.ptr[i] == ':' || text.ptr[i] == '=') && text.ptr[i + 1] == ' ')
            colon = i;
    bool quoted = text.len && strchr("'\"([_", text.ptr[0]);
    return colon == SIZE_MAX || quoted ? text : span_trim(span_slice(text, colon + 1, text.len));
}

static bool answer_line(struct reading *reading, struct python_session *state, struct span text) {
    if (!state->count)
        return false;
    /* warnings come between question and answer */
    if (span_has(text, "Warning:") || span_has(text, "warnings.warn") || span_starts(text, "return ") ||
        span_starts(text, "/") || span_starts(text, "Found GPU"))
        return false;
    if (span_starts(text, "Traceback") || span_has(text, "Error")) {
        state->count = 0;
        return false;
    }
    bool tuple = text.ptr[0] == '(' && memchr(text.ptr, '\'', text.len) && state->count > 1;
    bool words = state->count > 1 && state->questions[0].read && memchr(text.ptr, ' ', text.len) &&
                 !memchr(text.ptr, ':', text.len) && text.ptr[0] != '\'' && text.ptr[0] != '[' &&
                 text.ptr[0] != '(' && state->questions[0].read != answer_name &&
                 state->questions[0].read != answer_python;
    if (tuple || words) {
        answer_several(reading, state, text);
        return true;
    }
    struct question question = state->questions[0];
    forget_first(state);
    if (question.read) {
        question.read(reading, strip_label(text));
        return true;
    }
    return false;
}

/* At the next prompt of a session an expression without an answer was None. */
static void unanswered(struct reading *reading, struct python_session *state) {
    for (size_t i = 0; i < state->count; i++)
        if (state->questions[i].none && state->questions[i].read == answer_cuda)
            read_torch_cuda(reading, span_of("None"));
    state->count = 0;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

/* A line of a program pasted without prompts. */
static bool is_code(struct span text) {
    static const char *const starts[] = {"import ",    "from ", "print(",    "print ",    "torch.",
                                         "device = ",  "def ",  "if torch",  "x = torch", "a = torch",
                                         "with torch", "for ",  "os.environ"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(text, starts[i]) && !span_has(text, "Error"))
            return true;
    return false;
}

/* "tensor([0.], device='cuda:0')": something was computed there. */
static void computed(struct reading *reading, struct span text) {
    if (!span_has(text, "device='cuda") || !(span_has(text, "tensor(") || span_has(text, "]")))
        return;
    if (span_has(text, "torch.") || span_starts(text, "print"))
        return; /* the program, not its output */
    note_flag(reading, &reading->facts->compute.torch_computed, true);
    note_flag(reading, &reading->facts->compute.is_available, true);
}

/* "Python 3.7.5 (default, …) [GCC 7.3.0] :: Anaconda, Inc. on linux", also cut into two lines */
static bool read_banner(struct reading *reading, struct span text) {
    static const struct {
        const char *words, *os;
    } marks[] = {
        {"[MSC v.", "windows"}, {" on win32", "windows"}, {" on linux", "linux"}, {" on darwin", "macos"}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (span_has(text, marks[i].words) && span_has(text, "[")) {
            note_word(reading, &reading->facts->system.os, marks[i].os);
            return true;
        }
    return false;
}

static bool read_line(struct reading *reading, void *memory) {
    struct python_session *state = memory;
    const struct line *line = reading->line;
    if (line->kind == LINE_PYTHON || line->kind == LINE_CONTINUED) {
        if (line->kind == LINE_PYTHON) {
            unanswered(reading, state);
            reading_kind(reading, "python");
        }
        state->interactive = true;
        state->script = false;
        read_statements(reading, state, line->text, true);
        return true;
    }
    if (line->kind != LINE_OUTPUT)
        return false;
    computed(reading, line->text);
    if (is_code(line->text) && !state->interactive) {
        if (!state->script) {
            state->script = true;
            state->count = 0;
        }
        read_statements(reading, state, line->text, false);
        return true;
    }
    /* the banner of the interpreter: "Python 3.10.6 (tags/v3.10.6:9c7b4bd, …) [MSC v.1932 64 bit (AMD64)]" */
    if (span_starts(line->text, "Python ") && line->text.len > 8 && isdigit((unsigned char)line->text.ptr[7])) {
        read_python_version(reading, span_slice(line->text, 7, line->text.len));
        read_banner(reading, line->text);
        return true;
    }
    if (line->text.ptr[0] == '[' && read_banner(reading, line->text))
        return true;
    return answer_line(reading, state, line->text);
}

/* `python -c "import torch; print(torch.cuda.is_available())"` */
static void read_command(struct reading *reading, void *memory) {
    struct python_session *state = memory;
    *state = (struct python_session){.count = 0};
    struct span command = reading->line->text, program;
    size_t at = span_find(command, " -c ");
    if (at == SIZE_MAX || !span_has(span_slice(command, 0, at), "py"))
        return;
    program = span_unquote(span_trim(span_slice(command, at + 4, command.len)));
    if (program.len && (program.ptr[0] == '"' || program.ptr[0] == '\'')) { /* more follows the quote */
        const char *close = memchr(program.ptr + 1, program.ptr[0], program.len - 1);
        program = span_slice(program, 1, close ? (size_t)(close - program.ptr) : program.len);
    }
    read_statements(reading, state, program, false);
}

static void command_done(struct reading *reading, void *memory) {
    (void)reading;
    struct python_session *state = memory;
    state->count = 0;
    state->interactive = state->script = false;
}

const struct importer import_python = {sizeof(struct python_session), read_line, read_command, command_done};
