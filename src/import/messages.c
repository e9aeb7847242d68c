#include "import/messages.h"

#include "base/limits.h"
#include "base/text.h"
#include "format/kernel_log.h"
#include "knowledge/error.h"
#include "knowledge/kernel_message.h"
#include "knowledge/message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- errors by number ---------------------------------------------------------------------------------------- */

/* Messages that are the words of one error: CUresult and cudaError of today (cuda.h, driver_types.h). */
static const struct {
    const char *id;
    int cuda, nvml;
} codes[] = {{"out_of_memory", 2, 0},
             {"init_failed", 3, 0},
             {"init_error", 3, 0},
             {"stub_library", 34, 0},
             {"insufficient_driver", 35, 0},
             {"all_busy", 46, 0},
             {"invalid_device_function", 98, 0},
             {"no_device", 100, 0},
             {"invalid_device", 101, 0},
             {"no_kernel_image", 209, 0},
             {"ecc", 214, 0},
             {"jit_missing", 221, 0},
             {"unsupported_ptx", 222, 0},
             {"os_call", 304, 0},
             {"illegal_access", 700, 0},
             {"launch_timeout", 702, 0},
             {"device_assert", 710, 0},
             {"kernel_assertion", 710, 0},
             {"launch_failure", 719, 0},
             {"not_supported", 801, 0},
             {"system_not_ready", 802, 0},
             {"driver_mismatch", 803, 0},
             {"compat_unsupported", 804, 0},
             {"cuda_unknown_error", 999, 0},
             {"unknown_error", 999, 0},
             {"smi_mismatch", 0, 18},
             {"nvrm_mismatch", 0, 18},
             {"smi_no_comm", 0, 9},
             {"nvml_not_loaded", 0, 9},
             {"smi_no_library", 0, 12},
             {"nvml_unknown", 0, 999},
             {"nvml_permission", 0, 4},
             {"smi_blocked", 0, 17},
             {"nvml_no_gpu", 0, 28},
             {"smi_lost", 0, 15},
             {"smi_reset", 0, 16}};

/* The runtime's numbers before CUDA 10.1 that mean something else or nothing today (driver_types.h of 10.0). */
static const struct {
    int old, now;
} old_codes[] = {{8, 98},   {10, 101}, {30, 999}, {38, 100}, {39, 214}, {48, 209}, {59, 710}, {63, 304},
                 {71, 801}, {77, 700}, {79, 802}, {80, 803}, {81, 804}, {4, 719},  {6, 702},  {7, 701}};

static void add_code(struct reading *reading, enum error_api api, int64_t code) {
    struct error_entry entry;
    if (api == ERROR_CUDA)
        for (size_t i = 0; i < sizeof old_codes / sizeof *old_codes; i++)
            if (old_codes[i].old == code)
                code = old_codes[i].now;
    const char *number = arena_printf(reading->arena, "%lld", (long long)code);
    bool named = knowledge_error(reading->knowledge, api, (int)code, &entry) == 0 && entry.name;
    reading_message(reading, api == ERROR_CUDA ? "cuda_error" : "nvml_error", span_of(number),
                    span_of(named ? entry.name : ""));
}

/* "cuda_error" rows of the table: a number, or a name in the driver's or the runtime's spelling. */
static void code_of_match(struct reading *reading, struct span argument) {
    int64_t code;
    struct error_entry entry;
    if (span_to_number(argument, 10, &code) == 0) {
        if (code > 0 && code < 1000)
            add_code(reading, ERROR_CUDA, code);
    } else if (knowledge_error_by_name(reading->knowledge, argument, &entry) == 0) {
        add_code(reading, entry.api, entry.code);
    }
}

/* Errors told in the library's words only: "CUDA error: shared object initialization failed". Those that have a
 * message of their own come with their number from that. */
static void code_of_words(struct reading *reading, enum error_api api, struct span words) {
    struct error_entry entry;
    if (knowledge_error_by_text(reading->knowledge, api, words, &entry) == 0)
        add_code(reading, api, entry.code);
}

static void code_of_id(struct reading *reading, const char *id) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].id, id) == 0)
            add_code(reading, codes[i].cuda ? ERROR_CUDA : ERROR_NVML,
                     codes[i].cuda ? codes[i].cuda : codes[i].nvml);
}

/* --- messages ------------------------------------------------------------------------------------------------ */

static bool is_failure(const char *kind) {
    return text_has(kind, "error") || text_has(kind, "nvidia-smi") || text_has(kind, "container") ||
           text_has(kind, "kernel") || text_has(kind, "scheduler");
}

static size_t block_at(const struct reading *reading, size_t line) {
    size_t low = 0, high = reading->blocks.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (reading->blocks.items[middle].first <= line)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Puts the reading into the block and at the line of an offset of the page. */
static void go_to(struct reading *reading, size_t offset, struct line *line) {
    size_t index = page_line_at(reading->page, offset);
    line_classify(page_line(reading->page, index), index + 1, line);
    reading->line = line;
    reading->source = NULL;
    reading->facts = reading->blocks.items[block_at(reading, index + 1)].facts;
}

static struct span group(const struct message_match *match, size_t wanted) {
    size_t seen = 0;
    for (size_t i = 1; i <= MESSAGE_GROUPS; i++)
        if (match->group[i].ptr && seen++ == wanted)
            return match->group[i];
    return (struct span){"", 0};
}

/* "torch-1.13.1+cu117-cp310-cp310-linux_x86_64.whl" and "torch (1.12.1+cu116)" as "torch==1.13.1+cu117". */
static struct span requirement_of(struct reading *reading, struct span text) {
    size_t start = 0;
    if (span_ends(text, ".whl"))
        for (size_t i = 0; i < text.len; i++)
            if (text.ptr[i] == '/' || text.ptr[i] == '\\')
                start = i + 1;
    struct span name = span_slice(text, start, text.len), version;
    bool wheel = span_ends(text, ".whl") && after_key(name, "torch-", &version);
    if (!wheel && !after_key(name, "torch (", &version))
        return text;
    version = release_at(version);
    return span_of(arena_printf(reading->arena, "torch==%.*s", (int)version.len, version.ptr));
}

/* The last file of the traceback that ends at the reader's line, without Python's own. */
static struct span traceback_file(struct reading *reading) {
    enum { LINES = 12 };
    size_t index = reading->line->number - 1;
    for (size_t i = 0; i < LINES && index-- > 0; i++) {
        struct span text = span_trim(page_line(reading->page, index)), file;
        if (span_starts(text, "Traceback"))
            break;
        if (!span_starts(text, "File \"") || !after_key(text, "File \"", &file))
            continue;
        size_t end = span_find(file, "\"");
        file = span_slice(file, 0, end == SIZE_MAX ? file.len : end);
        if (!span_has(file, "ctypes") && !span_has(file, "importlib"))
            return file;
    }
    return (struct span){"", 0};
}

/* Which library is missing where programs name it in words, and who asked for it: the file before it on the line,
 * or the last file of the traceback that does not belong to torch. */
static void complete_library(struct reading *reading, const struct message_match *match, struct span *library,
                             struct span *who) {
    if (!span_has(*library, ".so") && !span_has(*library, ".dll")) {
        bool nvml =
            span_find_nocase(match->group[0], "nvml") != SIZE_MAX || span_has(match->group[0], "libnvidia-ml");
        *library = span_of(nvml ? "libnvidia-ml.so.1" : "libcuda.so.1");
    }
    if (!who->len)
        *who = traceback_file(reading);
}

/* The package that a DLL belongs to, where its path or the traceback above names one other than torch. */
static struct span asker_of_dll(struct reading *reading, struct span path, struct span words) {
    static const char *const packages[] = {"torchvision",  "torchaudio", "torchtext",    "xformers", "mmcv",
                                           "detectron2",   "flash_attn", "torch_",       "apex",     "pytorch3d",
                                           "bitsandbytes", "spconv",     "sageattention"};
    struct span line = span_trim(page_line(reading->page, reading->line->number - 1));
    if (span_has(line, "Failed to load image Python extension"))
        return span_of("torchvision/io/image.py");
    struct span file = path;
    if (!span_has(path, "site-packages") && span_has(words, "while importing")) {
        file = traceback_file(reading);
        if (span_has(words, "_cuda"))
            return file.len ? file : span_trim(words);
    }
    size_t at = span_find(file, "site-packages");
    if (at == SIZE_MAX)
        return (struct span){"", 0};
    struct span package = span_slice(file, at + strlen("site-packages"), file.len);
    while (package.len && (package.ptr[0] == '\\' || package.ptr[0] == '/'))
        package = span_slice(package, 1, package.len);
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
        if (span_starts(package, packages[i]))
            return package;
    return (struct span){"", 0};
}

static void read_match(struct reading *reading, const struct message_match *match, size_t offset,
                       struct span text) {
    struct line line;
    const char *id = match->message->id;
    go_to(reading, offset + match->start, &line);
    struct block *block = &reading->blocks.items[block_at(reading, line.number)];
    if (is_failure(match->message->kind))
        block->failed = true;
    if (strcmp(id, "cuda_error") == 0) {
        code_of_match(reading, group(match, 0));
        return;
    }
    if (strcmp(id, "cuda_error_text") == 0 || strcmp(id, "nvml_error_text") == 0) {
        code_of_words(reading, id[0] == 'c' ? ERROR_CUDA : ERROR_NVML, group(match, 0));
        return;
    }
    if (strcmp(id, "nvml_error_code") == 0) {
        int64_t code;
        if (span_to_number(group(match, 0), 10, &code) == 0 && code > 0 && code < 1000)
            add_code(reading, ERROR_NVML, code);
        return;
    }
    struct span first = group(match, 0), second = group(match, 1);
    if (strcmp(id, "undefined_symbol") == 0 && second.len && span_has(first, ".so")) { /* the file stands before */
        struct span file = first;
        first = second;
        second = file;
    }
    if (strcmp(id, "pip_no_match") == 0)
        first = requirement_of(reading, first);
    if (strcmp(id, "dll_missing") == 0 && !second.len)
        second = asker_of_dll(reading, first, match->group[0]);
    if (strcmp(id, "dll_missing") == 0)
        for (size_t i = first.len; i-- > 0;)
            if (first.ptr[i] == '\\' || first.ptr[i] == '/') {
                first = span_slice(first, i + 1, first.len);
                break;
            }
    if (strcmp(id, "ext_not_built") == 0 && !first.len)
        first = second = traceback_file(reading);
    if (strcmp(id, "library_missing") == 0)
        complete_library(reading, match, &first, &second);
    size_t before = reading->facts->printed.messages.count;
    reading_message(reading, id, first, second);
    if (reading->facts->printed.messages.count == before)
        return;
    static const char *const kinds[][2] = {{"smi_", "nvidia-smi"}, {"kernel_", "kernel log"}, {"pip_", "pip"}};
    const char *kind = "message";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(id, kinds[i][0], strlen(kinds[i][0])) == 0)
            kind = kinds[i][1];
    reading_kind(reading, kind);
    struct printed_message row = reading->facts->printed.messages.items[before];
    code_of_id(reading, id);
    if (strcmp(id, "unexpected_count_error") == 0)
        code_of_match(reading, group(match, 0));
    message_facts(reading, &row, span_slice(text, match->start, match->start + 1200));
}

/* Is a message of this id in the block of an offset already? */
static bool has_message(const struct reading *reading, const char *id, size_t offset) {
    size_t line = page_line_at(reading->page, offset) + 1;
    const struct snapshot *facts = reading->blocks.items[block_at(reading, line)].facts;
    for (size_t i = 0; i < facts->printed.messages.count; i++)
        if (text_eq(facts->printed.messages.items[i].id.value, id))
            return true;
    return false;
}

static int by_start(const void *a, const void *b) {
    const struct message_match *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* --- messages that a terminal wrapped ------------------------------------------------------------------------ */

enum { WRAP_WIDTH = 60, WRAP_LINES = 10 }; /* no terminal is narrower; no message of one paragraph is longer */

static bool starts_error(struct span line) {
    static const char *const words[] = {"Error: ", "Warning: ", "Exception: ", "error: "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_has(line, words[i]))
            return true;
    return false;
}

static bool goes_on(struct span line) {
    return line.len && isalnum((unsigned char)line.ptr[0]) && !span_starts(line, "File ") &&
           !span_starts(line, "Traceback ");
}

/* Where the paragraph ends that begins at `start`, and how many lines it has. A line that is not full ends it. */
static size_t paragraph_end(struct span text, size_t start, size_t *ret_lines) {
    size_t end = start;
    for (*ret_lines = 1;; ++*ret_lines) {
        const char *newline = memchr(text.ptr + end, '\n', text.len - end);
        size_t stop = newline ? (size_t)(newline - text.ptr) : text.len;
        size_t length = stop - end;
        end = stop;
        if (!newline || length < WRAP_WIDTH || *ret_lines == WRAP_LINES ||
            !goes_on(span_slice(text, stop + 1, text.len)))
            return end;
        end++;
    }
}

/* One blank for each end of a line and the blanks before it. */
static struct span on_one_line(struct arena *arena, struct span paragraph) {
    char *joined = arena_alloc(arena, paragraph.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < paragraph.len; i++) {
        bool line_end = paragraph.ptr[i] == '\n';
        while (line_end && length && joined[length - 1] == ' ')
            length--;
        joined[length++] = line_end ? ' ' : paragraph.ptr[i];
    }
    return (struct span){joined, length};
}

/* rich and others break an error's words at the terminal's width, where the expressions have a blank: each
 * paragraph that begins with an error is read again on one line. */
static void read_wrapped(struct reading *reading, const struct message_set *set, struct span text, size_t offset) {
    enum { USUAL = 8 };
    struct message_match matches[USUAL];
    for (size_t start = 0; start < text.len;) {
        const char *newline = memchr(text.ptr + start, '\n', text.len - start);
        size_t end = newline ? (size_t)(newline - text.ptr) : text.len, lines = 1;
        if (starts_error(span_slice(text, start, end)))
            end = paragraph_end(text, start, &lines);
        if (lines > 1) {
            struct span paragraph = on_one_line(reading->arena, span_slice(text, start, end));
            size_t count = message_find(set, paragraph, matches, USUAL);
            for (size_t i = 0; i < count && i < USUAL; i++)
                if (!has_message(reading, matches[i].message->id, offset + start))
                    read_match(reading, &matches[i], offset + start, paragraph);
        }
        start = end + 1;
    }
}

/* --- the kernel's log ---------------------------------------------------------------------------------------- */

struct log_context {
    struct reading *reading;
    struct span text;
    size_t offset;
    size_t count;
};

static bool add_log_line(void *memory, const struct kernel_hit *hit) {
    struct log_context *context = memory;
    struct reading *reading = context->reading;
    struct line line;
    go_to(reading, context->offset + hit->start, &line);
    struct log_line *row = READING_PUSH(reading, &reading->facts->driver.kernel_log);
    if (!row)
        return false;
    note_text(reading, &row->id, span_of(hit->id));
    note_text(reading, &row->text, span_slice(context->text, hit->start, hit->end));
    if (hit->address.ptr)
        note_text(reading, &row->address, hit->address);
    if (hit->xid >= 0)
        note_number(reading, &row->xid, hit->xid);
    reading_kind(reading, "kernel log");
    reading->blocks.items[block_at(reading, line.number)].failed |= strcmp(hit->id, "module_loaded") != 0;
    return ++context->count < LIMIT_REPORT_ROWS;
}

/* A log line begins with the message itself once the page is cleaned; others are no log. */
bool is_log_line(struct span line) {
    static const char *const starts[] = {"NVRM",     "nvidia",   "nouveau",  "Loading of ", "PKCS#7",
                                         "Lockdown", "pcieport", "modprobe", "insmod"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (span_starts(line, starts[i]))
            return true;
    return span_has(line, "was rejected");
}

void messages_read(struct reading *reading, size_t first, size_t last) {
    const struct message_set *set;
    if (!reading->knowledge || !reading->blocks.count || first > last || !first)
        return;
    struct span text = page_lines(reading->page, first - 1, last - 1);
    size_t offset = text.len ? (size_t)(text.ptr - reading->page->text.ptr) : 0;
    const struct line *line = reading->line;
    knowledge_messages(reading->knowledge, &set);
    enum { USUAL = 32, TIMES = 4 };
    struct message_match usual[USUAL], *matches = usual;
    size_t count = set ? message_find_each(set, text, TIMES, matches, USUAL) : 0;
    if (count == USUAL) {
        matches = arena_alloc(reading->arena, LIMIT_REPORT_MESSAGES * sizeof *matches);
        count = message_find_each(set, text, TIMES, matches, LIMIT_REPORT_MESSAGES);
    }
    qsort(matches, count, sizeof *matches, by_start);
    for (size_t i = 0; i < count; i++)
        read_match(reading, &matches[i], offset, text);
    if (set)
        read_wrapped(reading, set, text, offset);
    if (reading->has_log) {
        struct log_context context = {reading, text, offset, 0};
        kernel_message_find(reading->knowledge, text, add_log_line, &context);
    }
    reading->line = line;
    reading->source = NULL;
}
