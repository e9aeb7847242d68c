/* Directories in which libraries are looked for, each looked at once: does it exist, which glibc-hwcaps does it
 * have, is a file of that name in it and would ld.so take it. */
#pragma once

#include <sys/types.h>

#include "format/elf.h"
#include "loader/platform.h"

enum judgement {
    JUDGED_ABSENT, /* no such file, or ld.so passes over it: other class or machine, not readable */
    JUDGED_USABLE,
    JUDGED_FATAL, /* ld.so gives up with an error */
    JUDGED_LEAVE, /* ld.so leaves this list of directories (ELOOP, EIO …) */
};

/* One name in one directory. */
struct directory_file {
    const char *name;
    uint32_t hash;
    bool judged;
    enum judgement judgement;
    const char *error; /* of JUDGED_FATAL, in ld.so's words; else why it was passed over, NULL: not there */
    int trouble;       /* of JUDGED_LEAVE: -EIO and the like; 0 where ld.so would meet the same */
    dev_t device;
    ino_t inode;
    uint64_t size;
    int fd; /* open for the one who had it judged, who takes or closes it; -1 else */
};

/* What a directory holds; two names of one directory (/lib, /usr/lib) share it. */
struct contents {
    dev_t device;
    ino_t inode;
    bool listed;                   /* `files` is complete */
    struct directory_file **files; /* hash table */
    size_t file_count, room;
    unsigned visited; /* number of the search that was here last */
};

struct directory {
    const char *path; /* as it will stand before the file's name; "/" has no slash behind it */
    uint32_t hash;
    struct contents *contents;   /* NULL: there is no such directory */
    struct directory **variants; /* subdirectories for this CPU that exist, best first; not itself */
    size_t variant_count;
};

struct directories {
    const struct root *root;
    struct arena *arena;
    struct loader_platform *platform;
    struct directory **items; /* hash table */
    size_t count, room;
    struct contents **known; /* list */
    size_t known_count;
};

/* Closes what file_judge left open. */
void file_close(struct directory_file *file);
/* directory/name; the directory of "/" is "". */
const char *path_join(struct arena *arena, const char *directory, const char *name);
uint32_t name_hash(const char *name, size_t length);
/* The directory of that absolute path, looked at if it was not before. `variants`: also its subdirectories. */
struct directory *directory_get(struct directories *directories, const char *path, bool variants);
/* The file of that name, judged; see `fd`. NULL: there is none. */
struct directory_file *directory_find(struct directories *directories, struct directory *directory,
                                      const char *name, uint32_t hash);
/* Judges any path as ld.so's open_verify does. */
void file_judge(const struct directories *directories, const char *path, struct directory_file *file);
