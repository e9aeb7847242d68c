/* Link 1: display and 3D functions on the PCI bus, from sysfs. */
#include <errno.h>

#include "base/limits.h"
#include "base/text.h"
#include "probe/probe.h"

static const char bus[] = "/sys/bus/pci/devices";

static void read_function(struct probe *probe, const char *address) {
    struct arena *arena = probe->arena;
    const char *directory = text_path(arena, bus, address), *vendor, *device, *class;
    if (root_read_line(probe->root, arena, text_path(arena, directory, "class"), &class) < 0 ||
        !text_starts(class, "0x03"))
        return;
    if (root_read_line(probe->root, arena, text_path(arena, directory, "vendor"), &vendor) < 0 ||
        root_read_line(probe->root, arena, text_path(arena, directory, "device"), &device) < 0)
        return;
    if (!text_eq(vendor, "0x10de"))
        return;
    struct gpu_device *gpu = &LIST_PUSH(arena, &probe->out->gpu.devices);
    set_text(&gpu->address, address, directory);
    set_text(&gpu->device_id, arena_printf(arena, "10de:%s", device + 2), directory);
}

void probe_gpu(struct probe *probe) {
    struct gpu_facts *gpu = &probe->out->gpu;
    struct texts functions;
    int r = root_list(probe->root, probe->arena, bus, &functions);
    if (r < 0 && r != -EFBIG) {
        set_unknown(&gpu->bus_readable, "the PCI bus cannot be listed", bus);
        set_unknown(&gpu->devices, "the PCI bus cannot be listed", bus);
        return;
    }
    set_flag(&gpu->bus_readable, true, bus);
    set_listed(&gpu->devices, bus);
    for (size_t i = 0; i < functions.count; i++)
        read_function(probe, functions.items[i]);
}
