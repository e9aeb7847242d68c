/* Small text files around a Python: pyvenv.cfg, .pth, and modules of plain assignments as torch/version.py. */
#pragma once

#include <stdbool.h>

#include "base/span.h"

/* --- pyvenv.cfg (PEP 405; virtualenv and uv write more keys) ------------------------------------------------- */

/* Points into the bytes; empty where a key is missing. */
struct pyvenv {
    struct span home;    /* directory of the interpreter it was made from */
    struct span version; /* "3.12.1"; virtualenv's "3.12.1.final.0" cut to that */
    struct span prompt;
    struct span uv; /* uv's version, where uv made it */
    bool system_site;
};
void pyvenv_parse(struct span bytes, struct pyvenv *ret_pyvenv);

/* --- .pth files, as site.py reads them ----------------------------------------------------------------------- */

enum pth_kind { PTH_PATH, PTH_CODE };
/* Cuts the next line that does something off *rest: a path (relative to the file's directory), or code to be
 * executed. */
bool pth_next(struct span *rest, enum pth_kind *ret_kind, struct span *ret_text);

/* --- NAME = 'value' ------------------------------------------------------------------------------------------ */

enum python_value { PYTHON_TEXT, PYTHON_NONE, PYTHON_OTHER };

struct python_assignment {
    struct span name;
    enum python_value kind;
    struct span value; /* the text inside the quotes; of PYTHON_OTHER the expression */
};
/* Cuts the next assignment to a plain name at the top level off *rest: "cuda: Optional[str] = '12.4'  # comment".
 * Everything else is passed over, blocks below if, def and try too; nothing is evaluated. */
bool python_next_assignment(struct span *rest, struct python_assignment *ret_assignment);
