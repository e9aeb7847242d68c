#include <errno.h>

#include "format/pci.h"
#include "support/unit.h"

static void config_space(void **state) {
    (void)state;
    unsigned char bytes[64] = {0xde, 0x10, 0x84, 0x26};
    bytes[9] = 0x00, bytes[10] = 0x02, bytes[11] = 0x03; /* 3D controller */
    bytes[44] = 0x28, bytes[45] = 0x10, bytes[46] = 0x34, bytes[47] = 0x12;
    struct pci_config config;
    assert_int_equal(pci_config_parse(span_from(bytes, sizeof bytes), &config), 0);
    assert_false(config.dead);
    assert_int_equal(config.vendor, 0x10de);
    assert_int_equal(config.device, 0x2684);
    assert_int_equal(config.class, 0x030200);
    assert_int_equal(config.subsystem_vendor, 0x1028);
    assert_int_equal(config.subsystem_device, 0x1234);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(pci_config_parse(span_from(bytes, sizeof bytes), &config), 0);
    assert_true(config.dead);
    assert_int_equal(config.vendor, 0);
    bytes[63] = 0;
    assert_int_equal(pci_config_parse(span_from(bytes, sizeof bytes), &config), 0);
    assert_false(config.dead);
    assert_int_equal(pci_config_parse(span_from(bytes, 63), &config), -ENODATA);
}

static void bars(void **state) {
    (void)state;
    static const char healthy[] = "0x00000000fb000000 0x00000000fbffffff 0x0000000000040200\n"
                                  "0x00000000d0000000 0x00000000dfffffff 0x000000000014220c\n"
                                  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                                  "0x00000000e0000000 0x00000000e1ffffff 0x000000000014220c\n"
                                  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
                                  "0x000000000000e000 0x000000000000e07f 0x0000000000040101\n";
    static const char unset[] = "0x00000000fb000000 0x00000000fbffffff 0x0000000000040200\n"
                                "0x0000000000000000 0x000000000fffffff 0x000000002014220c\n";
    static const char high[] = "0xffffff8000000000 0xffffff87ffffffff 0x000000000014220c\n";
    static const char ports[] = "0x0000000000000000 0x000000000000007f 0x0000000020040101\n";
    assert_int_equal(pci_bars_parse(span_of(healthy)), PCI_BARS_ASSIGNED);
    assert_int_equal(pci_bars_parse(span_of(unset)), PCI_BARS_UNASSIGNED);
    assert_int_equal(pci_bars_parse(span_of(high)), PCI_BARS_ASSIGNED);
    assert_int_equal(pci_bars_parse(span_of(ports)), PCI_BARS_UNKNOWN); /* ports are not needed by anybody */
    assert_int_equal(pci_bars_parse(span_of("")), PCI_BARS_UNKNOWN);
    assert_int_equal(pci_bars_parse(span_of("what 1 2\n")), PCI_BARS_UNKNOWN);
}

static void names(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    struct span ids =
        span_of("# list\n1002  Advanced Micro Devices\n\t2684  Not this one\n10de  NVIDIA Corporation\n"
                "\t2204  GA102 [GeForce RTX 3090]\n\t\t10de 1454  Board\n\t2684  AD102 [GeForce RTX 4090]\n"
                "8086  Intel Corporation\n\t9a49  TigerLake\n");
    assert_string_equal(pci_ids_name(&arena, ids, 0x10de, 0x2684), "AD102 [GeForce RTX 4090]");
    assert_null(pci_ids_name(&arena, ids, 0x10de, 0x9a49));
    assert_null(pci_ids_name(&arena, ids, 0x1af4, 0x1050));
    assert_true(pci_address_valid(span_of("0000:01:00.0")));
    assert_false(pci_address_valid(span_of("0000:01:00")));
    assert_false(pci_address_valid(span_of("../etc/passw")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(config_space), cmocka_unit_test(bars),
                                       cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
