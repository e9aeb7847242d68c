#include "sys/dl.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>

#include "base/text.h"

void *dl_open(struct arena *arena, const char *name, const char **ret_error) {
    *ret_error = NULL;
    /* RTLD_NOW: a missing symbol shows here, as a message, and not as the end of the process at the first call */
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *words = dlerror();
        *ret_error = text_clean(arena, span_of(words ? words : "not told"));
    }
    return handle;
}

const char *dl_path(struct arena *arena, void *handle) {
    struct link_map *map = NULL;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) < 0 || !map || !map->l_name)
        return NULL;
    char *real = realpath(map->l_name, NULL);
    const char *path = text_clean(arena, span_of(real ? real : map->l_name));
    free(real);
    return path;
}

void *dl_symbol(void *handle, const char *name) {
    struct link_map *asked = NULL, *found = NULL;
    Dl_info info;
    void *symbol = dlsym(handle, name);
    /* dlsym also searches what the library needs */
    if (symbol && dlinfo(handle, RTLD_DI_LINKMAP, &asked) == 0 &&
        dladdr1(symbol, &info, (void **)&found, RTLD_DL_LINKMAP) && found != asked)
        return NULL;
    return symbol;
}
