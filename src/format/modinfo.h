/* Kernel modules: the section .modinfo, the signature behind the file, and lines of modules.dep. */
#pragma once

#include "base/span.h"

/* The value of "key=value\0" in the section; ptr NULL: not in it. */
struct span modinfo_get(struct span section, const char *key);

/* Whether the last bytes of a file are a signature's end (linux/module_signature.h). */
bool module_signed(struct span tail);
enum { MODULE_SIGNATURE_MARK = 28 };

enum module_compression { MODULE_PLAIN, MODULE_GZIP, MODULE_XZ, MODULE_ZSTD };
/* Of "kernel/drivers/video/nvidia.ko.zst": the name with '_' for '-' into a buffer ("nvidia"), and how it is
 * compressed. False: not a module, or a name longer than the buffer. */
bool module_file_name(struct span path, char *name, size_t size, enum module_compression *ret_compression);
/* "xz", "zstd", "gzip", or NULL. */
const char *module_compression_text(enum module_compression compression);

/* The modules that matter here, by their name with '_': nvidia, nvidia_uvm …, nouveau, nvgpu, and Debian's
 * versioned names (nvidia_current_uvm, nvidia_tesla_470). The name it has when loaded ("nvidia-uvm"), or NULL. */
const char *module_of_interest(const char *name);
