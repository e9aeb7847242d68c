/* What the dynamic loader would do, without running anything: which file is taken for each library a program needs
 * or opens, by which rule, which other copies stay hidden behind it, and which symbols nobody defines.
 *
 * The rules are those of glibc's ld.so (elf/dl-load.c, dl-deps.c, dl-cache.c, dl-lookup.c; man ld.so(8)) for
 * x86_64, i386 and aarch64; musl's are in loader/musl.c. Every file is opened through sys/root.h, so nothing
 * outside a --root is looked at. Not followed: LD_AUDIT, namespaces, --inhibit-rpath, secure mode by file
 * capabilities or a security module (setuid and setgid bits are seen). */
#pragma once

#include "base/list.h"
#include "format/elf_dynamic.h"
#include "loader/platform.h"
#include "sys/root.h"

struct loader;

enum loader_rule {
    LOADER_NONE,    /* not found */
    LOADER_PRELOAD, /* LD_PRELOAD or /etc/ld.so.preload */
    LOADER_LOADED,  /* an object that was there already has this name or is this file */
    LOADER_RPATH,   /* DT_RPATH of the object that asks, of one it came by, or of the program */
    LOADER_LD_LIBRARY_PATH,
    LOADER_RUNPATH, /* DT_RUNPATH of the object that asks */
    LOADER_CACHE,   /* ld.so.cache */
    LOADER_DEFAULT, /* the loader's own directories */
    LOADER_DLOPEN,  /* opened by its path */
};
/* "rpath", "ld_library_path" … as in the JSON of `whycuda libs`. */
const char *loader_rule_name(enum loader_rule rule);

struct loader_object;
struct loader_objects {
    struct loader_object **items;
    size_t count;
};

/* A symbol or a version node that is missing. */
struct loader_undefined {
    const char *name;    /* cleaned */
    const char *version; /* wanted version; NULL: any. For a version node: NULL */
    const char *file;    /* who should have defined it, where the file says so */
    bool is_version;     /* `name` is a version node that `file` does not define */
};

struct loader_undefined_list {
    struct loader_undefined *items;
    size_t count;
};

struct loader_name {
    const char *text;
    uint32_t hash;
};

/* A file in the process: the program, a library. */
struct loader_object {
    const char *path; /* as ld.so spells it: the directory of the rule, a slash, the name */
    const char *name; /* what it was first asked for by */
    struct elf elf;   /* headers; the descriptor is closed */
    struct elf_dynamic dynamic;
    dev_t device;
    ino_t inode;
    const char *error; /* it is taken, but cannot be used: in ld.so's words; else NULL */
    /* whose DT_RPATH counts for what this one needs; NULL for a dlopened one */
    const struct loader_object *requester;
    struct loader_objects needed; /* in order, found ones only */
    struct loader_objects scope;  /* breadth first, itself first; only where it was started or dlopened */
    /* the object whose scope its symbols are looked up in, behind the global one */
    const struct loader_object *group;
    size_t global_seen;                     /* how much of the global scope there was when it was loaded */
    bool global;                            /* part of the global scope */
    struct loader_undefined_list undefined; /* after loader_check_symbols */
    int symbols_error;                      /* why the symbols could not be checked, 0 */
    struct {
        struct loader_name *items;
        size_t count;
    } names;                           /* all it answers to: its path, its soname, what it was asked for by */
    const struct search_lists *search; /* private */
    size_t index;                      /* private: its place in the list of objects */
    unsigned mark;                     /* private */
};

/* A copy the search came by. */
struct loader_copy {
    const char *path;
    enum loader_rule by;
    const char *error; /* why ld.so passes over it (wrong class …) or gives up on it; NULL: usable */
};

struct loader_copies {
    struct loader_copy *items;
    size_t count;
};

/* One name, and what became of it. Requests for the same name that end at the same object are one. */
struct loader_request {
    const char *name;             /* the DT_NEEDED string, or what dlopen was given */
    struct loader_object *object; /* NULL: not found */
    enum loader_rule by;
    const char *error; /* why not found or not usable, where there is more to say than "not found" */
    int trouble;       /* a place that could not be looked at (-EIO …): the answer may be another; 0 */
    struct loader_objects needed_by; /* empty for preloads and for what `whycuda libs` itself opens */
    struct loader_copies shadows;    /* other copies of that name, which one of these requesters would have got */
    bool by_dlopen;                  /* asked for by dlopen, not by DT_NEEDED */
    bool optional;                   /* the process goes on without it */
    struct loader_copies passed;     /* copies that were passed over before: wrong class, wrong machine */
};

struct loader_requests {
    struct loader_request *items;
    size_t count;
};

struct loader_options {
    const char *library_path; /* LD_LIBRARY_PATH; NULL: the root's environment; "" none */
    const char *preload;      /* LD_PRELOAD, likewise */
    bool skip_shadows;        /* do not look for hidden copies */
};

/* A loader without a process in it yet. 0 or -errno. The root must outlive it. */
int loader_open(struct loader **ret_loader, const struct root *root, struct loader_options options);
void loader_close(struct loader *loader);

/* Starts a program or, as `ldd` does, a library: maps it, the preloads and all they need. Once per loader.
 * 0; -ENOEXEC: not ELF; -ENOTSUP: another kind of ELF (core, object, a machine without rules here); -ENODATA,
 * -EBADMSG: cut or damaged; or the -errno of opening. */
int loader_start(struct loader *loader, const char *path);
/* The same without a program, for asking what a process of this machine would find. 0 or -ENOTSUP. */
int loader_start_bare(struct loader *loader);
/* dlopen: `caller` is the object whose code calls it (its paths count; NULL: the program). Adds requests. Returns
 * the object, or NULL where it was not found; the request says more. */
struct loader_object *loader_dlopen(struct loader *loader, const struct loader_object *caller, const char *name,
                                    bool global, bool optional);

struct loader_options loader_options(const struct loader *loader);
const struct loader_platform *loader_platform(const struct loader *loader);
/* The program; NULL before loader_start and after loader_start_bare. */
const struct loader_object *loader_program(const struct loader *loader);
/* All objects in the order they were mapped, the program first; all requests in the order they were made. */
const struct loader_objects *loader_objects(const struct loader *loader);
const struct loader_requests *loader_requests(const struct loader *loader);
/* The loaded object of that soname, name or path; NULL: none. */
struct loader_object *loader_find(const struct loader *loader, const char *name);
/* Whether a maximum was reached and the answer is cut. */
bool loader_truncated(const struct loader *loader);
/* Whether the process would be started in secure mode. */
bool loader_secure(const struct loader *loader);
/* What is odd about ld.so.cache: NULL, or words. */
const char *loader_cache_trouble(struct loader *loader);

/* Every copy of a library that the rules reach for a caller (NULL: the program), the winner first, then the hidden
 * ones; copies passed over (wrong class) carry an error. What is loaded already is not considered. */
void loader_candidates(struct loader *loader, struct arena *arena, const struct loader_object *caller,
                       const char *soname, struct loader_copies *ret_copies);

/* Fills `undefined` of every object: strong symbols no object in its scope defines, and version nodes the needed
 * library does not have. Slow against the rest (it reads symbol tables). */
void loader_check_symbols(struct loader *loader);
