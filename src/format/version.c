#include "format/version.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Cuts a decimal number off the front. False where there is no digit or it does not fit an int. */
static bool take_number(struct span *rest, unsigned *ret_number) {
    size_t digits = 0;
    uint64_t number = 0;
    while (digits < rest->len && isdigit((unsigned char)rest->ptr[digits])) {
        number = number * 10 + (unsigned)(rest->ptr[digits++] - '0');
        if (number > INT32_MAX)
            return false;
    }
    if (!digits)
        return false;
    *ret_number = (unsigned)number;
    *rest = span_slice(*rest, digits, rest->len);
    return true;
}

static bool take(struct span *rest, const char *text) {
    if (!span_starts_nocase(*rest, text))
        return false;
    *rest = span_slice(*rest, strlen(text), rest->len);
    return true;
}

/* Cuts "1.2.3" off the front: at most `max` parts; a dot that no digit follows is left. */
static unsigned take_parts(struct span *rest, unsigned *parts, unsigned max) {
    unsigned count = 0;
    while (count < max) {
        struct span after = *rest;
        if (count && !take(&after, "."))
            break;
        if (!take_number(&after, &parts[count]))
            break;
        *rest = after;
        count++;
    }
    return count;
}

static int compare_numbers(unsigned a, unsigned b) {
    return a < b ? -1 : a > b;
}

/* --- driver ------------------------------------------------------------------------------------------------- */

int driver_version_parse(struct span text, struct driver_version *ret_version) {
    text = span_trim(text);
    struct span rest = text;
    unsigned part[4] = {0};
    unsigned count = take_parts(&rest, part, 4);
    if (!count || rest.len || text.len >= sizeof ret_version->text || !part[0])
        return -EINVAL;
    struct driver_version version = {.count = count};
    if (count == 4) {
        /* Windows writes 551.61 as 31.0.15.5161: the last five digits of the last two parts. */
        unsigned tail = part[2] % 10 * 10000 + part[3];
        if (part[3] > 9999 || tail < 10000)
            return -EINVAL;
        version.count = 2;
        version.part[0] = tail / 100;
        version.part[1] = tail % 100;
        snprintf(version.text, sizeof version.text, "%u.%02u", version.part[0], version.part[1]);
    } else {
        memcpy(version.part, part, sizeof version.part);
        memcpy(version.text, text.ptr, text.len);
    }
    *ret_version = version;
    return 0;
}

static int driver_version_compare_parts(const struct driver_version *a, const struct driver_version *b,
                                        unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (a->part[i] != b->part[i])
            return compare_numbers(a->part[i], b->part[i]);
    return 0;
}

int driver_version_compare(const struct driver_version *a, const struct driver_version *b) {
    return driver_version_compare_parts(a, b, a->count < b->count ? a->count : b->count);
}

int driver_version_order(const struct driver_version *a, const struct driver_version *b) {
    return driver_version_compare_parts(a, b, 3);
}

/* --- CUDA --------------------------------------------------------------------------------------------------- */

int cuda_version_parse(struct span text, int *ret_number) {
    struct span rest = span_trim(text);
    if (!take(&rest, "cuda_") && !take(&rest, "cuda-"))
        take(&rest, "v");
    unsigned part[4] = {0};
    unsigned count = take_parts(&rest, part, 4);
    if (!count || rest.len)
        return -EINVAL;
    if (count == 1 && part[0] >= 1000) { /* as cuDriverGetVersion answers */
        if (part[0] > 999999)
            return -EINVAL;
        *ret_number = (int)(part[0] / 10 * 10);
        return 0;
    }
    if (!part[0] || part[0] > 999 || part[1] > 99)
        return -EINVAL;
    *ret_number = (int)(part[0] * 1000 + part[1] * 10);
    return 0;
}

const char *cuda_version_text(int number, char *buffer) {
    snprintf(buffer, 16, "%d.%d", cuda_major(number), cuda_minor(number));
    return buffer;
}

/* --- packages ----------------------------------------------------------------------------------------------- */

/* One of the spellings PEP 440 allows before a suffix: ".dev1", "-dev1", "_dev1", "dev1". */
static bool take_suffix(struct span *rest, const char *name, unsigned *ret_number) {
    struct span after = *rest;
    if (!take(&after, ".") && !take(&after, "-"))
        take(&after, "_");
    if (!take(&after, name))
        return false;
    if (!take(&after, "."))
        take(&after, "-");
    *ret_number = 0;
    if (after.len && isdigit((unsigned char)after.ptr[0]) && !take_number(&after, ret_number))
        return false;
    *rest = after;
    return true;
}

static void take_phase(struct span *rest, struct package_version *version) {
    static const struct {
        const char *name;
        enum version_phase phase;
    } phases[] = {{"alpha", PHASE_ALPHA},   {"beta", PHASE_BETA}, {"rc", PHASE_CANDIDATE}, {"c", PHASE_CANDIDATE},
                  {"pre", PHASE_CANDIDATE}, {"a", PHASE_ALPHA},   {"b", PHASE_BETA}};
    version->phase = PHASE_FINAL;
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        if (take_suffix(rest, phases[i].name, &version->phase_number)) {
            version->phase = phases[i].phase;
            break;
        }
    if (take_suffix(rest, "post", &version->post))
        version->post++;
    bool dev = take_suffix(rest, "dev", &version->dev);
    if (dev && version->phase == PHASE_FINAL && !version->post)
        version->phase = PHASE_DEV;
}

int package_version_parse(struct span text, struct package_version *ret_version) {
    struct span rest = span_trim(text);
    take(&rest, "v");
    struct package_version version = {0};
    version.count = take_parts(&rest, version.release, 4);
    if (!version.count)
        return -EINVAL;
    take_phase(&rest, &version);
    if (take(&rest, "+")) {
        size_t len = rest.len < sizeof version.local ? rest.len : sizeof version.local - 1;
        if (!rest.len)
            return -EINVAL;
        for (size_t i = 0; i < rest.len; i++) {
            unsigned char c = (unsigned char)rest.ptr[i];
            if (!isalnum(c) && c != '.' && c != '-' && c != '_')
                return -EINVAL;
            if (i < len)
                version.local[i] = (char)tolower(c);
        }
    } else if (rest.len) {
        return -EINVAL;
    }
    *ret_version = version;
    return 0;
}

int package_version_compare(const struct package_version *a, const struct package_version *b) {
    for (unsigned i = 0; i < 4; i++)
        if (a->release[i] != b->release[i])
            return compare_numbers(a->release[i], b->release[i]);
    if (a->phase != b->phase)
        return compare_numbers(a->phase, b->phase);
    if (a->phase_number != b->phase_number)
        return compare_numbers(a->phase_number, b->phase_number);
    if (a->post != b->post)
        return compare_numbers(a->post, b->post);
    if (!a->dev != !b->dev) /* 2.9.0a0.dev1 comes before 2.9.0a0 */
        return a->dev ? -1 : 1;
    return compare_numbers(a->dev, b->dev);
}

bool package_version_same_release(const struct package_version *a, const struct package_version *b) {
    return memcmp(a->release, b->release, 3 * sizeof *a->release) == 0;
}

const char *package_version_release_text(const struct package_version *version, char *buffer) {
    int written = snprintf(buffer, 48, "%u.%u.%u", version->release[0], version->release[1], version->release[2]);
    if (version->count == 4)
        snprintf(buffer + written, 48 - (size_t)written, ".%u", version->release[3]);
    return buffer;
}

/* --- builds ------------------------------------------------------------------------------------------------- */

int torch_variant_cuda(struct span variant, int *ret_number) {
    unsigned number;
    if (!take(&variant, "cu") || variant.len > 4 || !take_number(&variant, &number) || variant.len || number < 75)
        return -EINVAL;
    *ret_number = (int)(number / 10 * 1000 + number % 10 * 10);
    return 0;
}

const char *torch_variant_text(int cuda, char *buffer) {
    snprintf(buffer, 16, "cu%d%d", cuda_major(cuda), cuda_minor(cuda));
    return buffer;
}

static bool is_git_hash(struct span word) {
    take(&word, "git");
    bool letter_or_long = word.len >= 7;
    for (size_t i = 0; i < word.len; i++)
        if (!isxdigit((unsigned char)word.ptr[i]))
            return false;
    return letter_or_long && word.len <= 40;
}

static void set_variant(struct torch_build *build, struct span text) {
    size_t len = text.len < sizeof build->variant ? text.len : sizeof build->variant - 1;
    memset(build->variant, 0, sizeof build->variant);
    memcpy(build->variant, text.ptr, len);
}

static void build_set_cuda(struct torch_build *build, int cuda) {
    build->kind = TORCH_BUILD_CUDA;
    build->cuda = cuda;
    torch_variant_text(cuda, build->variant);
}

void torch_build_of_local(const char *local, struct torch_build *ret_build) {
    *ret_build = (struct torch_build){.kind = TORCH_BUILD_UNTAGGED};
    struct span rest = span_of(local), word;
    if (!rest.len)
        return;
    ret_build->kind = TORCH_BUILD_OTHER;
    size_t nvidia = span_find(rest, ".nv");
    if (nvidia != SIZE_MAX) {
        struct span tag = span_slice(rest, nvidia + 3, rest.len), after = tag;
        unsigned part[2];
        if (take_parts(&after, part, 2) == 2 && part[0] < 100 && part[1] < 100)
            snprintf(ret_build->nvidia, sizeof ret_build->nvidia, "%02u.%02u", part[0], part[1]);
    }
    span_next_field(&rest, '.', &word);
    int cuda;
    if (torch_variant_cuda(word, &cuda) == 0) {
        build_set_cuda(ret_build, cuda);
    } else if (span_eq(word, "cpu")) {
        ret_build->kind = TORCH_BUILD_CPU;
        set_variant(ret_build, word);
    } else if (span_eq(word, "xpu")) {
        ret_build->kind = TORCH_BUILD_XPU;
        set_variant(ret_build, word);
    } else if (span_starts(word, "rocm")) {
        struct span all = span_of(local), after = span_slice(all, 4, all.len);
        unsigned part[3];
        take_parts(&after, part, 3);
        ret_build->kind = TORCH_BUILD_ROCM;
        set_variant(ret_build, span_slice(all, 0, all.len - after.len));
    } else if (is_git_hash(word)) {
        ret_build->kind = TORCH_BUILD_SOURCE;
    }
}

/* "11.8", "10.2.89" or, from conda-forge, "118" and "92". */
static bool conda_cuda(struct span digits, int *ret_cuda) {
    unsigned part[3] = {0};
    unsigned count = take_parts(&digits, part, 3);
    if (count >= 2 && part[0] < 100 && part[1] < 100)
        *ret_cuda = (int)(part[0] * 1000 + part[1] * 10);
    else if (count == 1 && part[0] >= 75 && part[0] < 1000)
        *ret_cuda = (int)(part[0] / 10 * 1000 + part[0] % 10 * 10);
    else
        return false;
    return true;
}

void torch_build_of_conda(struct span build, struct torch_build *ret_build) {
    *ret_build = (struct torch_build){.kind = TORCH_BUILD_UNTAGGED};
    struct span word;
    int cuda;
    while (span_next_field(&build, '_', &word)) {
        if (span_starts(word, "cuda") && conda_cuda(span_slice(word, 4, word.len), &cuda)) {
            build_set_cuda(ret_build, cuda);
            return;
        }
        if (span_starts(word, "cpu")) {
            ret_build->kind = TORCH_BUILD_CPU;
            set_variant(ret_build, span_of("cpu"));
        } else if (span_starts(word, "rocm")) {
            ret_build->kind = TORCH_BUILD_ROCM;
            set_variant(ret_build, word);
        } else if ((span_eq(word, "gpu") || span_eq(word, "cuda")) && ret_build->kind == TORCH_BUILD_UNTAGGED) {
            ret_build->kind = TORCH_BUILD_CUDA; /* which CUDA, a later word says or nothing does */
        }
    }
}
