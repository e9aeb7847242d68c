/* The loader's rules against the loader: this very process, and the libraries it opens. */
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "loader/loader.h"
#include "support/unit.h"

struct mapped {
    const char *paths[256];
    size_t count;
};

static int collect(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    struct mapped *mapped = context;
    if (info->dlpi_name[0] == '/' && mapped->count < 256)
        mapped->paths[mapped->count++] = strdup(info->dlpi_name);
    return 0;
}

static void mapped_free(struct mapped *mapped) {
    for (size_t i = 0; i < mapped->count; i++)
        free((void *)mapped->paths[i]);
}

static void open_live(struct root **root, struct loader **loader) {
    assert_int_equal(root_open(root, NULL), 0);
    assert_int_equal(loader_open(loader, *root, (struct loader_options){0}), 0);
}

/* The same files, in the same order, as this process has. */
static void this_process(void **state) {
    (void)state;
    struct root *root;
    struct loader *loader;
    struct mapped mapped = {0};
    char self[4096] = "";
    open_live(&root, &loader);
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    assert_int_equal(loader_start(loader, self), 0);
    dl_iterate_phdr(collect, &mapped);
    const struct loader_objects *objects = loader_objects(loader);
    size_t at = 0;
    for (size_t i = 1; i < objects->count; i++) { /* the program has no name there */
        const char *path = objects->items[i]->path;
        if (strcmp(path, loader_platform(loader)->interpreter) == 0)
            continue;
        while (at < mapped.count && strcmp(mapped.paths[at], loader_platform(loader)->interpreter) == 0)
            at++;
        assert_true(at < mapped.count);
        assert_string_equal(path, mapped.paths[at++]);
    }
    assert_int_equal(objects->count - 1, mapped.count);
    loader_check_symbols(loader);
    for (size_t i = 0; i < objects->count; i++) {
        assert_int_equal(objects->items[i]->undefined.count, 0);
        assert_int_equal(objects->items[i]->symbols_error, 0);
    }
    assert_string_equal(text_basename(loader_program(loader)->path), "loader_test");
    mapped_free(&mapped);
    loader_close(loader);
    root_close(root);
}

static void not_programs(void **state) {
    (void)state;
    struct root *root;
    const struct {
        const char *path;
        int error;
    } rows[] = {{"/etc/passwd", -ENOEXEC}, {"/nowhere", -ENOENT}, {"/etc", -EISDIR}, {"/dev/null", -ENXIO}};
    assert_int_equal(root_open(&root, NULL), 0);
    for (size_t i = 0; i < 4; i++) {
        struct loader *loader;
        assert_int_equal(loader_open(&loader, root, (struct loader_options){0}), 0);
        assert_int_equal(loader_start(loader, rows[i].path), rows[i].error);
        loader_close(loader);
    }
    root_close(root);
}

/* Without a program: what any process would get. */
static void bare(void **state) {
    (void)state;
    struct root *root;
    struct loader *loader;
    AUTO_ARENA arena = {0};
    struct loader_copies copies;
    open_live(&root, &loader);
    assert_int_equal(loader_start_bare(loader), 0);
    void *handle = dlopen("libm.so.6", RTLD_LAZY);
    struct link_map *map;
    assert_non_null(handle);
    assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &map), 0);
    loader_candidates(loader, &arena, NULL, "libm.so.6", &copies);
    assert_true(copies.count >= 1);
    assert_string_equal(copies.items[0].path, map->l_name);
    assert_null(copies.items[0].error);
    loader_candidates(loader, &arena, NULL, "libthere-is-none.so.77", &copies);
    assert_int_equal(copies.count, 0);
    const struct loader_object *object = loader_dlopen(loader, NULL, "libm.so.6", false, false);
    assert_string_equal(object->path, map->l_name);
    assert_null(loader_dlopen(loader, NULL, "libthere-is-none.so.77", false, false));
    const struct loader_requests *requests = loader_requests(loader);
    assert_int_equal(requests->items[requests->count - 1].by, LOADER_NONE);
    dlclose(handle);
    loader_close(loader);
    root_close(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(this_process), cmocka_unit_test(not_programs),
                                       cmocka_unit_test(bare)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
