/* Options of nvidia.ko that decide whether a program gets at a GPU: as the loaded module runs with them, or as
 * modprobe's configuration will give them to the next one. */
#pragma once

#include "diagnose/judge.h"

struct module_option {
    const char *value; /* without quotes; "" for an empty list */
    const char
        *text; /* the line as it stands: "DeviceFileMode: 432", "options nvidia NVreg_DeviceFileMode=0660" */
    const char *file;   /* modprobe's file that sets it; NULL: none does */
    const char *source; /* of the text */
    int64_t number;     /* the value as a number; -1: it is none */
    bool loaded;        /* the running module has it; else it is only configured */
};

/* The option NVreg_NAME. False: nothing tells it, so that the module's default holds, or nobody looked. */
bool module_option(struct judge *judge, const char *name, struct module_option *ret_option);
/* As evidence: the running module's, and the line of modprobe's configuration. */
void evidence_option(struct judge *judge, struct cause *cause, const char *name);
/* The option set to `value` in the file that has it (or in one of its own), then the module loaded anew with it. */
void fix_option(struct judge *judge, struct cause *cause, const char *title, const char *name, const char *value);
/* The option taken out of the file that sets it, then the module loaded anew. */
void fix_option_away(struct judge *judge, struct cause *cause, const char *name);
/* Options that are configured otherwise than the running module has them. */
void note_options(struct judge *judge, struct link_state *state);
