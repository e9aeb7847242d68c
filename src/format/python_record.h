/* RECORD of an installed package: a line of CSV for each file, "path,hash,size" (PEP 376). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

struct python_record_entry {
    struct span path; /* relative to the directory that holds the dist-info; may begin with "../" or "/" */
    bool has_size;    /* RECORD itself and files made after the installation have none */
    uint64_t size;
};

/* One line. False for what is no entry. Doubled quotes inside a quoted path stay doubled. */
bool python_record_parse(struct span line, struct python_record_entry *ret_entry);
/* Whether a path is a shared library or extension module: "x.so", "libcudart.so.12", "x.dll", "x.pyd". */
bool python_record_is_library(struct span path);
/* Where ".so" first stands, or SIZE_MAX: a RECORD has 12,000 lines and 50 libraries, and libc's memmem takes as
 * long as all the rest. */
size_t python_record_find_so(struct span text);
