/* A file that shrinks under a mapping. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "support/unit.h"
#include "sys/map.h"

static int file_of(size_t size) {
    int fd = memfd_create("map", MFD_CLOEXEC);
    char *bytes = malloc(size);
    assert_true(fd >= 0 && bytes);
    memset(bytes, 'x', size);
    assert_int_equal(write(fd, bytes, size), size);
    free(bytes);
    return fd;
}

static void shrinks(void **state) {
    (void)state;
    AUTO_FD fd = file_of(5 * 4096);
    struct map first, second;
    assert_int_equal(map_open(&first, fd, 100, 4 * 4096), 0);
    assert_int_equal(map_open(&second, fd, 4096, 4096), 0);
    assert_int_equal(first.bytes[0], 'x');
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(first.bytes[3 * 4096], 0);
    assert_int_equal(first.bytes[0], 'x'); /* that page is still there */
    assert_true(first.torn);
    assert_false(second.torn);
    assert_int_equal(second.bytes[0], 0);
    assert_true(second.torn);
    map_close(&first);
    map_close(&second);
    map_close(&second);
}

static void refuses(void **state) {
    (void)state;
    AUTO_FD fd = file_of(4096);
    struct map map;
    assert_int_equal(map_open(&map, fd, 0, 4097), -ENODATA);
    assert_int_equal(map_open(&map, fd, 4096, 1), -ENODATA);
    assert_int_equal(map_open(&map, fd, UINT64_MAX, 2), -ENODATA);
    assert_int_equal(map_open(&map, fd, 0, 0), -ENODATA);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(map_open(&map, ends[0], 0, 1), -ENODATA);
    close(ends[0]);
    close(ends[1]);
}

/* A bus error of somebody else's is still one. */
static void leaves_others_alone(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct map map;
        int fd = file_of(4096), other = file_of(4096);
        signal(SIGBUS, SIG_DFL);
        volatile char *foreign = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, other, 0);
        if (map_open(&map, fd, 0, 4096) < 0 || ftruncate(other, 0) < 0)
            _exit(3);
        _exit(*foreign ? 1 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(shrinks), cmocka_unit_test(refuses),
                                       cmocka_unit_test(leaves_others_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
