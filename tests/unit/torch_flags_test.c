#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "format/torch_flags.h"
#include "support/elf_make.h"
#include "support/unit.h"
#include "sys/root.h"

/* The list read from a library whose .rodata is these bytes; "" and *ret_error where there is none. */
static const char *flags_in(struct arena *arena, const void *rodata, size_t size, bool named, int *ret_error) {
    struct made *made = malloc(sizeof *made);
    made_start(made, true, false, ET_DYN, EM_X86_64, 0);
    made_section(made, ".data", SHT_PROGBITS, "sm_10 sm_11 sm_12 sm_13 sm_20", 30, 0); /* not looked at */
    made_section(made, named ? ".rodata" : ".other", SHT_PROGBITS, rodata, size, 0x1000);
    made_finish(made);
    AUTO_FD fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, made->bytes, made->size), made->size);
    free(made);
    struct root *root;
    struct texts list = {0};
    assert_int_equal(root_open(&root, NULL), 0);
    *ret_error = torch_flags_read(root, arena, arena_printf(arena, "/proc/self/fd/%d", fd), &list);
    root_close(root);
    const char *text = "";
    for (size_t i = 0; i < list.count; i++)
        text = arena_printf(arena, "%s%s%s", text, i ? " " : "", list.items[i]);
    return text;
}

static void lists(void **state) {
    (void)state;
    static const struct {
        const char *rodata;
        size_t size;
        const char *list;
    } rows[] = {
#define ROW(bytes, list) {bytes, sizeof bytes, list}
        ROW("set_memory_fraction\0sm_37 sm_50 sm_60 sm_70\0_CudaDeviceProperties", "sm_37 sm_50 sm_60 sm_70"),
        /* PyTorch 2.8: GCC put it behind bytes that end in no NUL */
        ROW("from_ipc_handle(Device device, std::string ipc_hsm_70 sm_75 sm_80\0\0\0", "sm_70 sm_75 sm_80"),
        ROW("x\0sm_90a sm_100f compute_120\0", "sm_90a sm_100f compute_120"),
        ROW("x\0compute_90\0", "compute_90"),
        ROW("x\0sm_86\0", "sm_86"),
        ROW("needs sm_86\0", ""),
        ROW("sm_80 or newer\0sm_80 sm_86 and more\0sm_x\0sm_12345 sm_80\0", ""),
        ROW("\0sm_80\0\0sm_75 sm_80\0", "sm_75 sm_80"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_ARENA arena = {0};
        int error;
        assert_string_equal(flags_in(&arena, rows[i].rodata, rows[i].size, true, &error), rows[i].list);
        assert_int_equal(error, *rows[i].list ? 0 : -ENOENT);
    }
}

static void without_section_names(void **state) {
    (void)state;
    AUTO_ARENA arena = {0};
    int error;
    assert_string_equal(flags_in(&arena, "\0sm_75 sm_80 sm_86 sm_90 sm_100 sm_120", 39, false, &error),
                        "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120");
}

/* A list anywhere over the seam of two reads. */
static void over_the_seam(void **state) {
    (void)state;
    static char rodata[MADE_BYTES - 6000];
    for (size_t at = 64 * 1024 - 1100; at < 64 * 1024 + 100; at += 7) {
        AUTO_ARENA arena = {0};
        int error;
        memset(rodata, 0, sizeof rodata);
        memcpy(rodata + at, "sm_75 sm_80 sm_120", 19);
        assert_string_equal(flags_in(&arena, rodata, sizeof rodata, true, &error), "sm_75 sm_80 sm_120");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists), cmocka_unit_test(without_section_names),
                                       cmocka_unit_test(over_the_seam)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
