#include "diagnose/explains.h"

#include <stdbool.h>

/* A trailing '*' stands for a family: "torch-*". One row per reason. */
static const struct {
    const char *by, *what;
    enum explanation how;
} table[] = {
    /* without a GPU the rest of the machine cannot be blamed, and what is wrong with PyTorch comes next */
    {"gpu-absent", "driver-*", EXPLAINS},    {"gpu-absent", "device-*", EXPLAINS},
    {"gpu-absent", "uvm-broken", EXPLAINS},  {"gpu-absent", "visible-devices-*", EXPLAINS_AS_RISK},
    {"gpu-absent", "container-*", EXPLAINS}, {"gpu-absent", "torch-*", EXPLAINS_AS_RISK},
};

static bool matches(const char *pattern, const char *id) {
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*')
        return strncmp(pattern, id, len - 1) == 0;
    return strcmp(pattern, id) == 0;
}

enum explanation explains(const char *by, const char *what) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (matches(table[i].by, by) && matches(table[i].what, what))
            return table[i].how;
    return EXPLAINS_NOT;
}
