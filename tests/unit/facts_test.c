#include <stdlib.h>

#include "base/text.h"
#include "facts/json_locate.h"
#include "facts/redact.h"
#include "facts/snapshot_json.h"
#include "support/unit.h"

static struct snapshot *from_text(const char *text) {
    struct snapshot *snapshot = NULL;
    struct snapshot_error error;
    assert_int_equal(snapshot_from_json(span_of(text), &snapshot, NULL, &error), 0);
    return snapshot;
}

static void three_states_survive_a_round_trip(void **state) {
    (void)state;
    struct snapshot *snapshot = snapshot_new("live");
    set_text(&snapshot->driver.module_version, "535.104.05", "/proc/driver/nvidia/version");
    set_absent(&snapshot->system.container, "/proc/1/cgroup");
    set_unknown(&snapshot->driver.secure_boot, "Permission denied", "efivars");
    set_listed(&snapshot->gpu.devices, "/sys/bus/pci/devices");
    struct gpu_device *gpu = &LIST_PUSH(&snapshot->arena, &snapshot->gpu.devices);
    set_text(&gpu->name, "Tesla T4", NULL);
    json_t *json = snapshot_to_json(snapshot);
    char *text = json_dumps(json, 0);
    struct snapshot *again = from_text(text);
    assert_string_equal(text_of(again->driver.module_version), "535.104.05");
    assert_string_equal(again->driver.module_version.is.source, "/proc/driver/nvidia/version");
    assert_true(absent(again->system.container));
    assert_true(unknown(again->driver.secure_boot));
    assert_string_equal(again->driver.secure_boot.is.reason, "Permission denied");
    assert_true(unknown(again->driver.lockdown) && !again->driver.lockdown.is.reason);
    assert_int_equal(again->gpu.devices.count, 1);
    assert_string_equal(text_of(again->gpu.devices.items[0].name), "Tesla T4");
    json_t *second = snapshot_to_json(again);
    assert_true(json_equal(json, second));
    json_decref(json);
    json_decref(second);
    free(text);
    snapshot_free(snapshot);
    snapshot_free(again);
}

static void wrong_kinds_are_refused_with_their_place(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"schema\":\"whycuda/snapshot/1\",\n\"gpu\":{\"devices\":{\"value\":[{\"name\":{\"value\":7}}]}}}",
        "{\"schema\":\"whycuda/snapshot/1\",\n\"gpu\":{\"bus_readable\":{}}}",
        "{\"schema\":\"whycuda/snapshot/1\",\n\"gpu\":{\"bus_readable\":{\"value\":true,\"absent\":true}}}",
        "{\"schema\":\"whycuda/snapshot/1\",\n\"gpu\":[]}",
        "{\"schema\":\"other\"}",
        "[]",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct snapshot *snapshot = NULL;
        struct snapshot_error error;
        assert_true(snapshot_from_json(span_of(wrong[i]), &snapshot, NULL, &error) < 0);
        assert_true(error.message[0] && error.line >= 1 && error.column >= 1);
        if (i < 4)
            assert_int_equal(error.line, 2);
    }
}

static void a_place_is_found(void **state) {
    (void)state;
    int line, column;
    struct span text = span_of("{\"a\": [1,\n {\"b\\\"\": 2, \"c\":\n  [3, 4]}]}");
    json_locate(text, "/a/1/c/1", &line, &column);
    assert_int_equal(line, 3);
    assert_int_equal(column, 7);
    assert_int_equal(json_depth(span_of("[[\"[[[[\"]]"), 9, &line, &column), 2);
}

static void who_and_where_become_pseudonyms(void **state) {
    (void)state;
    struct snapshot *snapshot = snapshot_new("live");
    set_text(&snapshot->system.user, "jo", "getpwuid");
    set_text(&snapshot->system.home, "/home/jo", "HOME");
    set_text(&snapshot->system.host, "leto", "uname");
    set_text(&snapshot->torch.interpreter, "/home/jo/venv/bin/python", "PATH");
    set_listed(&snapshot->gpu.devices, "nvml");
    for (int i = 0; i < 3; i++) {
        struct gpu_device *gpu = &LIST_PUSH(&snapshot->arena, &snapshot->gpu.devices);
        set_text(&gpu->uuid,
                 i == 1 ? "GPU-aaaaaaaa-1111-2222-3333-444444444444" : "GPU-bbbbbbbb-1111-2222-3333-444444444444",
                 NULL);
    }
    set_text(&snapshot->environment.visible_devices, "GPU-aaaaaaaa", "CUDA_VISIBLE_DEVICES");
    set_listed(&snapshot->environment.variables, "environ");
    struct variable *variable = &LIST_PUSH(&snapshot->arena, &snapshot->environment.variables);
    set_text(&variable->name, "PIP_INDEX_URL", NULL);
    set_text(&variable->value, "https://jo:secret@leto.example/jockey/joy", NULL);
    snapshot_redact(snapshot, false);
    assert_string_equal(text_of(snapshot->system.user), "user");
    assert_string_equal(text_of(snapshot->torch.interpreter), "/home/user/venv/bin/python");
    assert_string_equal(text_of(variable->value), "https://***@host.example/jockey/joy");
    const struct gpu_device *gpus = snapshot->gpu.devices.items;
    assert_string_equal(text_of(gpus[0].uuid), text_of(gpus[2].uuid));
    assert_string_not_equal(text_of(gpus[0].uuid), text_of(gpus[1].uuid));
    assert_false(text_has(text_of(gpus[0].uuid), "bbbb"));
    /* a prefix in CUDA_VISIBLE_DEVICES still names the GPU it named */
    assert_true(text_starts(text_of(gpus[1].uuid), text_of(snapshot->environment.visible_devices)));
    snapshot_free(snapshot);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(three_states_survive_a_round_trip),
                                       cmocka_unit_test(wrong_kinds_are_refused_with_their_place),
                                       cmocka_unit_test(a_place_is_found),
                                       cmocka_unit_test(who_and_where_become_pseudonyms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
