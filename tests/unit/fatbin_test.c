#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/fatbin_file.h"
#include "support/elf_make.h"
#include "support/fatbin_make.h"
#include "support/unit.h"
#include "sys/root.h"

static struct root *machine;

static int open_machine(void **state) {
    (void)state;
    return root_open(&machine, NULL);
}

static int close_machine(void **state) {
    (void)state;
    root_close(machine);
    return 0;
}

/* Reads bytes as a file of their own: fatbin_file_read's answer. */
static int read_bytes(struct arena *arena, const void *bytes, size_t size, enum fatbin_reach reach,
                      struct fatbin_file *file) {
    AUTO_FD fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, size), size);
    return fatbin_file_read(machine, arena, arena_printf(arena, "/proc/self/fd/%d", fd), reach, file);
}

/* "sm_75 sm_90a:2 compute_120": every name, with its count where that is not 1. */
static const char *summary(struct arena *arena, const struct fatbin_code *code) {
    static const unsigned KINDS[] = {FATBIN_SASS, FATBIN_PTX, FATBIN_LTO, FATBIN_OTHER};
    const char *text = "";
    for (size_t k = 0; k < sizeof KINDS / sizeof *KINDS; k++) {
        struct fatbin_targets list;
        fatbin_sorted(code, arena, KINDS[k], &list);
        for (size_t i = 0; i < list.count; i++) {
            const char *name = fatbin_target_name(arena, &list.items[i]);
            const char *count = list.items[i].entries == 1
                                    ? ""
                                    : arena_printf(arena, ":%llu", (unsigned long long)list.items[i].entries);
            text = arena_printf(arena, "%s%s%s%s", text, *text ? " " : "", name, count);
        }
    }
    return text;
}

/* Three modules: plain ones, suffixes with PTX of an extended header, and one of LTO and an unknown kind. */
static void good_fat(struct fat *fat) {
    memset(fat, 0, sizeof *fat);
    fat_container(fat);
    fat_entry(fat, 2, 75, 0, 64, 800);
    fat_entry(fat, 2, 100, 0x2000, 96, 5000);
    fat_padding(fat, 8);
    fat_container(fat);
    fat_entry(fat, 2, 90, 0x100000, 64, 160);
    fat_entry(fat, 2, 100, 0x200000, 96, 8);
    fat_entry(fat, 2, 75, 0, 64, 0);
    fat_entry(fat, 1, 120, 0, 80, 24);
    fat_container(fat);
    fat_entry(fat, 8, 75, 0x10000, 120, 640);
    fat_entry(fat, 64, 75, 0, 64, 640);
}

#define GOOD_SUMMARY "sm_75:2 sm_90a sm_100 sm_100f compute_120 lto_75 kind64_75"

static void bare_fatbin(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct fat fat;
    struct fatbin_file file;
    good_fat(&fat);
    assert_int_equal(read_bytes(&arena, fat.bytes, fat.size, FATBIN_LARGE, &file), 0);
    assert_string_equal(file.format, "fatbin");
    assert_string_equal(summary(&arena, &file.code), GOOD_SUMMARY);
    assert_int_equal(file.code.error, 0);
    assert_int_equal(file.code.modules, 3);
    assert_int_equal(file.code.entries, 8);
    assert_int_equal(file.code.mixes.count, 3);
    assert_int_equal(file.code.mixes.items[2].first, 2);
    struct fatbin_targets ptx;
    fatbin_sorted(&file.code, &arena, FATBIN_PTX, &ptx);
    assert_int_equal(ptx.items[0].isa_major, 8);
    assert_int_equal(ptx.items[0].isa_minor, 4);
}

static void sections_of_every_elf(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        AUTO_ARENA arena = {0};
        struct made made;
        struct fat fat, other = {0};
        struct fatbin_file file;
        good_fat(&fat);
        fat_container(&other);
        fat_entry(&other, 2, 89, 0, 64, 64);
        made_start(&made, kind & 1, kind & 2, ET_DYN, EM_X86_64, 0);
        made_section(&made, ".text", SHT_PROGBITS, "x", 1, 0x1000);
        made_section(&made, ".nv_fatbin", SHT_PROGBITS, fat.bytes, fat.size, 0x2000);
        made_section(&made, "__nv_relfatbin", SHT_PROGBITS, other.bytes, other.size, 0x20000);
        made_section(&made, ".ldata", SHT_PROGBITS, other.bytes, other.size, 0x30000);
        made_section(&made, ".other", SHT_PROGBITS, other.bytes, other.size, 0x40000);
        made_finish(&made);
        assert_int_equal(read_bytes(&arena, made.bytes, made.size, FATBIN_LARGE, &file), 0);
        assert_string_equal(file.format, "ELF");
        assert_string_equal(summary(&arena, &file.code),
                            "sm_75:2 sm_89 sm_90a sm_100 sm_100f compute_120 lto_75 kind64_75");
        assert_true(file.looked_elsewhere);
        assert_string_equal(summary(&arena, &file.elsewhere), "sm_89");
        assert_int_equal(read_bytes(&arena, made.bytes, made.size, FATBIN_ALL, &file), 0);
        assert_string_equal(summary(&arena, &file.elsewhere), "sm_89:2");
        /* without its names, the same from the loaded segments, in which all of it stands */
        made_number(&made, made.wide ? 62 : 50, 0, 2);
        assert_int_equal(read_bytes(&arena, made.bytes, made.size, FATBIN_LARGE, &file), 0);
        assert_int_equal(file.code.entries, 11);
        assert_int_equal(file.code.error, 0);
        /* without a section table at all */
        made_number(&made, made.wide ? 40 : 32, 0, made.wide ? 8 : 4);
        assert_int_equal(read_bytes(&arena, made.bytes, made.size, FATBIN_LARGE, &file), 0);
        assert_int_equal(file.code.entries, 11);
        assert_int_equal(file.code.error, 0);
    }
}

static void cubins(void **state) {
    (void)state;
    static const struct {
        uint8_t abi;
        uint32_t flags;
        const char *note, *name;
    } rows[] = {
        {7, 0x500550, NULL, "sm_80"},                         /* CUDA 11.8 */
        {7, 0x5a0d5a, NULL, "sm_90a"},                        /* CUDA 12.4 */
        {8, 0x06005a04, "...-arch sm_90a -m 64", "sm_90a"},   /* CUDA 13.0 */
        {8, 0x06007802, "...-arch sm_120f -m 64", "sm_120f"}, /* CUDA 13.0 */
        {8, 0x06007802, "...-arch sm_120 -m 64", "sm_120"},   /* CUDA 13.0 */
        {8, 0x06006402, NULL, "sm_100"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA arena = {0};
        struct made made;
        struct fatbin_file file;
        made_start(&made, true, false, ET_EXEC, 190, rows[i].flags);
        if (rows[i].note)
            made_section(&made, ".note.nv.tkinfo", SHT_NOTE, rows[i].note, strlen(rows[i].note), 0);
        made_finish(&made);
        made.bytes[EI_ABIVERSION] = rows[i].abi;
        assert_int_equal(read_bytes(&arena, made.bytes, made.size, FATBIN_LARGE, &file), 0);
        assert_string_equal(file.format, "cubin");
        assert_string_equal(summary(&arena, &file.code), rows[i].name);
    }
}

static void ptx_texts(void **state) {
    (void)state;
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"//\n// Generated by NVIDIA NVVM Compiler\n//\n\n.version 9.0\n.target sm_75\n.address_size 64\n",
         "compute_75"},
        {"\n/* .version 1.0 */ .version 8.7 .target sm_100f, debug\n", "compute_100f"},
        {".version\t6.0\n.target\tsm_30\n", "compute_30"},
        {"// .version 9.0 .target sm_75\n\n\n", NULL},
        {".version 9.0\n.visible .entry k() { ret; }\n", NULL},
        {".version x\n.target sm_75\n/* never ended ", NULL},
        {"the words .version and .target sm_75", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA arena = {0};
        struct fatbin_file file;
        int r = read_bytes(&arena, rows[i].text, strlen(rows[i].text), FATBIN_LARGE, &file);
        assert_int_equal(r, rows[i].name ? 0 : -ENOEXEC);
        if (rows[i].name)
            assert_string_equal(summary(&arena, &file.code), rows[i].name);
    }
}

/* Cut at every length: never an error without a word about it, never an entry that is not there. */
static void cut_anywhere(void **state) {
    (void)state;
    struct fat fat;
    good_fat(&fat);
    uint64_t before = 0;
    for (size_t size = 0; size < fat.size; size++) {
        AUTO_ARENA arena = {0};
        struct fatbin_file file;
        int r = read_bytes(&arena, fat.bytes, size, FATBIN_LARGE, &file);
        assert_int_equal(r, size < 16 ? -ENOEXEC : 0);
        if (r < 0)
            continue;
        assert_true(file.code.entries >= before && file.code.entries < 8);
        before = file.code.entries;
        /* a cut between two containers, or in the padding, cannot be seen */
        bool seam = (size >= 5976 && size <= 5984) || size == 6496;
        assert_int_equal(file.code.error == 0, seam);
        assert_int_equal(file.code.error == 0, file.code.problem == NULL);
    }
}

static const uint64_t HURTFUL[] = {
    0, 1, 15, 63, 0x7fffffff, 0xffffffff, 0x100000000, INT64_MAX, UINT64_MAX - 15, UINT64_MAX};

/* Every field of every header in turn, with the numbers that hurt: a clean answer, and sizes that lie are told. */
static void one_field_wrong(void **state) {
    (void)state;
    struct fat good;
    good_fat(&good);
    for (size_t at = 0; at < good.size; at += at < 16 + 64 || (at > 5900 && at < 6800) ? 1 : 61)
        for (size_t h = 0; h < sizeof HURTFUL / sizeof *HURTFUL; h++)
            for (size_t width = 2; width <= 8; width *= 2) {
                AUTO_ARENA arena = {0};
                struct fat fat = good;
                struct fatbin_file file;
                if (at + width > good.size)
                    continue;
                fat_number(&fat, at, HURTFUL[h], width);
                int r = read_bytes(&arena, fat.bytes, fat.size, FATBIN_LARGE, &file);
                assert_true(r == 0 || r == -ENOEXEC);
                if (r < 0)
                    continue;
                int e = file.code.error;
                assert_true(e == 0 || e == -EBADMSG || e == -ENODATA || e == -EPROTONOSUPPORT);
                assert_true(file.code.entries < 60);
            }
    for (size_t h = 0; h < sizeof HURTFUL / sizeof *HURTFUL; h++) { /* the sizes: each lie is found out */
        AUTO_ARENA arena = {0};
        struct fatbin_file file;
        struct fat fat = good;
        fat_number(&fat, 8, HURTFUL[h], 8);
        assert_int_equal(read_bytes(&arena, fat.bytes, fat.size, FATBIN_LARGE, &file), 0);
        assert_true(file.code.error < 0);
        fat = good;
        fat_number(&fat, 16 + 8, HURTFUL[h], 8); /* the first payload */
        assert_int_equal(read_bytes(&arena, fat.bytes, fat.size, FATBIN_LARGE, &file), 0);
        assert_true(file.code.error < 0);
        assert_true(file.code.entries >= 6); /* the containers behind it are read all the same */
    }
}

static void more_targets_than_told_apart(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct fat fat = {0};
    struct fatbin_file file;
    fat_container(&fat);
    for (unsigned i = 0; i < 300; i++)
        fat_entry(&fat, 2, 100 + i, 0, 64, 0);
    assert_int_equal(read_bytes(&arena, fat.bytes, fat.size, FATBIN_LARGE, &file), 0);
    assert_true(file.code.full);
    assert_int_equal(file.code.targets.count, FATBIN_TARGETS);
}

/* Sections that all claim the same bytes: read once, and told. */
static void overlapping_sections(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct made made;
    struct fat fat;
    struct fatbin_file file;
    good_fat(&fat);
    made_start(&made, true, false, ET_DYN, EM_X86_64, 0);
    for (int i = 0; i < 12; i++)
        made_section(&made, ".nv_fatbin", SHT_PROGBITS, "", 0, 0);
    made_section(&made, ".nv_fatbin", SHT_PROGBITS, fat.bytes, fat.size, 0);
    for (size_t i = 0; i + 1 < made.count; i++) {
        made.sections[i].offset = made.sections[made.count - 1].offset;
        made.sections[i].size = made.sections[made.count - 1].size;
    }
    made_finish(&made);
    assert_int_equal(read_bytes(&arena, made.bytes, made.size, FATBIN_LARGE, &file), 0);
    assert_int_equal(file.code.entries, 8);
    assert_int_equal(file.code.error, -EBADMSG);
}

static void other_formats(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct fatbin_file file;
    struct fat fat = {0};
    fat_padding(&fat, 100);
    fat_container(&fat);
    fat_entry(&fat, 2, 86, 0, 64, 64);
    fat_padding(&fat, 1000);
    memcpy(fat.bytes, "MZ, as a Windows library starts", 31);
    memcpy(fat.bytes + fat.size - 400, "P\355U\272\1\0\020\0 by chance", 18);
    assert_int_equal(read_bytes(&arena, fat.bytes, fat.size, FATBIN_LARGE, &file), -ENOEXEC);
    assert_int_equal(read_bytes(&arena, fat.bytes, fat.size, FATBIN_ALL, &file), 0);
    assert_string_equal(file.format, "unknown");
    assert_string_equal(summary(&arena, &file.elsewhere), "sm_86");
    assert_int_equal(read_bytes(&arena, "", 0, FATBIN_LARGE, &file), -ENOEXEC);
    assert_int_equal(fatbin_file_read(machine, &arena, "/nowhere", FATBIN_LARGE, &file), -ENOENT);
    assert_int_equal(fatbin_file_read(machine, &arena, "/", FATBIN_LARGE, &file), -EISDIR);
    assert_int_equal(fatbin_file_read(machine, &arena, "/dev/null", FATBIN_LARGE, &file), -ENXIO);
}

/* A file that shrinks after its size was taken. */
static void shrinking_file(void **state) {
    (void)state;
    struct fat fat;
    good_fat(&fat);
    for (size_t left = 0; left < fat.size; left += 97) {
        AUTO_ARENA arena = {0};
        struct window window;
        struct fatbin_code walked = {0}, hunted = {0};
        AUTO_FD fd = memfd_create("test", MFD_CLOEXEC);
        assert_int_equal(write(fd, fat.bytes, fat.size), fat.size);
        window_init(&window, &arena, fd, fat.size);
        assert_int_equal(ftruncate(fd, (off_t)left), 0);
        fatbin_walk(&walked, &arena, &window, 0, fat.size);
        assert_int_equal(walked.error, -ENODATA);
        assert_true(walked.entries < 8);
        fatbin_hunt(&hunted, &arena, &window, 0, fat.size);
        assert_int_equal(hunted.error, -ENODATA);
    }
}

static void names_alone(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct fat fat;
    struct fatbin_file file;
    struct texts sass, ptx;
    good_fat(&fat);
    AUTO_FD fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, fat.bytes, fat.size), fat.size);
    const char *path = arena_printf(&arena, "/proc/self/fd/%d", fd);
    assert_int_equal(fatbin_file_read(machine, &arena, path, FATBIN_SECTIONS, &file), 0);
    fatbin_names(&arena, &file.code, &sass, &ptx);
    assert_int_equal(sass.count, 4);
    assert_string_equal(sass.items[1], "sm_90a");
    assert_int_equal(ptx.count, 1);
    assert_string_equal(ptx.items[0], "compute_120");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bare_fatbin),
                                       cmocka_unit_test(sections_of_every_elf),
                                       cmocka_unit_test(cubins),
                                       cmocka_unit_test(ptx_texts),
                                       cmocka_unit_test(cut_anywhere),
                                       cmocka_unit_test(one_field_wrong),
                                       cmocka_unit_test(overlapping_sections),
                                       cmocka_unit_test(more_targets_than_told_apart),
                                       cmocka_unit_test(other_formats),
                                       cmocka_unit_test(shrinking_file),
                                       cmocka_unit_test(names_alone)};
    return cmocka_run_group_tests(tests, open_machine, close_machine);
}
