

#include "base/buffer.h"
#include "format/kernel_log.h"
#include "knowledge/kernel_message.h"
#include "support/unit.h"

/* Lines as users pasted them (the sources stand in data/kernel_messages.csv), and what must be seen in each. */
static const struct {
    const char *line, *id, *address;
    int xid;
} samples[] = {
    {"[ 5.1] NVRM: Xid (PCI:0000:02:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.", "xid",
     "0000:02:00", 79},
    {"[ 5.1] NVRM: Xid (PCI:0000:17:00 GPU-I:02): 13, pid=1, Graphics SM Warp Exception", "xid", "0000:17:00", 13},
    {"[ 5.1] NVRM: GPU 0000:01:00.0: GPU has fallen off the bus.", "fell_off_bus", "0000:01:00.0", -1},
    {"[   49.261458] NVRM: GPU at 0000:01:00.0 has fallen off the bus.", "fell_off_bus", "0000:01:00.0", -1},
    {"[ 5.1] NVRM: The NVIDIA GPU 0000:01:00.0 (PCI ID: 10de:1050) installed\n[ 5.1] NVRM: in this system is not "
     "supported by the 280.13 NVIDIA Linux",
     "not_supported_by_release", "0000:01:00.0", -1},
    {"[ 5.1] NVRM: GPU 0000:57:00.0: RmInitAdapter failed! (0x22:0x56:897)", "rminit_failed", "0000:57:00.0", -1},
    {"[87669.726564] NVRM: RmInitAdapter failed! (0x26:0xffff:1375)", "rminit_failed", NULL, -1},
    {"[ 5.1] NVRM: API mismatch: the client has the version 550.163.01, but\n[ 5.1] NVRM: this kernel module has "
     "the "
     "version 535.261.03.  Please",
     "api_mismatch", NULL, -1},
    {"[ 5.1] NVRM: The NVIDIA GPU 0000:09:00.0 (PCI ID: 10de:1d01)\n               NVRM: installed in this system "
     "is not "
     "supported by open\n               NVRM: nvidia.ko because it does not include the required GPU",
     "open_not_supported", "0000:09:00.0", -1},
    {"[ 5.1] NVRM: The NVIDIA GPU 0000:57:00.0 (PCI ID: 10de:2c3a)\n[ 5.1] NVRM: installed in this system "
     "requires use of the "
     "NVIDIA open kernel modules.",
     "open_required", "0000:57:00.0", -1},
    {"[    9.062105] NVRM: Open nvidia.ko is only ready for use on Data Center GPUs.", "open_unsupported", NULL,
     -1},
    {"[ 5.1] NVRM: The NVIDIA probe routine was not called for 3 device(s).", "probe_not_called", NULL, -1},
    {"[ 5.1] NVRM: None of the NVIDIA devices were initialized.", "none_initialized", NULL, -1},
    {"[ 5.1] NVRM: This PCI I/O region assigned to your NVIDIA device is invalid:\n[ 5.1] NVRM: BAR1 is 0M @ 0x0 "
     "(PCI:0000:01:00.0)",
     "bar_invalid", "0000:01:00.0", -1},
    {"[ 5.1] nvidia: version magic '6.1.0-28-amd64 SMP' should be '6.1.0-31-amd64 SMP'", "version_magic", NULL,
     -1},
    {"[ 5.1] nvidia 0000:01:00.0: Direct firmware load for nvidia/535.261.03/gsp_tu10x.bin failed with error -2",
     "gsp_firmware_missing", "0000:01:00.0", -1},
    {"Nov 22 12:00:00 box systemd-modules-load[300]: Failed to insert module 'nvidia': Key was rejected by "
     "service",
     "key_rejected", NULL, -1},
    {"[ 5.1] Loading of module with unavailable key is rejected", "unsigned_refused", NULL, -1},
    {"[ 5.1] Lockdown: modprobe: unsigned module loading is restricted; see man kernel_lockdown.7", "lockdown",
     NULL, -1},
    {"[ 5.1] nouveau 0000:01:00.0: NVIDIA GA104 (174000a1)", "nouveau_loaded", "0000:01:00.0", -1},
    {"[ 5.1] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.261.03  Sat Jun 14", "module_loaded", NULL, -1},
};

struct seen {
    const char *id;
    bool found;
    struct kernel_hit hit;
};

static bool add(void *context, const struct kernel_hit *hit) {
    struct seen *seen = context;
    if (strcmp(hit->id, seen->id) == 0) {
        seen->found = true;
        seen->hit = *hit;
    }
    return true;
}

static void every_sample(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        AUTO_BUFFER log = BUFFER_INIT(64 * 1024);
        struct seen seen = {.id = samples[i].id};
        kernel_log_collect(span_of(samples[i].line), &log);
        assert_int_equal(kernel_message_find(knowledge, buffer_span(&log), add, &seen), 0);
        if (!seen.found)
            fail_msg("not seen: %s in %s", samples[i].id, samples[i].line);
        assert_int_equal(seen.hit.xid, samples[i].xid);
        if (samples[i].address)
            assert_true(span_eq(seen.hit.address, samples[i].address));
        else
            assert_null(seen.hit.address.ptr);
    }
}

/* A healthy start must give nothing but "loaded". */
static void healthy(void **state) {
    (void)state;
    AUTO_KNOWLEDGE knowledge = NULL;
    AUTO_BUFFER log = BUFFER_INIT(64 * 1024);
    assert_int_equal(knowledge_open(&knowledge, NULL), 0);
    kernel_log_collect(
        span_of(
            "[ 3.0] nvidia: loading out-of-tree module taints kernel.\n"
            "[ 3.0] nvidia: module license 'NVIDIA' taints kernel.\n"
            "[ 3.0] nvidia: module verification failed: signature and/or required key missing - tainting kernel\n"
            "[ 3.1] nvidia-nvlink: Nvlink Core is being initialized, major device number 511\n"
            "[ 3.1] nvidia 0000:01:00.0: vgaarb: VGA decodes changed: olddecodes=io+mem,decodes=none\n"
            "[ 3.2] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.261.03  Sat Jun 14\n"
            "[ 3.3] nvidia-modeset: Loading NVIDIA Kernel Mode Setting Driver for UNIX platforms  535.261.03\n"
            "[ 3.4] [drm] [nvidia-drm] [GPU ID 0x00000100] Loading driver\n"
            "[ 9.4] nvidia-uvm: Loaded the UVM driver, major device number 509.\n"),
        &log);
    struct seen seen = {.id = "module_loaded"};
    assert_int_equal(kernel_message_find(knowledge, buffer_span(&log), add, &seen), 0);
    assert_true(seen.found);
    static const char *const never[] = {
        "xid",           "key_rejected",         "unsigned_refused", "key_not_trusted",
        "uvm_failed",    "gsp_firmware_missing", "modeset_error",    "already_bound",
        "nouveau_loaded"};
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        seen = (struct seen){.id = never[i]};
        kernel_message_find(knowledge, buffer_span(&log), add, &seen);
        assert_false(seen.found);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_sample), cmocka_unit_test(healthy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
