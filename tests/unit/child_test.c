/* Every way a child can end, side by side and alone; and that nothing is left of it: no zombie, stray or
 * descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "support/unit.h"
#include "sys/child.h"

static void answers(struct child_reply *reply, const void *argument) {
    child_at(reply, "first", -1);
    child_set(reply, json_pack("{s:i, s:{s:i}}", "number", *(const int *)argument, "map", "a", 1));
    child_at(reply, "second", 3);
    child_set(reply, json_pack("{s:{s:i}}", "map", "b", 2));
    child_add(reply, "list", json_string("x"));
    child_add(reply, "list", json_string("y"));
    printf("words on stdout\n");
    fflush(stdout);
}
static void crashes(struct child_reply *reply, const void *argument) {
    (void)argument;
    child_set(reply, json_pack("{s:b}", "before", 1));
    child_at(reply, "cuInit", -1);
    raise(SIGSEGV);
}
static void hangs(struct child_reply *reply, const void *argument) {
    (void)argument;
    child_at(reply, "cuDeviceGetName", 2);
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}
static void leaves(struct child_reply *reply, const void *argument) {
    (void)reply;
    _exit(*(const int *)argument);
}
static void babbles(struct child_reply *reply, const void *argument) {
    (void)reply, (void)argument;
    dprintf(CHILD_ANSWER, "{\"set\":{\"a\":1}}\nnonsense\n");
    sleep(20);
}
static void floods(struct child_reply *reply, const void *argument) {
    (void)argument;
    for (;;)
        child_set(reply, json_pack("{s:s}", "a", "0123456789012345678901234567890123456789"));
}
static void floods_stderr(struct child_reply *reply, const void *argument) {
    (void)reply, (void)argument;
    for (int i = 0; i < 20000; i++)
        fprintf(stderr, "line %d of very many\n", i);
}
static void eats(struct child_reply *reply, const void *argument) {
    (void)reply, (void)argument;
    for (;;) {
        void *memory = malloc(1 << 20);
        if (memory)
            memset(memory, 1, 1 << 20);
    }
}
static void breeds(struct child_reply *reply, const void *argument) {
    (void)argument;
    for (int i = 0; i < 5; i++)
        if (fork() == 0) {
            if (i & 1)
                setsid();
            if (fork() == 0)
                for (;;)
                    pause();
            for (;;)
                pause();
        }
    child_set(reply, json_pack("{s:i}", "pid", (int)getpid()));
    usleep(200 * 1000); /* until all ten are there */
}
static void tells_limits(struct child_reply *reply, const void *argument) {
    (void)argument;
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    int descriptors = 0;
    for (int fd = 0; fd < 1024; fd++)
        descriptors += fcntl(fd, F_GETFD) >= 0;
    char status[8192] = "";
    FILE *file = fopen("/proc/self/status", "r");
    size_t n = file ? fread(status, 1, sizeof status - 1, file) : 0;
    status[n] = '\0';
    const char *eff = strstr(status, "CapEff:"), *bound = strstr(status, "CapBnd:");
    child_set(reply,
              json_pack("{s:i, s:i, s:b, s:b, s:i, s:I, s:I, s:s, s:b}", "core", (int)core.rlim_cur, "fds",
                        descriptors, "leader", getsid(0) == getpid(), "eof", getchar() == EOF, "nnp",
                        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), "eff", (json_int_t)strtoull(eff + 7, NULL, 16),
                        "bound", (json_int_t)strtoull(bound + 7, NULL, 16), "set", getenv("CHILD_TEST_SET"),
                        "unset", getenv("CHILD_TEST_UNSET") == NULL));
}

/* A device node beside this program: that of /dev/null, since no driver's may be made. */
static void makes_a_node(struct child_reply *reply, const void *argument) {
    int r = mknod(argument, S_IFCHR | 0600, makedev(1, 3));
    child_set(reply, json_pack("{s:i}", "errno", r < 0 ? errno : 0));
    unlink(argument);
}

static void only_a_free_worker_makes_device_nodes(void **state) {
    (void)state;
    char path[] = "/tmp/whycuda-node-XXXXXX";
    close(mkstemp(path));
    unlink(path);
    struct child_task tasks[] = {{"free", makes_a_node, path},
                                 {"restricted", makes_a_node, path, .restricted = true}};
    struct child_result results[2];
    AUTO_ARENA arena = {0};
    for (int i = 0; i < 2; i++) /* one after the other: it is the same name */
        assert_int_equal(child_run(&arena, &tasks[i], 1, &results[i], NULL, NULL), 0);
    if (geteuid() == 0 && json_integer_value(json_object_get(results[0].answer, "errno")) == 0)
        print_message("root made a node where nothing forbade it\n");
    assert_int_equal(json_integer_value(json_object_get(results[1].answer, "errno")), EPERM);
    child_release(results, 2);
}

static int open_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}
static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
static void nothing_left(void) {
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void every_end_side_by_side(void **state) {
    (void)state;
    static const int seven = 7, zero = 0;
    static const char *const missing[] = {"/nonexistent/program", NULL};
    static const char *const script[] = {
        "sh", "-c", "echo '{\"set\":{\"from\":\"sh\"}}' >&3; echo '{\"end\":true}' >&3", NULL};
    const struct {
        struct child_task task;
        enum child_end end;
        int code;
        const char *at;
    } expected[] = {
        {{"answers", answers, &seven}, CHILD_OK, 0, "second of device 3"},
        {{"crashes", crashes}, CHILD_SIGNAL, SIGSEGV, "cuInit"},
        {{"hangs", hangs, .milliseconds = 400}, CHILD_TIMEOUT, 0, "cuDeviceGetName of device 2"},
        {{"leaves 7", leaves, &seven}, CHILD_EXIT, 7, NULL},
        {{"leaves 0", leaves, &zero}, CHILD_EXIT, 0, NULL},
        {{"babbles", babbles}, CHILD_GARBAGE, 0, NULL},
        {{"floods", floods}, CHILD_TOO_MUCH, 0, NULL},
        {{"floods stderr", floods_stderr}, CHILD_OK, 0, NULL},
        {{"eats", eats, .memory = 300 << 20}, CHILD_MEMORY, 0, NULL},
        {{"breeds", breeds}, CHILD_OK, 0, NULL},
        {{"missing", .program = missing}, CHILD_NOT_STARTED, ENOENT, NULL},
        {{"script", .program = script}, CHILD_OK, 0, NULL},
    };
    enum { COUNT = sizeof expected / sizeof *expected };
    struct child_task tasks[COUNT];
    struct child_result results[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        tasks[i] = expected[i].task;
    AUTO_ARENA arena = {0};
    int before = open_descriptors();
    int64_t started = now_ms();
    assert_int_equal(child_run(&arena, tasks, COUNT, results, NULL, NULL), 0);
    assert_true(now_ms() - started < 6000); /* "eats" takes its time under a sanitizer */
    for (size_t i = 0; i < COUNT; i++) {
        const char *words = child_explain(&arena, &tasks[i], &results[i]);
        if (results[i].end != expected[i].end)
            fail_msg("%s: %s: %s", tasks[i].name, words, results[i].said);
        if (results[i].end != CHILD_GARBAGE && results[i].end != CHILD_TOO_MUCH)
            assert_int_equal(results[i].code, expected[i].code);
        assert_true(text_eq(results[i].at, expected[i].at));
        assert_true(text_has(words, tasks[i].name));
    }
    assert_int_equal(open_descriptors(), before);
    nothing_left();

    json_t *map = json_object_get(results[0].answer, "map");
    assert_int_equal(json_object_size(map), 2);
    assert_int_equal(json_array_size(json_object_get(results[0].answer, "list")), 2);
    assert_string_equal(results[0].said, "words on stdout\n");
    assert_true(json_is_true(json_object_get(results[1].answer, "before"))); /* said before the crash */
    assert_true(results[2].elapsed >= 400 && results[2].elapsed < 1400);
    assert_true(text_has(results[5].said, "nonsense"));
    assert_true(text_has(results[7].said, "line 0 of very many"));
    assert_true(strlen(results[7].said) <= CHILD_SAID_MAX);
    assert_int_equal(results[9].strays, 10);
    child_release(results, COUNT);
}

static void a_stuck_child_is_left_behind(void **state) {
    (void)state;
#ifdef WHYCUDA_TEST_HOOKS
    setenv("WHYCUDA_STUCK", "sleeper", 1);
    struct child_task task = {"sleeper", hangs, .milliseconds = 200};
    struct child_result result;
    AUTO_ARENA arena = {0};
    int64_t started = now_ms();
    assert_int_equal(child_run(&arena, &task, 1, &result, NULL, NULL), 0);
    unsetenv("WHYCUDA_STUCK");
    assert_int_equal(result.end, CHILD_STUCK);
    assert_true(now_ms() - started < 200 + 1000);
    assert_true(text_has(child_explain(&arena, &task, &result), "stuck in the kernel"));
    nothing_left(); /* it is a stopped orphan now, ended by the death of its supervisor once it wakes */
    child_release(&result, 1);
#endif
}

static void what_a_worker_may(void **state) {
    (void)state;
    static const char *const changes[] = {"CHILD_TEST_SET=a=b", "CHILD_TEST_UNSET", NULL};
    setenv("CHILD_TEST_UNSET", "1", 1);
    struct child_task tasks[] = {{"free", tells_limits, .environment = changes},
                                 {"restricted", tells_limits, .environment = changes, .restricted = true}};
    struct child_result results[2];
    AUTO_ARENA arena = {0};
    assert_int_equal(child_run(&arena, tasks, 2, results, NULL, NULL), 0);
    for (int i = 0; i < 2; i++) {
        json_t *answer = results[i].answer;
        assert_int_equal(results[i].end, CHILD_OK);
        assert_int_equal(json_integer_value(json_object_get(answer, "fds")), 4);
        assert_int_equal(json_integer_value(json_object_get(answer, "core")), 1);
        assert_true(json_is_true(json_object_get(answer, "leader")));
        assert_true(json_is_true(json_object_get(answer, "eof")));
        assert_true(json_is_true(json_object_get(answer, "unset")));
        assert_string_equal(json_string_value(json_object_get(answer, "set")), "a=b");
        assert_int_equal(json_integer_value(json_object_get(answer, "nnp")), i);
    }
    const json_int_t mknod_and_module = 1 << 27 | 1 << 16; /* capability.h */
    assert_int_equal(json_integer_value(json_object_get(results[1].answer, "eff")) & mknod_and_module, 0);
    if (geteuid() == 0) {
        assert_int_equal(json_integer_value(json_object_get(results[1].answer, "bound")) & mknod_and_module, 0);
        assert_int_equal(json_integer_value(json_object_get(results[0].answer, "eff")) |
                             json_integer_value(json_object_get(results[1].answer, "eff")),
                         json_integer_value(json_object_get(results[0].answer, "eff")));
    }
    child_release(results, 2);
}

static void the_worker_ends_with_whycuda(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t middle = fork();
    if (middle == 0) { /* a whycuda that is killed while its child hangs */
        struct child_task task = {"hangs", hangs};
        struct child_result result;
        struct arena arena = {0};
        alarm(1);
        child_run(&arena, &task, 1, &result, NULL, NULL);
        _exit(0);
    }
    close(ends[1]);
    int how;
    waitpid(middle, &how, 0);
    assert_true(WIFSIGNALED(how));
    /* the supervisor's copy of our pipe is closed, so only `middle` held it; what is left to see is that no
     * process of this test hangs on: they would be found by their session */
    char byte;
    assert_int_equal(read(ends[0], &byte, 1), 0);
    close(ends[0]);
}

static void many_at_once(void **state) {
    (void)state;
    static const int seven = 7;
    struct child_task tasks[CHILD_MAX + 1];
    struct child_result results[CHILD_MAX + 1];
    for (int i = 0; i <= CHILD_MAX; i++)
        tasks[i] = (struct child_task){"answers", answers, &seven};
    AUTO_ARENA arena = {0};
    assert_int_equal(child_run(&arena, tasks, CHILD_MAX + 1, results, NULL, NULL), -E2BIG);
    assert_int_equal(child_run(&arena, tasks, CHILD_MAX, results, NULL, NULL), 0);
    for (int i = 0; i < CHILD_MAX; i++)
        assert_int_equal(results[i].end, CHILD_OK);
    child_release(results, CHILD_MAX);
    nothing_left();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_side_by_side), cmocka_unit_test(a_stuck_child_is_left_behind),
        cmocka_unit_test(what_a_worker_may),      cmocka_unit_test(the_worker_ends_with_whycuda),
        cmocka_unit_test(many_at_once),           cmocka_unit_test(only_a_free_worker_makes_device_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
