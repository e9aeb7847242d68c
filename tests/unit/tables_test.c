/* The tables of data/ keep their own promises: header, status, public sources, values that parse. */
#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/csv.h"
#include "knowledge/compat.h"
#include "knowledge/driver.h"
#include "knowledge/gpu.h"
#include "knowledge/torch.h"
#include "support/unit.h"
#include "sys/root.h"

static const char *const tables[] = {"gpu_ids",      "gpu_names",       "chips",          "architectures",
                                     "cuda_drivers", "driver_branches", "torch_releases", "torch_variants",
                                     "companions",   "errors",          "xids",           "messages",
                                     "fixes"};

static struct span read_table(struct arena *arena, const char *name) {
    struct root *root;
    struct span bytes;
    assert_int_equal(root_open(&root, NULL), 0);
    assert_int_equal(
        root_read(root, arena, arena_printf(arena, "%s/data/%s.csv", TEST_SOURCE_DIR, name), LIMIT_FILE, &bytes),
        0);
    root_close(root);
    return bytes;
}

/* The "#   key = text" lines of the head. */
static void read_sources(struct arena *arena, struct span bytes, struct texts *keys) {
    struct span line;
    while (span_next_line(&bytes, &line) && span_starts(line, "#")) {
        struct span key, text;
        if (span_starts(line, "#   ") && span_cut(span_slice(line, 4, line.len), '=', &key, &text)) {
            key = span_trim(key);
            if (!span_has(key, " "))
                texts_add(arena, keys, arena_copy_span(arena, key));
        }
    }
}

static void every_row_has_a_status_and_public_sources(void **state) {
    (void)state;
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        AUTO_ARENA arena = {0};
        struct span bytes = read_table(&arena, tables[t]), rest = bytes;
        struct texts keys = {0};
        read_sources(&arena, bytes, &keys);
        struct csv_row head, row;
        assert_true(span_starts(bytes, "# "));
        assert_int_equal(csv_next(&rest, &head), 1);
        size_t confidence = csv_find(&head, "confidence"), source = csv_find(&head, "source"), rows = 0;
        assert_true(confidence != SIZE_MAX && source != SIZE_MAX && keys.count > 0);
        for (int got; (got = csv_next(&rest, &row)) != 0; rows++) {
            assert_int_equal(got, 1);
            assert_int_equal(row.count, head.count);
            bool confirmed = csv_is(&row, confidence, "confirmed");
            assert_true(confirmed || csv_is(&row, confidence, "unconfirmed"));
            struct span words = row.field[source], word;
            assert_true(words.len || !confirmed);
            while (span_next_word(&words, &word)) {
                const char *key = arena_copy_span(&arena, word);
                if (!texts_have(&keys, key))
                    fail_msg("%s.csv: source %s is not explained at the top", tables[t], key);
            }
        }
        assert_true(rows > 10);
    }
}

static void nothing_private_is_named(void **state) {
    (void)state;
    static const char *const words[] = {"read_file", "stored copy", "mirror", "recalled", "/work/", "/tmp/"};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        AUTO_ARENA arena = {0};
        struct span bytes = read_table(&arena, tables[t]);
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            if (span_has(bytes, words[w]))
                fail_msg("%s.csv holds \"%s\"", tables[t], words[w]);
    }
}

static void ids_are_sorted_and_chips_known(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct span rest = read_table(&arena, "gpu_ids");
    struct csv_row row;
    int64_t last = 0, id;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    assert_int_equal(csv_next(&rest, &row), 1);
    while (csv_next(&rest, &row) == 1) {
        assert_int_equal(span_to_number(row.field[0], 16, &id), 0);
        assert_true(id > last);
        last = id;
        struct gpu_model gpu;
        assert_int_equal(knowledge_gpu_by_id(knowledge, (unsigned)id, &gpu), 0);
        assert_true(gpu.name[0] != '\0');
        if (row.field[1].len)
            assert_non_null(gpu.chip);
        struct architecture architecture;
        if (gpu.capability)
            assert_int_equal(knowledge_architecture(knowledge, gpu.capability, &architecture), 0);
    }
    assert_int_equal(knowledge_bad_rows(knowledge), 0);
}

static void builds_belong_to_releases(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    const struct torch_variant *variants;
    size_t count;
    assert_int_equal(knowledge_torch_variants(knowledge, &variants, &count), 0);
    assert_true(count > 250);
    for (size_t i = 0; i < count; i++) {
        struct package_version version;
        struct torch_release release;
        struct cuda_release cuda;
        assert_int_equal(package_version_parse(span_of(variants[i].torch), &version), 0);
        assert_int_equal(knowledge_torch(knowledge, &version, &release), 0);
        assert_int_equal(knowledge_cuda(knowledge, variants[i].cuda, &cuda), 0);
        assert_true(cuda.floor_linux.count && cuda.floor_windows.count);
        assert_true(variants[i].architectures.count > 1);
        if (variants[i].confirmed && !texts_have(&release.variants, variants[i].variant))
            fail_msg("%s+%s is no variant of its release", variants[i].torch, variants[i].variant);
        for (size_t a = 0; a < variants[i].architectures.count; a++) {
            int capability;
            struct architecture architecture;
            assert_int_equal(capability_parse(span_of(variants[i].architectures.items[a]), &capability), 0);
            assert_int_equal(knowledge_architecture(knowledge, capability, &architecture), 0);
            /* No build holds code that its compiler cannot make. */
            assert_true(architecture.first_cuda <= variants[i].cuda);
            if (architecture.last_cuda)
                assert_true(architecture.last_cuda >= variants[i].cuda);
        }
    }
    assert_int_equal(knowledge_bad_rows(knowledge), 0);
}

static void drivers_grow_with_cuda(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    const struct driver_branch *branches;
    size_t count;
    assert_int_equal(knowledge_branches(knowledge, &branches, &count), 0);
    assert_true(count > 30);
    for (size_t i = 1; i < count; i++) {
        assert_true(branches[i].branch > branches[i - 1].branch);
        assert_true(branches[i].max_cuda >= branches[i - 1].max_cuda);
        /* The driver of a toolkit is of the branch that offers its CUDA. */
        struct cuda_release cuda;
        if (knowledge_cuda(knowledge, branches[i].max_cuda, &cuda) == 0 && cuda.toolkit_linux.count) {
            int offered = 0;
            assert_int_equal(knowledge_driver_max_cuda(knowledge, &cuda.toolkit_linux, false, &offered), 0);
            assert_true(offered >= branches[i].max_cuda);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_status_and_public_sources), cmocka_unit_test(nothing_private_is_named),
        cmocka_unit_test(ids_are_sorted_and_chips_known), cmocka_unit_test(builds_belong_to_releases),
        cmocka_unit_test(drivers_grow_with_cuda)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
