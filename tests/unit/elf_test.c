#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/elf.h"
#include "support/elf_make.h"
#include "support/unit.h"
#include "sys/root.h"

static int memory_file(const struct made *made) {
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, made->bytes, made->size), made->size);
    return fd;
}

static void good_file(struct made *made, bool wide, bool big) {
    made_start(made, wide, big, ET_DYN, 190, 0x5005a);
    made_section(made, ".text", SHT_PROGBITS, "0123456789abcdef", 16, 0x1000);
    made_section(made, ".data", SHT_PROGBITS, "DATA", 4, 0x2000);
    made_section(made, ".data", SHT_PROGBITS, "more", 4, 0x2010);
    made_finish(made);
}

static void every_class_and_order(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        AUTO_ARENA arena = {0};
        struct made made;
        good_file(&made, kind & 1, kind & 2);
        AUTO_FD fd = memory_file(&made);
        struct elf elf;
        assert_int_equal(elf_open_file(&elf, &arena, fd), 0);
        assert_int_equal(elf.wide, kind & 1);
        assert_int_equal(elf.big, (kind & 2) != 0);
        assert_int_equal(elf.type, ET_DYN);
        assert_int_equal(elf.machine, 190);
        assert_int_equal(elf.flags, 0x5005a);
        assert_int_equal(elf.section_error, 0);
        assert_int_equal(elf.segment_error, 0);
        assert_int_equal(elf.section_count, 5); /* the empty one, three, .shstrtab */
        const struct elf_section *data = elf_find_section(&elf, ".data", NULL);
        assert_non_null(data);
        assert_int_equal(data->address, 0x2000);
        struct span bytes;
        assert_int_equal(elf_read_span(&elf, &arena, data->offset, data->size, 100, &bytes), 0);
        assert_true(span_eq(bytes, "DATA"));
        assert_int_equal(elf_read_span(&elf, &arena, data->offset, data->size, 3, &bytes), -EFBIG);
        const struct elf_section *second = elf_find_section(&elf, ".data", data);
        assert_true(second && second->address == 0x2010);
        assert_null(elf_find_section(&elf, ".data", second));
        uint64_t offset, available;
        assert_int_equal(elf_offset_of(&elf, 0x1004, &offset, &available), 0);
        assert_int_equal(available, 12);
        char c;
        assert_int_equal(elf_read(&elf, &c, offset, 1), 0);
        assert_int_equal(c, '4');
        assert_int_equal(elf_offset_of(&elf, 0x1010, &offset, &available), -ENOENT);
        assert_int_equal(elf_read(&elf, &c, UINT64_MAX, 1), -EBADMSG);
        assert_int_equal(elf_read(&elf, &c, made.size, 1), -ENODATA);
    }
}

static void part_of_a_file(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct made made;
    good_file(&made, true, false);
    AUTO_FD fd = memory_file(&made);
    char *copy = arena_alloc(&arena, made.size);
    memcpy(copy, made.bytes, made.size);
    assert_int_equal(pwrite(fd, "junk", 4, 0), 4);
    assert_int_equal(pwrite(fd, copy, made.size, 1000), made.size);
    struct elf elf;
    assert_int_equal(elf_open(&elf, &arena, fd, 0, 1000), -ENOEXEC);
    assert_int_equal(elf_open(&elf, &arena, fd, 1000, made.size), 0);
    const struct elf_section *data = elf_find_section(&elf, ".data", NULL);
    char bytes[4];
    assert_int_equal(elf_read(&elf, bytes, data->offset, 4), 0);
    assert_memory_equal(bytes, "DATA", 4);
}

/* Cut at every length: a clean answer each time, and never a section that reaches past the end unnoticed. */
static void cut_anywhere(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct made made;
        good_file(&made, kind & 1, kind & 2);
        AUTO_FD fd = memory_file(&made);
        for (size_t size = 0; size < made.size; size++) {
            AUTO_ARENA arena = {0};
            struct elf elf;
            int r = elf_open(&elf, &arena, fd, 0, size);
            if (size < 4)
                assert_int_equal(r, -ENOEXEC);
            else if (size < (made.wide ? 64 : 52))
                assert_int_equal(r, -ENODATA);
            else
                assert_int_equal(r, 0);
            if (r == 0) /* the section table stands last */
                assert_int_equal(elf.section_error, -ENODATA);
        }
    }
}

/* Each field of the header in turn with the values that hurt: no crash, and only the documented errors. */
static void one_field_wrong(void **state) {
    (void)state;
    static const uint8_t hurtful[][8] = {{0},
                                         {1},
                                         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
                                         {0, 0, 0, 0, 1},
                                         {0xff, 0xff},
                                         {0, 0xff},
                                         {0x40}};
    for (int kind = 0; kind < 4; kind++)
        for (size_t at = 0; at < 64; at++)
            for (size_t width = 1; width <= 8; width *= 2)
                for (size_t h = 0; h < sizeof hurtful / sizeof *hurtful; h++) {
                    struct made made;
                    good_file(&made, kind & 1, kind & 2);
                    memcpy(made.bytes + at, hurtful[h], width);
                    AUTO_FD fd = memory_file(&made);
                    AUTO_ARENA arena = {0};
                    struct elf elf;
                    int r = elf_open_file(&elf, &arena, fd);
                    assert_true(r == 0 || r == -ENOEXEC || r == -EBADMSG);
                    if (r < 0)
                        continue;
                    int s = elf.section_error, p = elf.segment_error;
                    assert_true(s == 0 || s == -ENODATA || s == -EBADMSG || s == -EFBIG);
                    assert_true(p == 0 || p == -ENODATA || p == -EBADMSG || p == -EFBIG);
                    for (size_t i = 0; i < elf.section_count; i++)
                        assert_true(strlen(elf.sections[i].name) < made.size);
                }
}

/* The kernel's view of this very program. */
static void this_program(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct root *root;
    struct elf elf;
    assert_int_equal(root_open(&root, NULL), 0);
    AUTO_FD fd = root_open_file(root, "/proc/self/exe");
    assert_true(fd >= 0);
    assert_int_equal(elf_open_file(&elf, &arena, fd), 0);
    assert_int_equal(elf.segment_count, getauxval(AT_PHNUM));
    const char *real = (const char *)getauxval(AT_PHDR);
    for (size_t i = 0; i < elf.segment_count; i++) {
        ElfW(Phdr) p;
        memcpy(&p, real + i * sizeof p, sizeof p);
        assert_int_equal(elf.segments[i].type, p.p_type);
        assert_int_equal(elf.segments[i].offset, p.p_offset);
        assert_int_equal(elf.segments[i].address, p.p_vaddr);
        assert_int_equal(elf.segments[i].file_size, p.p_filesz);
        assert_int_equal(elf.segments[i].memory_size, p.p_memsz);
        assert_int_equal(elf.segments[i].align, p.p_align);
    }
    assert_non_null(elf_find_section(&elf, ".dynamic", NULL));
    root_close(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_class_and_order), cmocka_unit_test(part_of_a_file),
                                       cmocka_unit_test(cut_anywhere), cmocka_unit_test(one_field_wrong),
                                       cmocka_unit_test(this_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
