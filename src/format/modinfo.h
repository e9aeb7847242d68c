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

/* The same from a module that comes as a stream of pieces (unpacked from xz or zstd): entries are recognised by
 * the NUL before their key. Zeroed is ready. */
struct modinfo_stream {
    char version[64], license[64], vermagic[128]; /* "" not seen so far */
    char window[512];                             /* the end of what came before */
    size_t window_len;
};
void modinfo_stream_take(struct modinfo_stream *stream, struct span bytes);
/* After the last piece: whether it ended in a signature. */
bool modinfo_stream_signed(const struct modinfo_stream *stream);
