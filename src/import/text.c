/* Any pasted text: cleaned, cut into lines, and shown to every importer. */
#include "base/text.h"
#include "base/limits.h"
#include "import/combine.h"
#include "import/import.h"
#include "import/importer.h"
#include "import/messages.h"
#include "import/place.h"

static const struct importer *const importers[] = {
    &import_nvidia_smi, &import_nvidia_smi_q, &import_pci,     &import_modules, &import_nodes,
    &import_loader,     &import_packages,     &import_install, &import_environ, &import_python,
    &import_traceback,  &import_container,    &import_windows, &import_macos,   &import_jetson,
    &import_toolkit,    &import_collect_env,  &import_banner,  &import_mentions};
enum { IMPORTERS = sizeof importers / sizeof *importers };

struct states {
    void *items[IMPORTERS];
};

/* --- commands ------------------------------------------------------------------------------------------------ */

/* Without sudo, env, time, assignments and an environment's name: "docker run …". */
static struct span strip_command(struct span command) {
    static const char *const fronts[] = {"sudo ", "env ", "time ", "nohup ", "exec ", "command "};
    for (int round = 0; round < 8; round++) {
        struct span before = command;
        size_t length = assignment_length(command);
        command = span_trim(span_slice(command, length, command.len));
        for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
            if (span_starts(command, fronts[i]))
                command = span_trim(span_slice(command, strlen(fronts[i]), command.len));
        while (span_starts(command, "-") && before.len != command.len) { /* sudo -E */
            struct span option;
            span_next_word(&command, &option);
            command = span_trim(command);
        }
        if (command.len == before.len)
            break;
    }
    return command;
}

static void command_done(struct reading *reading, struct states *states) {
    if (!reading->command.len)
        return;
    for (size_t i = 0; i < IMPORTERS; i++)
        if (importers[i]->done)
            importers[i]->done(reading, states->items[i]);
    reading->command = reading->program = (struct span){"", 0};
}

static void record_command(struct reading *reading, struct span text) {
    struct printed_command *row = READING_PUSH(reading, &reading->facts->printed.commands);
    if (!row)
        return;
    note_number(reading, &row->line, (int64_t)reading->line->number);
    note_text(reading, &row->text, span_slice(text, 0, LIMIT_REPORT_COMMAND));
    if (place_name(reading->place))
        note_word(reading, &row->place, place_name(reading->place));
}

/* "(yolo) C:\>", "(llama) user@host:~$": the environment that is active. */
static void prompt_environment(struct reading *reading, const struct line *line) {
    if (!line->prompt.len || line->prompt.ptr[0] != '(')
        return;
    size_t close = span_find(line->prompt, ")");
    struct span name = span_slice(line->prompt, 1, close == SIZE_MAX ? 1 : close);
    if (!name.len || name.len > 60 || span_eq(name, "host") || span_eq(name, "container"))
        return;
    note_text(reading, &reading_python(reading)->name, name);
}

static void read_command(struct reading *reading, struct states *states, const struct line *line) {
    command_done(reading, states);
    reading->command = strip_command(line->text);
    struct span rest = reading->command, program;
    span_next_word(&rest, &program);
    size_t slash = program.len;
    while (slash && program.ptr[slash - 1] != '/')
        slash--;
    reading->program = span_slice(program, slash, program.len);
    place_of_command(reading, line);
    reading_open_block(reading);
    reading->output_lines = 0;
    record_command(reading, line->text);
    prompt_environment(reading, line);
    for (size_t i = 0; i < IMPORTERS; i++)
        if (importers[i]->command)
            importers[i]->command(reading, states->items[i]);
    if (reading->place == PLACE_CONTAINER) /* where no engine's name was typed */
        note_word(reading, &reading->facts->system.container, "container");
}

/* A command that goes on in the next lines: "\", "^" of cmd.exe, "`" of PowerShell at the end of the line. */
static bool goes_on(struct span text) {
    return text.len > 1 && strchr("\\^`", text.ptr[text.len - 1]) &&
           (text.ptr[text.len - 2] == ' ' || text.ptr[text.len - 1] == '\\');
}

/* Joins the lines of a command; returns the index of its last line. */
static size_t join_command(struct reading *reading, size_t index, struct line *line) {
    enum { LINES = 64 };
    if (!goes_on(line->text))
        return index;
    AUTO_BUFFER joined = BUFFER_INIT(LIMIT_REPORT_COMMAND);
    struct span text = line->text;
    for (size_t i = 0; i < LINES; i++) {
        bool more = goes_on(text);
        buffer_add_span(&joined, span_trim(span_slice(text, 0, more ? text.len - 1 : text.len)));
        if (!more || index + 1 >= reading->page->starts.count)
            break;
        buffer_add(&joined, " ", 1);
        text = span_trim(page_line(reading->page, ++index));
    }
    const char *copy = text_clean(reading->arena, buffer_span(&joined));
    line->text = span_of(copy);
    return index;
}

/* --- lines --------------------------------------------------------------------------------------------------- */

static void read_line(struct reading *reading, struct states *states, const struct line *line) {
    if (line->kind == LINE_BLANK)
        return;
    enum place before = reading->place;
    if (line->kind == LINE_REMARK)
        place_of_remark(reading, line);
    if (reading->place != before) {
        reading_open_block(reading);
        if (reading->place == PLACE_CONTAINER)
            note_word(reading, &reading->facts->system.container, "container");
    }
    if (line->kind == LINE_OUTPUT)
        reading->output_lines++;
    for (size_t i = 0; i < IMPORTERS; i++)
        if (importers[i]->line && importers[i]->line(reading, states->items[i]))
            break;
}

/* docker compose on the host shows what its containers print, and its own words between. */
static void place_of_service(struct reading *reading, size_t index, const struct line *line) {
    bool service = page_from_service(reading->page, index);
    if (line->kind == LINE_BLANK || (!service && !reading->compose) || line->kind == LINE_SHELL)
        return;
    bool compose = span_has(reading->command, "compose") && !span_has(reading->command, " exec ");
    bool compose_prints = !reading->command.len || compose;
    if (!service && !compose_prints)
        return; /* the output of a command that was typed since */
    enum place place = service ? PLACE_CONTAINER : PLACE_HOST;
    bool after = reading->compose && !service && reading->place != PLACE_CONTAINER;
    reading->compose |= service;
    if (reading->place == place || after)
        return;
    reading->place = place;
    reading_open_block(reading);
    if (service)
        note_word(reading, &reading->facts->system.container, "docker");
}

static void read_lines(struct reading *reading, struct states *states) {
    struct line line;
    for (size_t i = 0; i < reading->page->starts.count; i++) {
        line_classify(page_line(reading->page, i), i + 1, &line);
        reading->line = &line;
        reading->source = NULL;
        reading->has_log |= is_log_line(line.text);
        place_of_service(reading, i, &line);
        if (line.kind == LINE_SHELL) {
            i = join_command(reading, i, &line);
            read_command(reading, states, &line);
        } else {
            read_line(reading, states, &line);
        }
        reading->blocks.items[reading->blocks.count - 1].last = i + 1;
        reading->blocks.items[reading->blocks.count - 1].place = reading->place;
    }
    reading->source = NULL;
    command_done(reading, states);
    reading->line = NULL;
}

struct snapshot *import_text(struct span text, struct knowledge *knowledge) {
    struct snapshot *snapshot = snapshot_new("text");
    AUTO_PAGE page;
    page_read(&page, text);
    if (page.binary) {
        set_unknown(&snapshot->printed.lines, "the input is no text", "text");
        return snapshot;
    }
    set_number(&snapshot->printed.lines, (int64_t)page.lines, "text");
    if (page.cut)
        set_flag(&snapshot->printed.cut, true, "text");
    struct reading reading = {.arena = &snapshot->arena, .knowledge = knowledge, .page = &page};
    struct states states;
    for (size_t i = 0; i < IMPORTERS; i++)
        states.items[i] = importers[i]->state_size ? arena_alloc(reading.arena, importers[i]->state_size) : NULL;
    reading_open_block(&reading);
    read_lines(&reading, &states);
    messages_read(&reading, 1, page.starts.count);
    blocks_combine(&reading, snapshot);
    return snapshot;
}
