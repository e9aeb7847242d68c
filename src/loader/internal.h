/* Shared by the files of src/loader; nobody else includes this. */
#pragma once

#include "loader/directory.h"
#include "loader/loader.h"

/* Directories in the order they are tried. */
struct search_list {
    const char *text, *origin; /* what it was made of */
    struct directory **items;
    size_t count;
};

/* Where the needs of an object are looked for; equal ones are the same pointer. */
struct search_lists {
    const struct search_list **rpaths; /* its own, its requester's …, the program's: each once */
    size_t rpath_count;
    const struct search_list *runpath; /* NULL: none */
    bool no_default_libraries;         /* DF_1_NODEFLIB */
};

struct loader {
    const struct root *root;
    struct loader_options options;
    struct arena arena;
    struct loader_platform platform;
    struct directories directories;
    struct ldcache cache;
    bool cache_usable;
    const char *cache_trouble;
    int cache_error; /* -errno of reading it, where it is there */
    bool secure, started, truncated;
    struct loader_object *program;
    struct loader_objects objects;
    struct loader_objects global; /* the global scope */
    struct loader_requests requests;
    const struct search_list *library_path, *defaults;
    struct {
        const struct search_list **items;
        size_t count;
    } lists;
    struct {
        const struct search_lists **items;
        size_t count;
    } searches;
    unsigned search_number; /* marks what one search has visited */
    unsigned mark;
};

/* --- search.c ---------------------------------------------------------------------------------------------- */

/* What a search is for: called for each copy in the order of the rules. */
enum visit { VISIT_ON, VISIT_STOP };
typedef enum visit visit_function(void *context, const char *directory, const char *name, enum loader_rule by,
                                  struct directory_file *file);
/* Goes through the rules for a name without a slash. With `hidden` it goes on after the first usable copy. */
void search_each(struct loader *loader, const struct search_lists *lists, const char *name, bool secure_preload,
                 visit_function *visit, void *context);
/* The lists of an object, from its DT_RPATH, DT_RUNPATH and those of the objects it came by. */
const struct search_lists *search_lists_of(struct loader *loader, const struct loader_object *object);
const struct search_list *search_list_get(struct loader *loader, const char *text, const char *separators,
                                          const char *origin);
const struct search_list *search_list_defaults(struct loader *loader);
/* $ORIGIN, $LIB and $PLATFORM. NULL: it cannot be used (an unknown origin, secure mode). */
const char *search_expand(struct loader *loader, const char *text, const char *origin);
/* Directory of a path, for $ORIGIN. */
const char *search_origin(struct loader *loader, const char *path);

/* --- object.c ---------------------------------------------------------------------------------------------- */

/* Reads a file into *object. 0 or -errno; what only hinders its use is in object->error. */
int object_read(struct loader *loader, struct loader_object *object, const char *path);
/* The same for an open file of that size; leaves device and inode alone. */
int object_read_open(struct loader *loader, struct loader_object *object, int fd, uint64_t size);
struct loader_object *object_add(struct loader *loader, const struct loader_object *template, const char *path,
                                 const char *name, const struct loader_object *requester);
void object_answer_to(struct loader *loader, struct loader_object *object, const char *name);
struct loader_object *object_find_file(const struct loader *loader, dev_t device, ino_t inode);
/* Where its needs are looked for; NULL stands for the program. */
const struct search_lists *object_lists(struct loader *loader, const struct loader_object *object);
void objects_add_once(struct arena *arena, struct loader_objects *list, struct loader_object *object);

/* --- request.c --------------------------------------------------------------------------------------------- */

enum asked { ASKED_NEEDED, ASKED_AUXILIARY, ASKED_DLOPEN, ASKED_PRELOAD };
/* Finds or loads a name for an object, and records it. NULL: not found. */
struct loader_object *request_make(struct loader *loader, const struct loader_object *caller, const char *name,
                                   enum asked asked, bool optional);

/* --- loader.c ---------------------------------------------------------------------------------------------- */

/* Loads what the objects of a list need, breadth first; the list grows. */
void dependencies_load(struct loader *loader, struct loader_objects *list);
/* Gives what was mapped since `before` the scope it is relocated in. */
void scopes_set(struct loader *loader, size_t before, struct loader_object *group);
void make_global(struct loader *loader, const struct loader_objects *list);

/* --- musl.c ------------------------------------------------------------------------------------------------ */

/* The lists musl uses instead: DT_RPATH and DT_RUNPATH are the same to it. */
const char *musl_path_file(const struct loader *loader, struct arena *arena);
/* Whether it pays no heed to a DT_RPATH or DT_RUNPATH: for a token it does not know. */
bool musl_rejects(const char *rpath);
/* Names that are part of musl itself: libc, libpthread, libm … */
bool musl_has(const char *name);
