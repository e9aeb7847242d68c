/* nvidia-smi -q: what it tells of a GPU's health. Sections stand above their keys, without a value of their own:
 *
 *     Remapped Rows
 *         Uncorrectable Error               : 4
 *         Pending                           : Yes
 *
 * Names, memory, licence and modes have the same keys as other reports and are read with those (collect_env.c).
 * Source: strings of nvidia-smi 470.256.02 and 550.163.01; NVIDIA, "nvidia-smi" manual. */
#include "base/text.h"
#include "import/importer.h"

enum section { SECTION_OTHER, SECTION_REMAPPED, SECTION_RETIRED, SECTION_RESET };

struct smi_q {
    enum section section;
    size_t gpu; /* which one, in the order of the report */
    bool seen;  /* a header of a GPU */
};

static const struct {
    const char *title;
    enum section section;
} sections[] = {
    {"Remapped Rows", SECTION_REMAPPED}, {"Retired Pages", SECTION_RETIRED}, {"GPU Reset Status", SECTION_RESET}};

static struct nvml_gpu *gpu_of(struct reading *reading, const struct smi_q *state) {
    struct nvml_gpu_rows *rows = &reading->facts->compute.gpus;
    while (rows->count <= state->gpu) {
        struct nvml_gpu *gpu = READING_PUSH(reading, rows);
        if (!gpu)
            return NULL;
        note_number(reading, &gpu->index, (int64_t)rows->count - 1);
    }
    return &rows->items[state->gpu];
}

static void flag(struct reading *reading, struct flag_fact *fact, struct span value) {
    if (span_eq(value, "Yes") || span_eq(value, "No"))
        note_flag(reading, fact, span_eq(value, "Yes"));
}

static void number(struct reading *reading, struct number_fact *fact, struct span value) {
    int64_t count;
    if (span_to_number(value, 10, &count) == 0)
        note_number(reading, fact, count);
}

static void remapped(struct reading *reading, struct nvml_gpu *gpu, struct span key, struct span value) {
    if (span_eq(key, "Uncorrectable Error"))
        number(reading, &gpu->remapped_rows, value);
    else if (span_eq(key, "Pending"))
        flag(reading, &gpu->remap_pending, value);
    else if (span_eq(key, "Remapping Failure Occurred"))
        flag(reading, &gpu->remap_failed, value);
}

static void retired(struct reading *reading, struct nvml_gpu *gpu, struct span key, struct span value) {
    if (span_eq(key, "Double Bit ECC"))
        number(reading, &gpu->retired_pages, value);
    else if (span_starts(key, "Pending")) /* "Pending Page Blacklist", "Pending" before 460 */
        flag(reading, &gpu->retired_pending, value);
}

/* "Reset", "Reboot", "Drain P2P", "Drain and Reset" since 550; before it a section of two flags. */
static void recovery(struct reading *reading, struct nvml_gpu *gpu, struct span value) {
    static const char *const words[][2] = {{"None", "none"},
                                           {"Reset", "reset"},
                                           {"Reboot", "reboot"},
                                           {"Drain P2P", "drain-p2p"},
                                           {"Drain and Reset", "drain-and-reset"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_eq(value, words[i][0]))
            note_word(reading, &gpu->recovery_action, words[i][1]);
}

/* "GPU 00000000:3B:00.0" */
static bool header_of_gpu(struct span text) {
    return span_starts(text, "GPU ") && text.len >= 16 && text.len <= 24 && span_ends(text, ".0") &&
           memchr(text.ptr, ':', text.len) && !memchr(text.ptr + 4, ' ', text.len - 4);
}

static bool read_line(struct reading *reading, void *memory) {
    struct smi_q *state = memory;
    struct span text = span_trim(reading->line->text), key, value;
    if (reading->line->kind != LINE_OUTPUT)
        return false;
    if (header_of_gpu(text)) {
        state->gpu += state->seen;
        state->seen = true;
        state->section = SECTION_OTHER;
        return false;
    }
    size_t colon = span_find(text, ": ");
    if (colon == SIZE_MAX) {
        state->section = SECTION_OTHER;
        for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
            if (span_eq(text, sections[i].title))
                state->section = sections[i].section;
        return false;
    }
    key = span_trim(span_slice(text, 0, colon));
    value = span_trim(span_slice(text, colon + 2, text.len));
    bool action = span_eq(key, "GPU Recovery Action");
    if (!action && state->section == SECTION_OTHER)
        return false;
    struct nvml_gpu *gpu = gpu_of(reading, state);
    if (!gpu)
        return false;
    reading_kind(reading, "nvidia-smi");
    if (action)
        recovery(reading, gpu, value);
    else if (state->section == SECTION_REMAPPED)
        remapped(reading, gpu, key, value);
    else if (state->section == SECTION_RETIRED)
        retired(reading, gpu, key, value);
    else if (span_eq(key, "Reset Required") && span_eq(value, "Yes"))
        note_word(reading, &gpu->recovery_action, "reset");
    else if (span_starts(key, "Drain and Reset") && span_eq(value, "Yes"))
        note_word(reading, &gpu->recovery_action, "drain-and-reset");
    return true;
}

static void read_command(struct reading *reading, void *memory) {
    (void)reading;
    *(struct smi_q *)memory = (struct smi_q){0};
}

const struct importer import_nvidia_smi_q = {sizeof(struct smi_q), read_line, read_command, NULL};
