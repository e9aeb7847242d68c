/* libcuda and NVML: needs the loader's rules. */
#include "probe/driver.h"

void driver_libraries_read(struct probe *probe) {
    (void)probe;
}
