/* Symlinks in the last place, in the middle, absolute and relative, inside a root. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/unit.h"
#include "sys/root.h"

static void links(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    char directory[] = "/tmp/whycuda-realpath-XXXXXX";
    const char *path;
    struct root *root;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(mkdir("bin", 0755) | mkdir("opt", 0755), 0);
    assert_int_equal(symlink("python3", "bin/python") | symlink("/opt/python3.11", "bin/python3"), 0);
    assert_int_equal(symlink("../../../../etc", "opt/out") | symlink("loop", "opt/loop"), 0);
    FILE *file = fopen("opt/python3.11", "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(root_open(&root, directory), 0);
    assert_int_equal(root_realpath(root, &arena, "/bin/python", &path), 0);
    assert_string_equal(path, "/opt/python3.11");
    assert_int_equal(root_realpath(root, &arena, "/bin/../bin/./python", &path), 0);
    assert_string_equal(path, "/opt/python3.11");
    assert_int_equal(root_realpath(root, &arena, "/opt/out", &path), -ENOENT);
    assert_int_equal(root_realpath(root, &arena, "/opt/loop", &path), -ELOOP);
    assert_int_equal(root_realpath(root, &arena, "/bin/python/x", &path), -ENOTDIR);
    root_close(root);
    assert_int_equal(unlink("bin/python") | unlink("bin/python3") | unlink("opt/out") | unlink("opt/loop") |
                         unlink("opt/python3.11"),
                     0);
    assert_int_equal(rmdir("bin") | rmdir("opt") | rmdir(directory), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(links)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
