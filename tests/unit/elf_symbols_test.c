/* The symbols of a real library, and of one that shrinks while they are read. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/elf_symbols.h"
#include "support/unit.h"

/* libc's file: it has versions, IFUNCs, TLS and hidden symbols. */
static const char *libc_path(void) {
    static Dl_info info;
    assert_true(dladdr((void *)fclose, &info) != 0);
    if (!strstr(info.dli_fname, "libc.")) /* the sanitizer's own fclose */
        assert_true(dladdr(dlsym(RTLD_NEXT, "getpagesize"), &info) != 0);
    return info.dli_fname;
}

static void open_symbols(struct elf_symbols *symbols, struct arena *arena, int fd, struct elf_dynamic *dynamic) {
    struct elf elf;
    off_t size = lseek(fd, 0, SEEK_END);
    assert_int_equal(elf_open_image(&elf, arena, fd, (uint64_t)size), 0);
    assert_int_equal(elf_dynamic_read(dynamic, arena, &elf), 0);
    assert_int_equal(elf_symbols_open(symbols, arena, &elf, dynamic, false), 0);
}

static struct elf_reference reference_to(const char *name, const struct elf_version *version) {
    size_t length = strlen(name);
    return (struct elf_reference){
        .name = name, .length = length, .hash = elf_gnu_hash(name, length), .version = version};
}

static void of_libc(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct elf_dynamic dynamic;
    struct elf_symbols symbols;
    AUTO_FD fd = open(libc_path(), O_RDONLY | O_CLOEXEC);
    open_symbols(&symbols, &arena, fd, &dynamic);
    assert_string_equal(dynamic.soname, "libc.so.6");
    static const char *const present[] = {"printf", "getpagesize", "memcpy", "environ", "strtol", "fork"};
    for (size_t i = 0; i < 6; i++) {
        struct elf_reference reference = reference_to(present[i], NULL);
        assert_true(elf_symbols_define(&symbols, &reference));
    }
    static const char *const missing[] = {"printg", "", "cuInit", "__nvJitLinkCreate_12_4"};
    for (size_t i = 0; i < 4; i++) {
        struct elf_reference reference = reference_to(missing[i], NULL);
        assert_false(elf_symbols_define(&symbols, &reference));
    }
#ifdef __x86_64__ /* both versions of memcpy are there, and no third */
    struct elf_version old = {.name = "GLIBC_2.2.5", .hash = 0x9691a75},
                       new = {.name = "GLIBC_2.14", .hash = 0x6969194},
                       none = {.name = "GLIBC_2.3", .hash = 0xd696913};
    struct elf_reference memcpy_old = reference_to("memcpy", &old), memcpy_new = reference_to("memcpy", &new),
                         memcpy_none = reference_to("memcpy", &none);
    assert_true(elf_symbols_define(&symbols, &memcpy_old));
    assert_true(elf_symbols_define(&symbols, &memcpy_new));
    assert_false(elf_symbols_define(&symbols, &memcpy_none));
#endif
    assert_true(elf_symbols_define_version(&symbols, "GLIBC_2.34"));
    assert_false(elf_symbols_define_version(&symbols, "GLIBC_9.99"));
    elf_symbols_close(&symbols);
    assert_int_equal(symbols.error, 0);
}

static void hash_as_the_linker_s(void **state) {
    (void)state;
    /* examples of the GNU hash as published with it */
    assert_int_equal(elf_gnu_hash("", 0), 0x00001505);
    assert_int_equal(elf_gnu_hash("printf", 6), 0x156b2bb8);
    assert_int_equal(elf_gnu_hash("exit", 4), 0x7c967e3f);
    assert_int_equal(elf_gnu_hash("syscall", 7), 0xbac212a0);
}

static void shrinks_meanwhile(void **state) {
    (void)state;
    char path[] = "/tmp/whycuda-symbols-XXXXXX";
    AUTO_FD fd = mkstemp(path);
    AUTO_FD from = open(libc_path(), O_RDONLY | O_CLOEXEC);
    char bytes[65536];
    ssize_t got;
    assert_true(fd >= 0 && from >= 0 && unlink(path) == 0);
    while ((got = read(from, bytes, sizeof bytes)) > 0)
        assert_int_equal(write(fd, bytes, (size_t)got), got);
    off_t size = lseek(fd, 0, SEEK_END);
    for (int part = 0; part < 16; part++) {
        AUTO_ARENA arena = {0};
        struct elf_dynamic dynamic;
        struct elf_symbols symbols;
        struct elf_reference reference;
        size_t index = 0, steps = 0;
        AUTO_FD copy = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        assert_true(copy >= 0 && lseek(fd, 0, SEEK_SET) == 0);
        while ((got = read(fd, bytes, sizeof bytes)) > 0)
            assert_int_equal(write(copy, bytes, (size_t)got), got);
        open_symbols(&symbols, &arena, copy, &dynamic);
        assert_int_equal(ftruncate(copy, size * part / 64), 0);
        while (elf_symbols_next_undefined(&symbols, &index, &reference))
            steps++;
        reference = reference_to("printf", NULL);
        bool found = elf_symbols_define(&symbols, &reference);
        elf_symbols_close(&symbols);
        assert_true(found || symbols.error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_libc), cmocka_unit_test(hash_as_the_linker_s),
                                       cmocka_unit_test(shrinks_meanwhile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
