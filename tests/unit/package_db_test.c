#include <errno.h>

#include "format/compat_note.h"
#include "format/package_db.h"
#include "support/unit.h"

static bool has_nvidia(struct span name) {
    return span_has(name, "nvidia");
}

static void dpkg(void **state) {
    (void)state;
    struct span rest =
        span_of("Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"
                "Package: nvidia-kernel-dkms\nStatus: install ok half-configured\nArchitecture: amd64\n"
                "Version: 535.261.03-1~deb12u1\nDescription: x\n Version: not this\n\n"
                "Package: nvidia-smi\nVersion: 1");
    struct package package;
    assert_true(dpkg_next(&rest, has_nvidia, &package));
    assert_true(span_eq(package.name, "nvidia-kernel-dkms"));
    assert_true(span_eq(package.version, "535.261.03-1~deb12u1"));
    assert_true(span_eq(package.status, "install ok half-configured"));
    assert_true(dpkg_next(&rest, has_nvidia, &package));
    assert_true(span_eq(package.version, "1"));
    assert_int_equal(package.status.len, 0);
    assert_false(dpkg_next(&rest, has_nvidia, &package));
}

static void pacman(void **state) {
    (void)state;
    struct package package;
    assert_true(pacman_desc(span_of("%NAME%\nnvidia-open\n\n%VERSION%\n570.144-1\n\n%ARCH%\nx86_64\n"), &package));
    assert_true(span_eq(package.name, "nvidia-open"));
    assert_true(span_eq(package.version, "570.144-1"));
    assert_false(pacman_desc(span_of("%VERSION%\n1\n%NAME%"), &package));
    assert_false(pacman_desc(span_of(""), &package));
}

static void put(unsigned char *bytes, uint32_t number) {
    bytes[0] = (unsigned char)(number >> 24), bytes[1] = (unsigned char)(number >> 16);
    bytes[2] = (unsigned char)(number >> 8), bytes[3] = (unsigned char)number;
}

static void rpm(void **state) {
    (void)state;
    unsigned char bytes[8 + 3 * 16 + 64] = {0};
    static const char data[] = "akmod-nvidia\0"
                               "560.35.03\0"
                               "1.fc40";
    static const struct { uint32_t tag, offset; } entries[] = {{1000, 0}, {1001, 13}, {1002, 23}};
    put(bytes, 3);
    put(bytes + 4, 64);
    for (size_t i = 0; i < 3; i++) {
        put(bytes + 8 + i * 16, entries[i].tag);
        put(bytes + 12 + i * 16, 6);
        put(bytes + 16 + i * 16, entries[i].offset);
        put(bytes + 20 + i * 16, 1);
    }
    memcpy(bytes + 8 + 48, data, sizeof data);
    struct package package;
    struct span release;
    assert_true(rpm_header(span_from(bytes, sizeof bytes), &package, &release));
    assert_true(span_eq(package.name, "akmod-nvidia"));
    assert_true(span_eq(package.version, "560.35.03"));
    assert_true(span_eq(release, "1.fc40"));
    /* cut anywhere it never reads behind the end */
    for (size_t cut = 0; cut < sizeof bytes; cut++)
        rpm_header(span_from(bytes, cut), &package, &release);
    put(bytes, 0xffffffff);
    assert_false(rpm_header(span_from(bytes, sizeof bytes), &package, &release));
}

static void compat_note(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    static const char json[] =
        "{\"Format\": 1, \"CUDA Version\": \"13.1\", \"Driver\": [535, 550, \"x\"], \"Device\": [1]}";
    char bytes[256] = {0};
    uint32_t head[3] = {19, sizeof json, 1};
    memcpy(bytes, head, 12);
    memcpy(bytes + 12, "NVIDIA Corporation", 19);
    memcpy(bytes + 32, json, sizeof json);
    struct compat_note note;
    assert_int_equal(compat_note_parse(span_from(bytes, sizeof bytes), false, &arena, &note), 0);
    assert_string_equal(note.cuda, "13.1");
    assert_int_equal(note.branches.count, 2);
    assert_int_equal(note.branches.items[1], 550);
    for (size_t cut = 0; cut < 32 + sizeof json; cut++)
        assert_true(compat_note_parse(span_from(bytes, cut), false, &arena, &note) < 0);
    memcpy(bytes + 12, "Somebody Elses Note", 19);
    assert_int_equal(compat_note_parse(span_from(bytes, sizeof bytes), false, &arena, &note), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(dpkg), cmocka_unit_test(pacman), cmocka_unit_test(rpm),
                                       cmocka_unit_test(compat_note)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
