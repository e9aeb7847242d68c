/* From answers of children to facts, in each way a child can end; and answers recorded under a root. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "facts/snapshot_json.h"
#include "live/live.h"
#include "live/record.h"
#include "support/unit.h"

static struct child_result answered(const char *text) {
    return (struct child_result){.end = CHILD_OK, .answer = json_loads(text, 0, NULL), .said = ""};
}

static const struct child_task libcuda = {.name = "libcuda", .milliseconds = 10000};

static void a_full_answer(void **state) {
    (void)state;
    struct snapshot *s = snapshot_new("live");
    struct child_result r = answered(
        "{\"library\":\"/lib/libcuda.so.550\",\"driver_version\":12040,\"init\":0,\"count\":2,\"devices\":["
        "{\"index\":0,\"name\":\"A\",\"pci\":\"00000000:0A:00.0\",\"capability\":\"8.0\",\"memory_total\":"
        "1073741824,"
        "\"ecc\":true},{\"index\":1,\"name\":\"B\"}],\"refused\":[{\"field\":\"uuid\",\"device\":1,"
        "\"call\":\"cuDeviceGetUuid\",\"code\":999,\"error\":\"CUDA_ERROR_UNKNOWN\"},{\"field\":\"ecc\","
        "\"device\":1,"
        "\"call\":\"cuDeviceGetAttribute\",\"missing\":true}]}");
    record_cuda(s, &libcuda, &r);
    const struct compute_device *d = s->compute.devices.items;
    assert_string_equal(text_of(s->compute.cuda_child), "answered");
    assert_string_equal(text_of(s->compute.driver_version), "12.4");
    assert_string_equal(text_of(s->driver.cuda_version), "12.4");
    assert_int_equal(s->compute.devices.count, 2);
    assert_string_equal(text_of(d[0].address), "0000:0a:00.0");
    assert_int_equal(number_of(d[0].memory_total_mib, 0), 1024);
    assert_true(is_true(d[0].ecc) && absent(d[0].mig_uuid));
    assert_true(unknown(d[0].uuid)); /* not among the answers and not refused either */
    assert_true(unknown(d[1].uuid));
    assert_string_equal(d[1].uuid.is.reason, "cuDeviceGetUuid: 999 CUDA_ERROR_UNKNOWN");
    assert_string_equal(d[1].ecc.is.reason, "the library has no cuDeviceGetAttribute");
    assert_int_equal(s->compute.refused.count, 2);
    child_release(&r, 1);
    snapshot_free(s);
}

static void each_bad_end_is_a_reason(void **state) {
    (void)state;
    const struct {
        struct child_result result;
        const char *child, *reason;
    } ends[] = {
        {{.end = CHILD_SIGNAL, .code = 11, .at = "cuInit"},
         "signal 11",
         "crashed: signal 11, Segmentation fault (in cuInit)"},
        {{.end = CHILD_TIMEOUT, .at = "cuInit"}, "timeout", "did not answer within 10 s (in cuInit)"},
        {{.end = CHILD_STUCK, .at = "cuInit"}, "stuck in the kernel", "is stuck in the kernel"},
        {{.end = CHILD_EXIT, .code = 3}, "exit 3", "exit status 3"},
        {{.end = CHILD_GARBAGE}, "garbage", "no answer"},
        {{.end = CHILD_TOO_MUCH}, "too-much", "more than"},
        {{.end = CHILD_MEMORY}, "memory", "more memory"},
        {{.end = CHILD_NOT_STARTED, .code = EAGAIN}, "not-started", "could not be started"},
    };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct snapshot *s = snapshot_new("live");
        struct child_result r = ends[i].result;
        r.answer = json_loads("{\"driver_version\":12040}", 0, NULL);
        record_cuda(s, &libcuda, &r);
        assert_string_equal(text_of(s->compute.cuda_child), ends[i].child);
        assert_true(unknown(s->compute.cuda_init) && unknown(s->compute.devices));
        assert_true(text_has(s->compute.cuda_init.is.reason, ends[i].reason));
        assert_string_equal(text_of(s->compute.driver_version), "12.4"); /* said before */
        child_release(&r, 1);
        snapshot_free(s);
    }
}

static void a_missing_library(void **state) {
    (void)state;
    struct snapshot *s = snapshot_new("live");
    struct child_result r = answered("{\"open_error\":\"libcuda.so.1: cannot open shared object file\"}");
    record_cuda(s, &libcuda, &r);
    assert_string_equal(text_of(s->compute.cuda_child), "no library");
    assert_true(text_has(s->compute.cuda_init.is.reason, "cannot open"));
    child_release(&r, 1);
    snapshot_free(s);
}

/* Answers of the wrong kind, as a library that lies may cause: unknown, never a crash. */
static void answers_of_the_wrong_kind(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{\"init\":\"zero\",\"count\":[],\"devices\":{},\"refused\":7,\"driver_version\":{}}",
        "{\"init\":0,\"count\":1,\"devices\":[7,null,{\"index\":\"x\",\"name\":5,\"pci\":\"\",\"capability\":[]}]"
        "}",
        "{\"refused\":[1,{},{\"field\":3,\"call\":4,\"code\":\"x\"}],\"count\":-1,\"devices\":[[]]}",
        "{\"devices\":[{\"pci\":\":\",\"processes\":[1,{\"pid\":\"x\"}],\"mig\":true,\"mig_instances\":[3],"
        "\"throttle\":[1]}],"
        "\"count\":1,\"init\":0}",
        "{\"errors\":[1,{}],\"warnings\":[[]],\"devices\":[1,{\"product\":3}],\"version\":[],\"arch_list\":{\"a\":"
        "1}}",
        "{\"product\":7,\"copy\":[],\"memory\":\"x\",\"device\":3,\"burn\":null}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct root *root;
        assert_int_equal(root_open(&root, NULL), 0);
        struct snapshot *s = snapshot_new("live");
        struct child_result r = answered(texts[i]);
        assert_non_null(r.answer);
        record_cuda(s, &libcuda, &r);
        record_cuda_unmasked(s, &libcuda, &r);
        record_nvml(s, root, &libcuda, &r);
        record_compute(s, 3, &libcuda, &r);
        record_cpu(s, &libcuda, &r);
        record_torch(s, &libcuda, &r);
        json_t *json = snapshot_to_json(s);
        assert_non_null(json);
        json_decref(json);
        child_release(&r, 1);
        snapshot_free(s);
        root_close(root);
    }
}

static void a_gpu_that_nvml_cannot_reach(void **state) {
    (void)state;
    struct root *root;
    assert_int_equal(root_open(&root, NULL), 0);
    struct snapshot *s = snapshot_new("live");
    static const char *const addresses[] = {"0000:01:00.0", "0000:02:00.0", "0000:03:00.0"};
    for (size_t i = 0; i < 3; i++)
        set_text(&(LIST_PUSH(&s->arena, &s->gpu.devices)).address, addresses[i], "test");
    struct child_result r = answered(
        "{\"init\":0,\"count\":3,\"devices\":[{\"index\":0,\"pci\":\"00000000:01:00.0\",\"memory_total\":1048576},"
        "{\"index\":1},{\"index\":2,\"pci\":\"00000000:03:00.0\"}],\"refused\":["
        "{\"field\":\"handle\",\"device\":1,\"call\":\"nvmlDeviceGetHandleByIndex_v2\",\"code\":15,"
        "\"error\":\"NVML_ERROR_GPU_IS_LOST\"},{\"field\":\"memory_total\",\"device\":2,"
        "\"call\":\"nvmlDeviceGetMemoryInfo\",\"code\":16,\"error\":\"NVML_ERROR_RESET_REQUIRED\"}]}");
    record_nvml(s, root, &libcuda, &r);
    assert_true(unknown(s->gpu.devices.items[0].fault));
    assert_int_equal(number_of(s->gpu.devices.items[0].memory_total_mib, 0), 1);
    assert_string_equal(text_of(s->gpu.devices.items[1].fault), "is lost");
    assert_string_equal(text_of(s->gpu.devices.items[2].fault), "requires reset");
    child_release(&r, 1);
    snapshot_free(s);
    root_close(root);
}

static void write_file(const char *directory, const char *name, const char *text) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void recorded_answers(void **state) {
    (void)state;
    char directory[] = "/tmp/whycuda-live-XXXXXX", inside[64];
    const char *message = NULL;
    assert_non_null(mkdtemp(directory));
    snprintf(inside, sizeof inside, "%s/.whycuda", directory);
    struct root *root;
    assert_int_equal(root_open(&root, directory), 0);
    struct snapshot *s = snapshot_new("root");
    assert_int_equal(live_recorded(s, root, &message), -ENOENT);
    assert_int_equal(mkdir(inside, 0755), 0);
    write_file(inside, "live.json",
               "{\"compute\":{\"cuda_child\":{\"value\":\"answered\"},\"cuda_init\":{\"value\":802,\"source\":"
               "\"cuInit\"}},"
               "\"access\":{\"mig_enabled\":{\"value\":true}}}");
    assert_int_equal(live_recorded(s, root, &message), 0);
    assert_int_equal(number_of(s->compute.cuda_init, 0), 802);
    assert_true(is_true(s->access.mig_enabled));
    write_file(inside, "live.json", "{\"compute\":{\"cuda_init\":{\"value\":\"text\"}}}");
    assert_int_equal(live_recorded(s, root, &message), -EINVAL);
    assert_non_null(message);
    write_file(inside, "live.json", "not json");
    assert_int_equal(live_recorded(s, root, &message), -EINVAL);
    snapshot_free(s);
    root_close(root);
    char path[256];
    snprintf(path, sizeof path, "%s/live.json", inside);
    unlink(path);
    rmdir(inside);
    rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_answer),
                                       cmocka_unit_test(each_bad_end_is_a_reason),
                                       cmocka_unit_test(a_missing_library),
                                       cmocka_unit_test(answers_of_the_wrong_kind),
                                       cmocka_unit_test(a_gpu_that_nvml_cannot_reach),
                                       cmocka_unit_test(recorded_answers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
