/* Small text files of /proc, /sys and /etc: key_value, mountinfo, nvrm, modinfo, modprobe_conf, kernel_log. */
#include <errno.h>

#include "format/kernel_log.h"
#include "format/key_value.h"
#include "format/modinfo.h"
#include "format/modprobe_conf.h"
#include "format/mountinfo.h"
#include "format/nvrm.h"
#include "support/unit.h"

static void key_values(void **state) {
    (void)state;
    struct span rest =
        span_of("# comment\nNAME=\"Arch Linux\"\n\nnothing\n ID = arch \nVERSION_ID='12'\n=x\nEMPTY=");
    struct span key, value;
    static const char *const want[][2] = {
        {"NAME", "Arch Linux"}, {"ID", "arch"}, {"VERSION_ID", "12"}, {"EMPTY", ""}};
    for (size_t i = 0; i < 4; i++) {
        assert_true(key_value_next(&rest, &key, &value));
        assert_true(span_eq(key, want[i][0]));
        assert_true(span_eq(value, want[i][1]));
    }
    assert_false(key_value_next(&rest, &key, &value));
}

static void mounts(void **state) {
    (void)state;
    struct span rest =
        span_of("36 35 98:0 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/a\nnonsense\n"
                "41 36 0:50 / /dev/shm rw,nosuid - tmpfs shm rw,size=65536k,inode64\n"
                "42 36 0:5 /nvidia0 /dev/nvidia0 rw shared:2 master:3 - devtmpfs udev rw,size=1g\n");
    struct mount mount;
    assert_true(mountinfo_next(&rest, &mount));
    assert_true(span_eq(mount.point, "/") && span_eq(mount.type, "overlay"));
    assert_int_equal(mount_size_kib(mount.options), -1);
    assert_true(mountinfo_next(&rest, &mount));
    assert_true(span_eq(mount.point, "/dev/shm") && span_eq(mount.source, "shm"));
    assert_int_equal(mount_size_kib(mount.options), 65536);
    assert_true(mountinfo_next(&rest, &mount));
    assert_true(span_eq(mount.root, "/nvidia0"));
    assert_int_equal(mount_size_kib(mount.options), 1024 * 1024);
    assert_false(mountinfo_next(&rest, &mount));
    assert_int_equal(mount_size_kib(span_of("size=50%")), -1);
    assert_int_equal(mount_size_kib(span_of("rw,size=2097152")), 2048);
}

static void module_versions(void **state) {
    (void)state;
    static const struct {
        const char *text, *version;
        enum nvrm_flavour flavour;
    } lines[] = {
        {"NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.08  Sun Feb 11 19:20:42 UTC 2024\nGCC version: "
         "x 12.2.0\n",
         "535.161.08", NVRM_PROPRIETARY},
        {"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.163.01  Release Build  (dvs-builder@U22)\n",
         "550.163.01", NVRM_OPEN},
        {"NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  580.95.05  Release Build\n", "580.95.05",
         NVRM_OPEN},
        {"NVRM version: NVIDIA UNIX Kernel Module for aarch64  535.161.08  Sun\n", "535.161.08", NVRM_PROPRIETARY},
        {"NVRM version: NVIDIA UNIX x86 Kernel Module  390.157  Wed Oct 12\n", "390.157", NVRM_PROPRIETARY},
        {"NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  TempVersion  Release Build  (bugfix_main)  "
         "Tue Dec 30\n",
         "", NVRM_OPEN},
    };
    struct nvrm nvrm;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(nvrm_parse(span_of(lines[i].text), &nvrm), 0);
        assert_string_equal(nvrm.version.text, lines[i].version);
        assert_int_equal(nvrm.flavour, lines[i].flavour);
    }
    assert_int_equal(nvrm_parse(span_of("what"), &nvrm), -EINVAL);
    assert_int_equal(nvrm_flavour_of_license(span_of("Dual MIT/GPL")), NVRM_OPEN);
    assert_int_equal(nvrm_flavour_of_license(span_of("NVIDIA")), NVRM_PROPRIETARY);
    assert_int_equal(nvrm_flavour_of_license((struct span){0}), NVRM_FLAVOUR_UNKNOWN);
}

static void modules(void **state) {
    (void)state;
    static const char section[] =
        "license=NVIDIA\0version=535.261.03\0supported=external\0vermagic=6.1.0-28-amd64 SMP mod\0";
    assert_true(span_eq(modinfo_get(span_from(section, sizeof section - 1), "version"), "535.261.03"));
    assert_null(modinfo_get(span_from(section, sizeof section - 1), "alias").ptr);
    assert_true(module_signed(span_of("xx~Module signature appended~\n")));
    assert_false(module_signed(span_of("~Module signature appended~")));
    char name[64];
    enum module_compression compression;
    assert_true(
        module_file_name(span_of("updates/dkms/nvidia-current-uvm.ko.xz"), name, sizeof name, &compression));
    assert_string_equal(name, "nvidia_current_uvm");
    assert_int_equal(compression, MODULE_XZ);
    assert_string_equal(module_of_interest(name), "nvidia-uvm");
    assert_false(module_file_name(span_of("updates/.ko"), name, sizeof name, &compression));
    assert_false(module_file_name(span_of("modules.dep"), name, sizeof name, &compression));
    static const struct {
        const char *name, *shown;
    } names[] = {{"nvidia", "nvidia"},
                 {"nvidia_tesla_470", "nvidia"},
                 {"nvidia_modeset", "nvidia-modeset"},
                 {"nvidia_current", "nvidia"},
                 {"nvidiafb", NULL},
                 {"nvidia_wmi_ec_backlight", NULL},
                 {"nouveau", "nouveau"},
                 {"i2c_nvidia_gpu", NULL},
                 {"nvidia_cspmu", NULL}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].shown)
            assert_string_equal(module_of_interest(names[i].name), names[i].shown);
        else
            assert_null(module_of_interest(names[i].name));
}

/* However the stream is cut, the same is found. */
static void module_stream(void **state) {
    (void)state;
    static const char module[] =
        "rubbish version=%s license= \0version=x\0\0license=Dual MIT/GPL\0version=550.163.01\0"
        "vermagic=6.1.0-28-amd64 SMP\0data data~Module signature appended~\n";
    for (size_t piece = 1; piece <= sizeof module; piece++) {
        struct modinfo_stream stream = {0};
        for (size_t at = 0; at < sizeof module - 1; at += piece) {
            size_t len = sizeof module - 1 - at < piece ? sizeof module - 1 - at : piece;
            modinfo_stream_take(&stream, span_from(module + at, len));
        }
        assert_string_equal(stream.version, "550.163.01");
        assert_string_equal(stream.license, "Dual MIT/GPL");
        assert_string_equal(stream.vermagic, "6.1.0-28-amd64 SMP");
        assert_true(modinfo_stream_signed(&stream));
    }
}

static void modprobe(void **state) {
    (void)state;
    struct span module, word;
    assert_int_equal(modprobe_line(span_of("blacklist nvidia"), &module), MODPROBE_BLACKLIST);
    assert_true(span_eq(module, "nvidia"));
    assert_int_equal(modprobe_line(span_of("  install nvidia-uvm /bin/false"), &module), MODPROBE_REFUSED);
    assert_int_equal(modprobe_line(span_of("alias nvidia off"), &module), MODPROBE_REFUSED);
    /* Debian's own: a detour, no refusal */
    assert_int_equal(modprobe_line(span_of("install nvidia modprobe -i nvidia-current $CMDLINE_OPTS"), &module),
                     MODPROBE_NONE);
    assert_int_equal(modprobe_line(span_of("#blacklist nvidia"), &module), MODPROBE_NONE);
    assert_int_equal(modprobe_line(span_of(""), &module), MODPROBE_NONE);
    struct span rest = span_of("root=UUID=x ro quiet modprobe.blacklist=nouveau,nvidia nouveau.modeset=0");
    assert_true(command_line_blacklist(&rest, &word, &module));
    assert_true(span_eq(module, "nouveau,nvidia"));
    assert_true(command_line_blacklist(&rest, &word, &module));
    assert_true(span_eq(module, "nouveau"));
    assert_false(command_line_blacklist(&rest, &word, &module));
}

static void log_lines(void **state) {
    (void)state;
    static const char *const lines[] = {
        "[   12.345678] NVRM: hello",
        "<4>[   12.345678] NVRM: hello",
        "[Sun Nov 22 20:57:01 2026] NVRM: hello",
        "[   12.345678][    T1] NVRM: hello",
        "Nov 22 20:57:01 box kernel: [   12.345678] NVRM: hello",
        "2026-11-22T20:57:01.123456+00:00 box kernel: NVRM: hello",
        "               NVRM: hello",
        "NVRM: hello",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_true(span_eq(kernel_log_message(span_of(lines[i])), "NVRM: hello"));
    bool seen;
    struct span log =
        span_of("[ 9.0] NVRM: old\n[ 0.0] Linux version 6.1.0 (x)\n[ 1.0] NVRM: new\nfoo: Linux version\n");
    assert_true(span_starts(kernel_log_current_boot(log, &seen), "[ 0.0] Linux version 6.1.0"));
    assert_true(seen);
    log = span_of("[ 9.0] NVRM: old\n");
    assert_int_equal(kernel_log_current_boot(log, &seen).len, log.len);
    assert_false(seen);
    AUTO_BUFFER buffer = BUFFER_INIT(1024);
    kernel_log_collect(span_of("[ 1.0] usb 1-1: x\n[ 1.1] NVRM: a\n   NVRM: b\n[ 2] eth0 up\n"), &buffer);
    assert_string_equal(buffer_text(&buffer), "NVRM: a\nNVRM: b\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(key_values),      cmocka_unit_test(mounts),
                                       cmocka_unit_test(module_versions), cmocka_unit_test(modules),
                                       cmocka_unit_test(module_stream),   cmocka_unit_test(modprobe),
                                       cmocka_unit_test(log_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
