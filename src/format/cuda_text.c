#include "format/cuda_text.h"

#include <jansson.h>

#include "base/text.h"

static const char *part_version(const json_t *json, const char *part) {
    return json_string_value(json_object_get(json_object_get(json, part), "version"));
}

static bool ends_in_date(const char *version) {
    const char *dot = strrchr(version, '.');
    return dot && strspn(dot + 1, "0123456789") >= 6;
}

const char *cuda_version_json(struct arena *arena, struct span text) {
    json_error_t error;
    json_t *json = json_loadb(text.ptr ? text.ptr : "", text.len, 0, &error);
    const char *version = part_version(json, "cuda"), *nvcc = part_version(json, "cuda_nvcc");
    if (nvcc && (!version || ends_in_date(version)))
        version = nvcc;
    const char *result = version ? text_clean(arena, span_of(version)) : NULL;
    json_decref(json);
    return result;
}

const char *cuda_version_txt(struct arena *arena, struct span text) {
    static const char mark[] = "CUDA Version ";
    size_t at = span_find(text, mark);
    struct span rest, word;
    if (at == SIZE_MAX)
        return NULL;
    rest = span_slice(text, at + sizeof mark - 1, text.len);
    return span_next_word(&rest, &word) ? text_clean(arena, word) : NULL;
}

int cuda_version_header(struct span text, const char *macro) {
    struct span line, word;
    int64_t number;
    while (span_next_line(&text, &line)) {
        if (!span_starts(line, "#define") || !span_next_word(&line, &word) || !span_next_word(&line, &word) ||
            !span_eq(word, macro) || !span_next_word(&line, &word))
            continue;
        if (span_to_number(word, 10, &number) == 0 && number >= 1000 && number < 1000000)
            return (int)number;
    }
    return 0;
}

/* "__GNUC__ > 13": the number behind the operator; `> N` allows N, `>= N` allows N - 1. 0: no such comparison. */
static int limit_in(struct span line, const char *name) {
    struct span rest = line, word, digits;
    for (size_t at; (at = span_find(rest, name)) != SIZE_MAX;) {
        rest = span_slice(rest, at + strlen(name), rest.len);
        struct span after = rest;
        int64_t number;
        if (!span_next_word(&after, &word) || word.ptr[0] != '>' || !span_next_word(&after, &digits))
            continue;
        size_t len = 0;
        while (len < digits.len && digits.ptr[len] >= '0' && digits.ptr[len] <= '9')
            len++;
        if (span_to_number(span_slice(digits, 0, len), 10, &number) < 0 || number < 3 || number > 999)
            continue;
        return (int)number - (span_eq(word, ">=") ? 1 : 0);
    }
    return 0;
}

struct cuda_limits cuda_host_limits(struct span text) {
    struct cuda_limits limits = {0};
    struct span line;
    while (span_next_line(&text, &line)) {
        if (!span_starts(line, "#if"))
            continue;
        int gcc = limit_in(line, "__GNUC__"), clang = limit_in(line, "__clang_major__");
        limits.gcc = gcc > limits.gcc ? gcc : limits.gcc;
        limits.clang = clang > limits.clang ? clang : limits.clang;
    }
    return limits;
}
