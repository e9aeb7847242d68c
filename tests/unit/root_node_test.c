/* Device nodes: looked at, opened in a child, and never waited for without end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/root.h"

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nodes that every Linux has, in the place of NVIDIA's. */
static const char *const paths[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"};
enum { COUNT = sizeof paths / sizeof *paths };

static void look(struct root *root, struct arena *arena, struct root_node *nodes) {
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(root_node(root, arena, paths[i], &nodes[i]), 0);
}

static void opened(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct root *root;
    struct root_node nodes[COUNT + 2];
    assert_int_equal(root_open(&root, NULL), 0);
    assert_int_equal(root_node(root, &arena, "/dev/whycuda-none", &nodes[0]), -ENOENT);
    look(root, &arena, nodes);
    assert_int_equal(nodes[0].type, 'c');
    assert_int_equal(nodes[0].major, 1);
    assert_int_equal(nodes[0].minor, 3);
    assert_int_equal(nodes[0].open_error, 1); /* looking is not opening */
    nodes[1].leave = true;
    assert_int_equal(root_node(root, &arena, "/etc/passwd", &nodes[COUNT]), 0);
    assert_int_equal(nodes[COUNT].type, '?');
    nodes[COUNT + 1] = (struct root_node){.path = "/dev/whycuda-gone", .type = 'c', .open_error = 1};
    root_nodes_open(root, &arena, nodes, COUNT + 2);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(nodes[i].open_error, i == 1);
    assert_int_equal(nodes[COUNT].open_error, 1);
    assert_int_equal(nodes[COUNT + 1].open_error, -ENOENT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    root_close(root);
}

/* One node whose driver sleeps: the others are told, and the whole ends in time. `stuck`: it cannot be killed. */
static void hanging(bool stuck) {
#ifdef WHYCUDA_TEST_HOOKS
    AUTO_ARENA arena = {0};
    struct root *root;
    struct root_node nodes[COUNT];
    assert_int_equal(root_open(&root, NULL), 0);
    look(root, &arena, nodes);
    setenv("WHYCUDA_HANG", "/dev/zero", 1);
    setenv("WHYCUDA_DEADLINE", "200", 1);
    if (stuck)
        setenv("WHYCUDA_STUCK", "a device node", 1);
    int64_t started = now_ms();
    root_nodes_open(root, &arena, nodes, COUNT);
    int64_t took = now_ms() - started;
    unsetenv("WHYCUDA_HANG");
    unsetenv("WHYCUDA_DEADLINE");
    unsetenv("WHYCUDA_STUCK");
    assert_true(took >= 400 && took < 2 * (200 + 1000)); /* once with the others, once alone */
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(nodes[i].open_error, i == 1 ? -ETIMEDOUT : 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    root_close(root);
#else
    (void)stuck;
#endif
}

static void slow_files(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct root *root;
    struct span direct, slow;
    assert_int_equal(root_open(&root, NULL), 0);
    assert_int_equal(root_read(root, &arena, "/proc/version", 4096, &direct), 0);
    assert_int_equal(root_read_slow(root, &arena, "/proc/version", 4096, &slow), 0);
    assert_int_equal(slow.len, direct.len);
    assert_memory_equal(slow.ptr, direct.ptr, slow.len);
    assert_int_equal(root_read_slow(root, &arena, "/proc/version", 5, &slow), -EFBIG);
    assert_int_equal(slow.len, 5);
    assert_int_equal(root_read_slow(root, &arena, "/proc/whycuda-none", 4096, &slow), -ENOENT);
    assert_int_equal(slow.len, 0);
#ifdef WHYCUDA_TEST_HOOKS
    setenv("WHYCUDA_HANG", "/proc/version", 1);
    setenv("WHYCUDA_DEADLINE", "200", 1);
    assert_int_equal(root_read_slow(root, &arena, "/proc/version", 4096, &slow), -ETIMEDOUT);
    unsetenv("WHYCUDA_HANG");
    unsetenv("WHYCUDA_DEADLINE");
    assert_int_equal(slow.len, 0);
#endif
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    root_close(root);
}

static void one_hangs(void **state) {
    (void)state;
    hanging(false);
}

static void one_is_stuck(void **state) {
    (void)state;
    hanging(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened),
        cmocka_unit_test(slow_files),
        cmocka_unit_test(one_hangs),
        cmocka_unit_test(one_is_stuck),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
