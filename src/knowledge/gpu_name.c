#include "knowledge/gpu_name.h"

#include <ctype.h>
#include <stdio.h>

#include "base/list.h"
#include "base/text.h"

enum { NAME_MAX_LENGTH = 128, NAME_WORDS = 24 };

struct split_name {
    char words[NAME_MAX_LENGTH + 2], key[NAME_MAX_LENGTH + 2];
    bool brand;
};

static bool is_one_of(struct span word, const char *const *list) {
    for (; *list; list++)
        if (span_eq(word, *list))
            return true;
    return false;
}

/* "80gb", "16g", and the profile of a virtual GPU: "8q", "40c". */
static bool is_size(struct span word) {
    size_t digits = 0;
    while (digits < word.len && isdigit((unsigned char)word.ptr[digits]))
        digits++;
    static const char *const units[] = {"gb", "g", "gib", "mb", "q", "c", "a", "b", NULL};
    return digits && digits < word.len && is_one_of(span_slice(word, digits, word.len), units);
}

/* Words that do not change which chip it is. */
static bool is_filler(struct span word) {
    static const char *const fillers[] = {
        "geforce",   "gpu",       "graphics", "card",  "laptop",  "mobile",     "notebook", "max",
        "q",         "maxq",      "design",   "with",  "edition", "generation", "gb",       "workstation",
        "server",    "blackwell", "nvgpu",    "pcie",  "sxm",     "sxm2",       "sxm3",     "sxm4",
        "sxm5",      "sxm6",      "hbm2",     "hbm2e", "hbm3",    "hbm3e",      "r",        "tm",
        "developer", "kit",       "devkit",   NULL};
    return is_one_of(word, fillers) || is_size(word);
}

static bool is_brand(struct span word) {
    static const char *const brands[] = {"quadro", "tesla", "nvs", "grid", NULL};
    return is_one_of(word, brands);
}

/* Lower-case words of a name, up to "mig" (an instance is of its GPU's kind). Their count. */
static size_t split_words(struct span name, char *text, struct span *words) {
    size_t count = 0, len = 0;
    for (size_t i = 0; i < name.len && i < NAME_MAX_LENGTH; i++)
        text[len++] = isalnum((unsigned char)name.ptr[i]) ? (char)tolower((unsigned char)name.ptr[i]) : ' ';
    struct span rest = span_from(text, len), word;
    while (count < NAME_WORDS && span_next_word(&rest, &word) && !span_eq(word, "mig"))
        if (!span_eq(word, "nvidia") && !span_eq(word, "corporation"))
            words[count++] = word;
    return count;
}

static void append(char *text, struct span word, bool blank) {
    size_t len = strlen(text);
    if (blank && len)
        text[len++] = ' ';
    memcpy(text + len, word.ptr, word.len); /* never longer than the name it came from */
    text[len + word.len] = '\0';
}

static bool all_digits(struct span word) {
    for (size_t i = 0; i < word.len; i++)
        if (!isdigit((unsigned char)word.ptr[i]))
            return false;
    return word.len != 0;
}

static void split(struct span name, struct split_name *split) {
    char text[NAME_MAX_LENGTH];
    struct span words[NAME_WORDS];
    size_t count = split_words(name, text, words);
    *split = (struct split_name){0};
    for (size_t i = 0; i < count; i++) {
        append(split->words, words[i], true);
        if (is_brand(words[i]))
            split->brand = true;
        else if (!is_filler(words[i]) && !(all_digits(words[i]) && i + 1 < count && span_eq(words[i + 1], "gb")))
            append(split->key, words[i], false);
    }
}

void gpu_names_add(struct arena *arena, struct gpu_names *names, struct span name, int capability,
                   const char *row) {
    struct split_name parts;
    split(name, &parts);
    if (!parts.key[0])
        return;
    LIST_PUSH(arena, names) = (struct gpu_name){.words = arena_copy(arena, parts.words),
                                                .key = arena_copy(arena, parts.key),
                                                .brand = parts.brand,
                                                .capability = capability,
                                                .row = row};
}

/* The key stands in the other one as a part of its own: "rtx4000" in "rtx4000ada", not "p4" in "p400". */
static bool key_within(const char *key, const char *other) {
    size_t len = strlen(key);
    for (const char *at = strstr(other, key); at; at = strstr(at + 1, key)) {
        bool starts = at == other || !isdigit((unsigned char)at[-1]) != !isdigit((unsigned char)at[0]);
        bool ends = !at[len] || !isdigit((unsigned char)at[len]) != !isdigit((unsigned char)at[len - 1]);
        if (starts && ends)
            return true;
    }
    return false;
}

static const struct gpu_name *find_key(const struct gpu_names *names, const char *key, bool brand) {
    const struct gpu_name *found = NULL;
    for (size_t i = 0; i < names->count; i++) {
        const struct gpu_name *name = &names->items[i];
        if (strcmp(name->key, key) != 0)
            continue;
        if (found && found->capability != name->capability)
            return NULL;
        found = found ? found : name;
    }
    if (!found || !found->brand || brand)
        return found;
    /* "RTX 4000" is a Quadro to some and an Ada card to others. */
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].capability != found->capability && key_within(key, names->items[i].key))
            return NULL;
    return found;
}

const struct gpu_name *gpu_names_find(const struct gpu_names *names, struct span name) {
    struct split_name parts;
    split(name, &parts);
    if (!parts.key[0])
        return NULL;
    const struct gpu_name *found = NULL;
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].words, parts.words) != 0)
            continue;
        if (found && found->capability != names->items[i].capability)
            return NULL;
        found = found ? found : &names->items[i];
    }
    if (!found)
        found = find_key(names, parts.key, parts.brand);
    if (!found && isdigit((unsigned char)parts.key[0]) && !parts.brand) {
        char key[NAME_MAX_LENGTH + 8];
        snprintf(key, sizeof key, "rtx%s", parts.key);
        found = find_key(names, key, false);
        if (!found) {
            snprintf(key, sizeof key, "gtx%s", parts.key);
            found = find_key(names, key, false);
        }
    }
    return found;
}
