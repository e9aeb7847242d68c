
#include <stdbool.h>
#include <string.h>

#include "diagnose/explains.h"
#include "diagnose/judge.h"
#include "support/unit.h"

/* The public list: it appears in JSON, in `whycuda why` and in the documentation, and only ever grows. */
static const char *const ids[] = {
    "gpu-absent",
    "gpu-fell-off-bus",
    "gpu-bound-elsewhere",
    "gpu-faulty",
    "driver-missing",
    "driver-not-loaded",
    "driver-nouveau",
    "driver-not-built-for-kernel",
    "driver-secure-boot",
    "driver-library-mismatch",
    "driver-does-not-support-gpu",
    "driver-open-module-required",
    "driver-libs-missing",
    "driver-stub-shadows",
    "driver-compat-shadows",
    "driver-install-broken",
    "driver-init-failed",
    "device-nodes-missing",
    "device-permission",
    "uvm-broken",
    "container-no-gpu",
    "container-capability-missing",
    "container-cgroup-lost",
    "wsl-driver-old-or-missing",
    "wsl-linux-driver-inside",
    "wsl1",
    "visible-devices-hidden",
    "visible-devices-invalid",
    "compute-mode-or-in-use",
    "gpu-memory-exhausted",
    "mig-misconfigured",
    "fabric-manager-down",
    "scheduler-no-gpu",
    "no-vgpu-license",
    "torch-missing",
    "torch-cpu-build",
    "torch-wrong-accelerator",
    "torch-no-wheel-for-python",
    "torch-platform-without-cuda",
    "torch-in-other-env",
    "torch-shadowed",
    "torch-install-broken",
    "torch-library-shadowed",
    "torch-companion-mismatch",
    "torch-cuda-mismatch",
    "toolkit-missing",
    "toolkit-incomplete",
    "toolkit-mismatch",
    "toolkit-path-wrong",
    "toolkit-host-compiler",
    "driver-too-old-for-cuda",
    "gpu-too-new",
    "gpu-too-old",
    "fork-after-init",
    "program-error",
    "torch-bug",
};
enum { ID_COUNT = sizeof ids / sizeof *ids };

static bool is_real(const char *id) {
    for (size_t i = 0; i < ID_COUNT; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

static bool has_rule(const char *id) {
    for (size_t room = 0; room < LINK_COUNT; room++)
        for (size_t i = 0; i < link_rooms[room]->count; i++)
            if (strcmp(link_rooms[room]->rules[i].id, id) == 0)
                return true;
    return false;
}

static void every_id_has_a_rule(void **state) {
    (void)state;
    for (size_t i = 0; i < ID_COUNT; i++) {
        if (!has_rule(ids[i]))
            print_error("no rule for %s\n", ids[i]);
        assert_true(has_rule(ids[i]));
    }
    for (size_t room = 0; room < LINK_COUNT; room++)
        for (size_t i = 0; i < link_rooms[room]->count; i++)
            assert_true(is_real(link_rooms[room]->rules[i].id));
}

static void rows_name_real_ids(void **state) {
    (void)state;
    for (size_t row = 0; row < explanation_row_count; row++) {
        bool by = false, what = false;
        for (size_t i = 0; i < ID_COUNT; i++) {
            by |= explanation_matches(explanation_rows[row].by, ids[i]);
            what |= explanation_matches(explanation_rows[row].what, ids[i]);
        }
        if (!by || !what)
            print_error("row %zu: %s, %s\n", row, explanation_rows[row].by, explanation_rows[row].what);
        assert_true(by && what);
    }
}

/* Depth first: 1 on the path, 2 done. */
static bool reaches_itself(size_t at, int *marks) {
    marks[at] = 1;
    for (size_t next = 0; next < ID_COUNT; next++) {
        if (explains(ids[at], ids[next]) == EXPLAINS_NOT || marks[next] == 2)
            continue;
        if (marks[next] == 1 || reaches_itself(next, marks)) {
            print_error("%s -> %s\n", ids[at], ids[next]);
            return true;
        }
    }
    marks[at] = 2;
    return false;
}

static void there_is_no_cycle(void **state) {
    (void)state;
    int marks[ID_COUNT] = {0};
    for (size_t i = 0; i < ID_COUNT; i++)
        assert_false(marks[i] == 0 && reaches_itself(i, marks));
}

static void examples(void **state) {
    (void)state;
    assert_int_equal(explains("container-no-gpu", "driver-libs-missing"), EXPLAINS);
    assert_int_equal(explains("driver-not-built-for-kernel", "driver-not-loaded"), EXPLAINS);
    assert_int_equal(explains("driver-not-loaded", "device-nodes-missing"), EXPLAINS);
    assert_int_equal(explains("wsl1", "driver-libs-missing"), EXPLAINS);
    assert_int_equal(explains("gpu-absent", "torch-cpu-build"), EXPLAINS_AS_RISK);
    /* a CPU build says nothing about the driver, nor the other way round */
    assert_int_equal(explains("torch-cpu-build", "driver-not-loaded"), EXPLAINS_NOT);
    assert_int_equal(explains("driver-not-loaded", "torch-cpu-build"), EXPLAINS_NOT);
    assert_int_equal(explains("torch-missing", "driver-missing"), EXPLAINS_NOT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_id_has_a_rule),
        cmocka_unit_test(rows_name_real_ids),
        cmocka_unit_test(there_is_no_cycle),
        cmocka_unit_test(examples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
