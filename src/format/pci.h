/* What Linux shows of a PCI function in sysfs, and the list of names that distributions carry. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

struct pci_config {
    bool dead; /* every byte reads as ff: nothing answers. The numbers below are then 0 */
    unsigned vendor, device, subsystem_vendor, subsystem_device;
    unsigned class; /* base class, subclass, interface: 0x030200 */
};
/* The first 64 bytes of `config`, which anybody may read. 0; -ENODATA: fewer bytes. */
int pci_config_parse(struct span bytes, struct pci_config *ret_config);

enum pci_bars { PCI_BARS_UNKNOWN, PCI_BARS_ASSIGNED, PCI_BARS_UNASSIGNED };
/* The first six lines of `resource`: start, end and flags of each BAR. UNASSIGNED: a memory BAR without an address
 * (flag IORESOURCE_UNSET of linux/ioport.h, or start 0). UNKNOWN: no memory BAR in it, or not such a file. */
enum pci_bars pci_bars_parse(struct span text);

/* "0000:01:00.0" -> true. */
bool pci_address_valid(struct span text);

/* The name of a device in pci.ids, cleaned, in the arena; NULL: not in it. */
const char *pci_ids_name(struct arena *arena, struct span ids, unsigned vendor, unsigned device);
