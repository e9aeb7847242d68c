/* What remarks and loose lines tell in passing: "# Tesla P40, driver 470.57.02, Ubuntu 22.04". Used only where no
 * program said more. */
#include <ctype.h>

#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"
#include "knowledge/gpu.h"

/* Words that begin the name of a GPU, or are one. */
static const char *const starts[] = {
    "RTX",  "GTX",   "GeForce", "Tesla", "Quadro", "TITAN", "Titan", "NVIDIA", "Nvidia", "A100", "A10",
    "A10G", "A30",   "A40",     "A6000", "A5000",  "A4000", "H100",  "H200",   "H20",    "H800", "A800",
    "V100", "P100",  "P40",     "P4",    "K80",    "K40",   "T4",    "L4",     "L40",    "L40S", "B200",
    "GB10", "GB200", "GH200",   "T1000", "M40",    "M60",   "MX150", "MX450",  "3090",   "4090", "5090"};

/* May a word stand in a GPU's name? Most have a digit. */
static bool is_name_word(struct span word) {
    static const char *const words[] = {"Ti",     "SUPER",      "Super", "Laptop", "GPU",     "Max-Q", "PCIe",
                                        "NVL",    "Ada",        "RTX",   "GTX",    "GeForce", "Tesla", "Quadro",
                                        "TITAN",  "Titan",      "Xp",    "X",      "V",       "Z",     "Black",
                                        "Mobile", "Generation", "SXM",   "Jetson", "with",    "Design"};
    for (size_t i = 0; i < word.len; i++)
        if (isdigit((unsigned char)word.ptr[i]))
            return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_eq(word, words[i]))
            return true;
    return false;
}

static bool has_digit(struct span text) {
    for (size_t i = 0; i < text.len; i++)
        if (isdigit((unsigned char)text.ptr[i]))
            return true;
    return span_find_nocase(text, "titan") != SIZE_MAX;
}

/* The longest run of words at `text` that the tables know as a GPU. */
static size_t gpu_length(struct reading *reading, struct span text, struct gpu_model *ret_model) {
    enum { WORDS = 6 };
    size_t ends[WORDS], count = 0, at = 0;
    while (count < WORDS && at < text.len) {
        while (at < text.len && text.ptr[at] == ' ')
            at++;
        size_t start = at;
        while (at < text.len && !strchr(" ,;()|'\"\t", text.ptr[at]))
            at++;
        if (at == start || (count && !is_name_word(span_slice(text, start, at))))
            break;
        ends[count++] = at;
        if (at < text.len && text.ptr[at] != ' ')
            break;
    }
    while (count--)
        if (has_digit(span_slice(text, 0, ends[count])) &&
            knowledge_gpu_by_name(reading->knowledge, span_slice(text, 0, ends[count]), ret_model) == 0)
            return ends[count];
    return 0;
}

static void gpus(struct reading *reading, struct span text) {
    struct gpu_model model;
    for (size_t at = 0; at < text.len;) {
        unsigned char c = (unsigned char)text.ptr[at];
        bool word = (isupper(c) || isdigit(c)) && (at == 0 || !isalnum((unsigned char)text.ptr[at - 1]));
        size_t length = 0;
        for (size_t i = 0; word && !length && i < sizeof starts / sizeof *starts; i++)
            if (span_starts(span_slice(text, at, text.len), starts[i]))
                length = gpu_length(reading, span_slice(text, at, text.len), &model);
        if (length && reading->gpu_count < sizeof reading->gpus / sizeof *reading->gpus)
            reading->gpus[reading->gpu_count++] = (struct mention){
                text_clean(reading->arena, span_slice(text, at, at + length)), reading_source(reading)};
        at += length ? length : 1;
    }
}

/* "driver 470.57.02", "Driver 528.49)", "NVIDIA driver 465.21" */
static void driver(struct reading *reading, struct span text) {
    static const char *const words[] = {"driver version ", "Driver version ", "driver ",
                                        "Driver ",         "driver: ",        "Driver: ",
                                        "drivers ",        "driver v",        "Driver version: "};
    struct driver_version version;
    for (size_t i = 0; !reading->driver.text && i < sizeof words / sizeof *words; i++) {
        size_t at = span_find(text, words[i]);
        if (at == SIZE_MAX)
            continue;
        struct span number = version_at(span_slice(text, at + strlen(words[i]), text.len));
        if (number.len >= 3 && driver_version_parse(number, &version) == 0 && version.part[0] >= 100 &&
            version.part[0] < 1000)
            reading->driver = (struct mention){text_clean(reading->arena, number), reading_source(reading)};
    }
}

/* "Ubuntu 22.04" anywhere, other systems only in remarks: compilers and packages carry their names, too. */
static void system_name(struct reading *reading, struct span text, bool remark) {
    size_t at = span_find(text, "Ubuntu ");
    struct span rest = span_slice(text, at == SIZE_MAX ? text.len : at + 7, text.len);
    bool release = rest.len >= 5 && isdigit((unsigned char)rest.ptr[0]) && isdigit((unsigned char)rest.ptr[1]) &&
                   (memcmp(rest.ptr + 2, ".04", 3) == 0 || memcmp(rest.ptr + 2, ".10", 3) == 0);
    if (release) {
        read_os_name(reading, span_slice(text, at, at + 7 + version_at(rest).len));
    } else if (remark && text.len < 100) {
        struct span rest_of = text, part;
        while (span_next_field(&rest_of, ',', &part))
            read_os_name(reading, span_trim(part));
    }
}

static bool is_talk(struct span text) {
    static const char *const words[] = {"NVRM",         "File \"",       "Traceback",         "http",
                                        "Error:",       "site-packages", "is not compatible", "If you want to use",
                                        "was detected", "or newer",      "or later"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_has(text, words[i]))
            return true;
    return text.len > 240;
}

static bool read_line(struct reading *reading, void *memory) {
    (void)memory;
    struct span text = reading->line->text;
    bool remark = reading->line->kind == LINE_REMARK, digit = false;
    for (size_t i = 0; i < text.len && !digit; i++)
        digit = isdigit((unsigned char)text.ptr[i]);
    if (!digit && !remark) /* neither a GPU nor a version */
        return false;
    if (is_talk(text))
        return false;
    system_name(reading, text, remark);
    if (span_find_nocase(text, "driver") != SIZE_MAX)
        driver(reading, text);
    if (reading->knowledge)
        gpus(reading, text);
    return false;
}

const struct importer import_mentions = {0, read_line, NULL, NULL};
