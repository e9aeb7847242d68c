#include "knowledge/torch.h"

#include <errno.h>

#include "base/text.h"
#include "knowledge/table.h"

struct companion {
    const char *package;
    struct package_version version, torch;
    bool exact;
};
struct torch_cache {
    struct {
        struct torch_release *items;
        size_t count;
    } releases;
    struct {
        struct torch_variant *items;
        size_t count;
    } variants;
    struct {
        struct companion *items;
        size_t count;
    } companions;
    bool variants_read, companions_read;
};

/* "3.13" as 313. */
static unsigned python_number(struct span text) {
    struct package_version version;
    if (package_version_parse(text, &version) || version.count < 2 || version.release[1] > 99)
        return 0;
    return version.release[0] * 100 + version.release[1];
}

static void read_releases(struct knowledge *knowledge, struct torch_cache *cache) {
    static const char *const names[] = {
        "torch",      "date",     "python_min",        "python_max",         "torchvision",
        "torchaudio", "variants", "pypi_linux_x86_64", "pypi_linux_aarch64", "pypi_windows",
        NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_TORCH_RELEASES, names);
    while (cursor_next(&cursor))
        LIST_PUSH(&knowledge->arena, &cache->releases) =
            (struct torch_release){.version = cursor_text(&cursor, 0),
                                   .date = cursor_text(&cursor, 1),
                                   .python_min = python_number(cursor_span(&cursor, 2)),
                                   .python_max = python_number(cursor_span(&cursor, 3)),
                                   .vision = cursor_text_or_null(&cursor, 4),
                                   .audio = cursor_text_or_null(&cursor, 5),
                                   .variants = cursor_words(&cursor, 6),
                                   .pypi_linux_x86_64 = cursor_text_or_null(&cursor, 7),
                                   .pypi_linux_aarch64 = cursor_text_or_null(&cursor, 8),
                                   .pypi_windows = cursor_text_or_null(&cursor, 9),
                                   .confirmed = cursor_confirmed(&cursor)};
}

static enum platform platform_of(struct span text) {
    for (enum platform p = PLATFORM_LINUX_X86_64; p <= PLATFORM_MACOS; p++)
        if (span_eq(text, platform_name(p)))
            return p;
    return PLATFORM_UNKNOWN;
}

static void read_variants(struct knowledge *knowledge, struct torch_cache *cache) {
    static const char *const names[] = {"torch", "variant", "platform", "architectures", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_TORCH_VARIANTS, names);
    while (cursor_next(&cursor)) {
        struct torch_variant variant = {.torch = cursor_text(&cursor, 0),
                                        .variant = cursor_text(&cursor, 1),
                                        .platform = platform_of(cursor_span(&cursor, 2)),
                                        .architectures = cursor_words(&cursor, 3),
                                        .confirmed = cursor_confirmed(&cursor)};
        if (torch_variant_cuda(cursor_span(&cursor, 1), &variant.cuda) || !variant.platform)
            knowledge->bad_rows++;
        else
            LIST_PUSH(&knowledge->arena, &cache->variants) = variant;
    }
}

static void read_companions(struct knowledge *knowledge, struct torch_cache *cache) {
    static const char *const names[] = {"package", "version", "torch", "relation", NULL};
    struct cursor cursor;
    cursor_open(&cursor, knowledge, TABLE_COMPANIONS, names);
    while (cursor_next(&cursor)) {
        struct companion companion = {.package = cursor_text(&cursor, 0),
                                      .exact = span_eq(cursor_span(&cursor, 3), "==")};
        if (package_version_parse(cursor_span(&cursor, 1), &companion.version) ||
            package_version_parse(cursor_span(&cursor, 2), &companion.torch) || !cursor_confirmed(&cursor))
            continue;
        LIST_PUSH(&knowledge->arena, &cache->companions) = companion;
    }
}

static struct torch_cache *torch_cache(struct knowledge *knowledge) {
    if (!knowledge->torch) {
        knowledge->torch = arena_alloc(&knowledge->arena, sizeof *knowledge->torch);
        read_releases(knowledge, knowledge->torch);
    }
    return knowledge->torch;
}

int knowledge_torch_releases(struct knowledge *knowledge, const struct torch_release **ret_releases,
                             size_t *ret_count) {
    const struct torch_cache *cache = torch_cache(knowledge);
    *ret_releases = cache->releases.items;
    *ret_count = cache->releases.count;
    return 0;
}

int knowledge_torch(struct knowledge *knowledge, const struct package_version *version,
                    struct torch_release *ret_release) {
    const struct torch_cache *cache = torch_cache(knowledge);
    char text[48];
    package_version_release_text(version, text);
    for (size_t i = 0; i < cache->releases.count; i++)
        if (strcmp(cache->releases.items[i].version, text) == 0) {
            *ret_release = cache->releases.items[i];
            return 0;
        }
    return -ENOENT;
}

int knowledge_torch_variants(struct knowledge *knowledge, const struct torch_variant **ret_variants,
                             size_t *ret_count) {
    struct torch_cache *cache = torch_cache(knowledge);
    if (!cache->variants_read) {
        read_variants(knowledge, cache);
        cache->variants_read = true;
    }
    *ret_variants = cache->variants.items;
    *ret_count = cache->variants.count;
    return 0;
}

const char *torch_release_default(const struct torch_release *release, enum platform platform) {
    return platform == PLATFORM_LINUX_X86_64    ? release->pypi_linux_x86_64
           : platform == PLATFORM_LINUX_AARCH64 ? release->pypi_linux_aarch64
           : platform == PLATFORM_WINDOWS       ? release->pypi_windows
                                                : NULL;
}

int knowledge_torch_variant(struct knowledge *knowledge, const struct package_version *version,
                            enum platform platform, struct torch_variant *ret_variant) {
    struct torch_release release;
    int error = knowledge_torch(knowledge, version, &release);
    if (error)
        return error;
    struct torch_build build;
    torch_build_of_local(version->local, &build);
    const char *variant = build.kind == TORCH_BUILD_CUDA       ? build.variant
                          : build.kind == TORCH_BUILD_UNTAGGED ? torch_release_default(&release, platform)
                                                               : NULL;
    const struct torch_variant *variants;
    size_t count;
    knowledge_torch_variants(knowledge, &variants, &count);
    for (size_t i = 0; variant && i < count; i++)
        if (variants[i].platform == platform && strcmp(variants[i].torch, release.version) == 0 &&
            strcmp(variants[i].variant, variant) == 0) {
            *ret_variant = variants[i];
            return 0;
        }
    return -ENOENT;
}

int knowledge_companion(struct knowledge *knowledge, const char *package, const struct package_version *version,
                        struct package_version *ret_torch, bool *ret_exact) {
    struct torch_cache *cache = torch_cache(knowledge);
    if (!cache->companions_read) {
        read_companions(knowledge, cache);
        cache->companions_read = true;
    }
    for (size_t i = 0; i < cache->companions.count; i++) {
        const struct companion *companion = &cache->companions.items[i];
        if (strcmp(companion->package, package) == 0 && companion->version.post == version->post &&
            package_version_same_release(&companion->version, version)) {
            *ret_torch = companion->torch;
            *ret_exact = companion->exact;
            return 0;
        }
    }
    return -ENOENT;
}

const char *torch_index_url(struct arena *arena, const char *variant) {
    return arena_printf(arena, "https://download.pytorch.org/whl/%s", variant);
}
