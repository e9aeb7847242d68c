/* Pythons and their environments, as their files tell it; none is run. Shared by probe/python_*.c and
 * probe/torch*.c.
 *
 * Paths here are as they stand on disk and may hold any byte; what goes into a fact is cleaned first
 * (python_fact_path). */
#pragma once

#include "format/python_text.h"
#include "probe/probe.h"

struct python {
    const char *prefix;           /* sys.prefix */
    const char *base;             /* sys.base_prefix: another one in a venv; NULL: not found */
    const char *interpreter;      /* the file a user starts: PREFIX/bin/python */
    const char *real_interpreter; /* behind symlinks; NULL: they lead nowhere */
    const char *library;          /* directory below lib: "python3.11", "python3.13t"; NULL: not known */
    const char *version, *version_source;
    const char *config; /* its pyvenv.cfg; NULL: not a venv */
    struct pyvenv pyvenv;
    const char *trouble; /* why its files may mislead: a pyvenv.cfg that cannot be read; NULL: none */
    const char *kind, *name;
    const char *found_by; /* what led to it */
    const char *identity; /* equal for the same environment found twice */
    bool in_use;
    bool windows; /* made by a Python for Windows: Scripts and Lib\site-packages */
    struct texts kernels;
};

struct pythons {
    struct python *items;
    size_t count;
};

struct python_search {
    struct probe *probe;
    const struct root *root;
    struct arena *arena;   /* scratch, as long as the search */
    const char *home;      /* of the user; NULL: not known */
    const char *directory; /* the working directory; NULL: not known */
    struct pythons found;
    struct texts cut; /* places with more in them than is looked at */
};

/* Fills home and directory. */
void python_search_start(struct python_search *search, struct probe *probe, struct arena *scratch);
void python_search_cut(struct python_search *search, const char *place, const char *what);

/* --- one interpreter or prefix (python_identify.c) -------------------------------------------------------- */

/* What belongs to the interpreter at this path. 0; -ENOENT: nothing there; -ENOEXEC: no Python. An interpreter
 * whose links lead nowhere still identifies its venv. */
int python_identify(struct python_search *search, const char *interpreter, struct python *ret_python);
/* The same for the environment in a directory. -ENOENT: none there. */
int python_identify_prefix(struct python_search *search, const char *prefix, struct python *ret_python);
/* Adds one unless it is there already; `kind` NULL: told by its files. Returns the entry, NULL beyond
 * LIMIT_ENVIRONMENTS. It is good until the next call. */
struct python *python_add(struct python_search *search, const struct python *python, const char *kind,
                          const char *found_by);
/* The machine a program is built for ("x86_64"), as a fact. */
void python_machine(const struct root *root, const char *path, struct text_fact *ret_machine);

/* --- which one would run (python_choose.c, python_shim.c) ------------------------------------------------- */

/* Fills interpreter, chosen_by and on_path of the torch facts, and adds the environment in use. */
void python_choose(struct python_search *search);

/* What the shim of a version manager would start, from its files. 0; -ENOEXEC: not a shim; -EAGAIN: it hands over
 * to the next one on PATH; -ENOENT: it would fail. *ret_by: the file or variable that decided, or why it fails. */
int python_resolve_shim(struct python_search *search, const char *shim, const char *command,
                        const char **ret_interpreter, const char **ret_by);

/* --- the others (python_places.c) ------------------------------------------------------------------------- */

void python_collect(struct python_search *search);

/* --- sys.path (python_path.c) ----------------------------------------------------------------------------- */

enum python_path_origin {
    PATH_DIRECTORY, /* of the script, or the working directory */
    PATH_PYTHONPATH,
    PATH_STDLIB,
    PATH_SITE, /* site-packages or dist-packages of the environment */
    PATH_USER_SITE,
    PATH_BASE_SITE, /* of the Python a venv was made from, with include-system-site-packages */
    PATH_PTH,       /* a line of a .pth file */
    PATH_EDITABLE,  /* an import hook of an editable installation; `path` is the package itself */
};

struct python_path_entry {
    const char *path;
    enum python_path_origin origin;
    enum python_path_origin site; /* of PATH_PTH, PATH_EDITABLE: the kind of site directory that has the file */
    const char *source;           /* variable, pyvenv.cfg or .pth file; NULL: site.py's own rules */
    bool listed;                  /* site directories: `names` holds what is in them */
    int list_error;               /* of listing; -EFBIG: `names` is cut */
    struct texts names;
};

struct python_path {
    struct python_path_entry *items;
    size_t count;
};

/* The directories that this Python would search, in order, those that exist. */
void python_path_build(struct python_search *search, const struct python *python, struct arena *arena,
                       struct python_path *ret_path);
/* "working directory", "user site" … */
const char *python_path_word(enum python_path_origin origin);

/* --- small things ----------------------------------------------------------------------------------------- */

/* `text` against a directory, "." and ".." and doubled slashes resolved without looking at the disk. */
const char *python_join(struct arena *arena, const char *directory, struct span text);
const char *python_parent(struct arena *arena, const char *path);
/* Into the snapshot. */
const char *python_fact_path(const struct probe *probe, const char *path);
