/* The GPU code in a file of any kind that carries some: an ELF program, library or object file (sections
 * .nv_fatbin and
 * __nv_relfatbin), a static archive of such, a bare fatbin, a cubin, PTX text. */
#pragma once

#include "base/list.h"
#include "format/fatbin.h"
#include "sys/root.h"

/* How far to look. */
enum fatbin_reach {
    FATBIN_SECTIONS, /* where GPU code belongs */
    FATBIN_LARGE,    /* and in the sections of the large code model, where NVIDIA's libraries keep more of it */
    FATBIN_ALL,      /* and anywhere else, which reads the whole file, of any format */
    FATBIN_SAMPLE    /* less: of the modules where GPU code belongs only every third is looked into. Tells the
                        targets that most of a library has, at less than half the reads */
};

struct fatbin_file {
    const char *format; /* static: "ELF", "archive", "fatbin", "cubin", "PTX", "unknown" */
    /* From the two sections, or the whole of a bare file. Of an ELF file without section names: what a hunt
     * through its loaded segments found. Damage is told in code.error; the call itself still succeeds. */
    struct fatbin_code code;
    /* Outside of them: with FATBIN_LARGE in sections of the large code model (.ldata, .lrodata: cuFFT keeps its
     * kernels there; .cask_resource of cuBLASLt and cuDNN), with FATBIN_ALL anywhere. */
    struct fatbin_code elsewhere;
    bool looked_elsewhere;            /* there were such sections, or FATBIN_ALL */
    uint64_t members;                 /* of an archive, the ones that were read */
    uint64_t size, reads, bytes_read; /* of the file; the headers of ELF files are not counted in the last two */
};

/* Reads the headers of everything within reach.
 * 0; -ENOEXEC: no format of these (never with FATBIN_ALL); -ENODATA, -EBADMSG: an ELF file whose first header is
 * cut short or absurd; or the -errno of opening and reading. */
int fatbin_file_read(const struct root *root, struct arena *arena, const char *path, enum fatbin_reach reach,
                     struct fatbin_file *ret_file);

/* The names alone, each kind sorted, each once: "sm_75", "sm_90a" …; "compute_120" …. */
void fatbin_names(struct arena *arena, const struct fatbin_code *code, struct texts *ret_sass,
                  struct texts *ret_ptx);
