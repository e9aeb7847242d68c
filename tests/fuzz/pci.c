/* Any bytes as sysfs' config and resource files, and as pci.ids. */
#include <stdint.h>
#include <stdlib.h>

#include "format/pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_ARENA arena = {0};
    struct span bytes = span_from(data, size);
    struct pci_config config;
    if (pci_config_parse(bytes, &config) == 0 && (size < 64 || config.vendor > 0xffff || config.class > 0xffffff))
        abort();
    pci_bars_parse(bytes);
    if (pci_address_valid(bytes) && size != 12)
        abort();
    const char *name = pci_ids_name(&arena, bytes, 0x10de, 0x2684);
    if (name && strlen(name) > size * 4) /* \xNN for each byte at most */
        abort();
    return 0;
}
