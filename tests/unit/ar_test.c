#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/ar.h"
#include "format/fatbin_file.h"
#include "support/fatbin_make.h"
#include "support/unit.h"
#include "sys/root.h"

struct archive {
    size_t size;
    char bytes[16 * 1024];
};

static void add(struct archive *archive, const void *bytes, size_t size) {
    memcpy(archive->bytes + archive->size, bytes, size);
    archive->size += size;
}

static void member(struct archive *archive, const char *name, const void *bytes, size_t size, bool stored) {
    char header[61];
    snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8o%-10zu`\n", name, 0, 0, 0, 0644, size);
    add(archive, header, 60);
    if (stored)
        add(archive, bytes, size);
    if (archive->size & 1)
        add(archive, "\n", 1);
}

static void good_archive(struct archive *archive) {
    static const char names[] = "a_name_longer_than_fifteen.o/\nanother_name_as_long.o/\n";
    memset(archive, 0, sizeof *archive);
    add(archive, "!<arch>\n", 8);
    member(archive, "/", "\0\0\0\0", 4, true);
    member(archive, "//", names, sizeof names - 1, true);
    member(archive, "short.o/", "12345", 5, true);
    member(archive, "/0", "abc", 3, true);
    member(archive, "/30", "", 0, true);
    member(archive, "#1/12", "bsd_name.o\0\0body", 16, true);
}

static int archive_file(const struct archive *archive) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, archive->bytes, archive->size), archive->size);
    return fd;
}

static void every_kind_of_name(void **state) {
    (void)state;
    static const struct {
        const char *name, *body;
    } expected[] = {{"short.o", "12345"},
                    {"a_name_longer_than_fifteen.o", "abc"},
                    {"another_name_as_long.o", ""},
                    {"bsd_name.o", "body"}};
    AUTO_ARENA arena = {0};
    struct archive archive;
    good_archive(&archive);
    AUTO_FD fd = archive_file(&archive);
    struct ar ar;
    assert_int_equal(ar_open(&ar, fd, 0, archive.size), 0);
    struct ar_member got;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ar_next(&ar, &arena, &got), 1);
        assert_string_equal(got.name, expected[i].name);
        assert_int_equal(got.size, strlen(expected[i].body));
        assert_memory_equal(archive.bytes + got.offset, expected[i].body, got.size);
    }
    assert_int_equal(ar_next(&ar, &arena, &got), 0);
}

static void not_an_archive(void **state) {
    (void)state;
    struct ar ar;
    struct archive archive = {0};
    add(&archive, "!<arch>", 7);
    AUTO_FD fd = archive_file(&archive);
    assert_int_equal(ar_open(&ar, fd, 0, 7), -ENOEXEC);
    assert_int_equal(ar_open(&ar, fd, 0, 8), -ENODATA);
}

/* Every byte of every header wrong, and every cut: the walk ends, with an error that is one of the documented. */
static void damage(void **state) {
    (void)state;
    struct archive good;
    good_archive(&good);
    static const char wrong[] = {'\0', ' ', '9', '-', '/', 'x', '\xff'};
    for (size_t at = 8; at < good.size; at++)
        for (size_t w = 0; w <= sizeof wrong; w++) {
            AUTO_ARENA arena = {0};
            struct archive archive = good;
            if (w < sizeof wrong)
                archive.bytes[at] = wrong[w];
            else
                archive.size = at;
            AUTO_FD fd = archive_file(&archive);
            struct ar ar;
            struct ar_member got;
            assert_int_equal(ar_open(&ar, fd, 0, archive.size), 0);
            int r;
            for (int i = 0; (r = ar_next(&ar, &arena, &got)) > 0; i++) {
                assert_true(i < 8);
                assert_true(got.offset + got.size <= archive.size);
            }
            assert_true(r == 0 || r == -EBADMSG || r == -ENODATA || r == -EFBIG);
            assert_true(r == 0 || ar.next < archive.size); /* where the bad header stands */
        }
}

/* A thin archive in a folder of its own, with one member that is there and one that is not. */
static void thin(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    char folder[] = "/tmp/whycuda-ar-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct fat fat = {0};
    fat_container(&fat);
    fat_entry(&fat, 2, 86, 0, 64, 64);
    struct archive archive = {0};
    add(&archive, "!<thin>\n", 8);
    member(&archive, "//", "a_name_longer_than_fifteen.fatbin/\n", 35, true);
    member(&archive, "/0", "", fat.size, false);
    member(&archive, "missing.o/", "", 1000, false);
    const char *library = arena_printf(&arena, "%s/t.a", folder);
    const char *object = arena_printf(&arena, "%s/a_name_longer_than_fifteen.fatbin", folder);
    FILE *file = fopen(library, "wb");
    assert_int_equal(fwrite(archive.bytes, 1, archive.size, file), archive.size);
    fclose(file);
    file = fopen(object, "wb");
    assert_int_equal(fwrite(fat.bytes, 1, fat.size, file), fat.size);
    fclose(file);
    struct root *root;
    struct fatbin_file read;
    assert_int_equal(root_open(&root, NULL), 0);
    int r = fatbin_file_read(root, &arena, library, FATBIN_LARGE, &read);
    root_close(root);
    unlink(library);
    unlink(object);
    rmdir(folder);
    assert_int_equal(r, 0);
    assert_string_equal(read.format, "archive");
    assert_int_equal(read.code.entries, 1);
    assert_int_equal(read.code.targets.items[0].arch, 86);
    assert_int_equal(read.members, 2);
    assert_int_equal(read.code.error, -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_of_name), cmocka_unit_test(not_an_archive),
                                       cmocka_unit_test(damage), cmocka_unit_test(thin)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
