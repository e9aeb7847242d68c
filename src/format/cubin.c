#include "format/cubin.h"

#include <ctype.h>
#include <errno.h>

#include "base/arena.h"

enum {
    ABI_WITH_WIDE_ARCH =
        8, /* EI_ABIVERSION of CUDA 13 (and of 12.8 for Blackwell): architecture in bits 8 to 15 */
    NOTES_MAX = 16 * 1024
};

#define OLD_FLAG_ARCH_SPECIFIC 0x800u /* LLVM's EF_CUDA_ACCELERATORS_V1; seen in sm_90a of CUDA 12.4 */

/* CUDA 13's section of attributes: u8 format, u8 id, u16 value, and behind format 4 as many bytes as the value
 * says. Id 9 is 1 in sm_90a, sm_100a and sm_120a and 0 in their plain and `f` forms. */
static bool compat_says_specific(const struct elf *elf, struct span bytes) {
    for (size_t at = 0; bytes.len - at >= 4;) {
        unsigned format = (uint8_t)bytes.ptr[at], id = (uint8_t)bytes.ptr[at + 1];
        uint16_t value = elf_u16(elf, bytes.ptr + at + 2);
        if (id == 9 && format != 4)
            return value != 0;
        at += 4;
        if (format == 4)
            at += value < bytes.len - at ? value : bytes.len - at;
    }
    return false;
}

/* The note of the tool that made it ends with its command line: "-arch sm_120f -m 64". */
static char suffix_in_note(struct arena *arena, struct span note, unsigned arch) {
    const char *option = arena_printf(arena, "-arch sm_%u", arch);
    size_t at = span_find(note, option);
    if (at == SIZE_MAX)
        return '\0';
    at += strlen(option);
    char c = at < note.len ? note.ptr[at] : '\0';
    return c == 'a' || c == 'f' ? c : '\0';
}

static char cubin_suffix(const struct elf *elf, unsigned arch) {
    AUTO_ARENA arena = {0};
    struct span bytes;
    const struct elf_section *compat = elf_find_section(elf, ".nv.compat", NULL);
    if (compat && elf_read_span(elf, &arena, compat->offset, compat->size, NOTES_MAX, &bytes) == 0 &&
        compat_says_specific(elf, bytes))
        return 'a';
    const struct elf_section *note = elf_find_section(elf, ".note.nv.tkinfo", NULL);
    if (note && elf_read_span(elf, &arena, note->offset, note->size, NOTES_MAX, &bytes) == 0)
        return suffix_in_note(&arena, bytes, arch);
    return '\0';
}

int cubin_target(const struct elf *elf, struct fatbin_target *ret_target) {
    struct fatbin_target target = {.kind = FATBIN_SASS};
    if (elf->abi_version >= ABI_WITH_WIDE_ARCH) {
        target.arch = elf->flags >> 8 & 0xff;
        target.suffix = cubin_suffix(elf, target.arch);
    } else {
        target.arch = elf->flags & 0xff;
        target.suffix = elf->flags & OLD_FLAG_ARCH_SPECIFIC ? 'a' : '\0';
    }
    if (target.arch < 10)
        return -EBADMSG;
    *ret_target = target;
    return 0;
}

/* --- PTX ---------------------------------------------------------------------------------------------------- */

static void skip_blanks_and_comments(struct span *text) {
    for (;;) {
        while (text->len && isspace((unsigned char)text->ptr[0]))
            *text = span_slice(*text, 1, text->len);
        bool line = span_starts(*text, "//");
        if (!line && !span_starts(*text, "/*"))
            return;
        struct span inside = span_slice(*text, 2, text->len);
        size_t end = span_find(inside, line ? "\n" : "*/");
        if (end == SIZE_MAX) /* not ended: nothing of the code follows */
            end = inside.len;
        *text = span_slice(inside, end + (line ? 1 : 2), inside.len);
    }
}

static bool take_word(struct span *text, const char *word) {
    skip_blanks_and_comments(text);
    if (!span_starts(*text, word))
        return false;
    *text = span_slice(*text, strlen(word), text->len);
    return true;
}

static bool take_number(struct span *text, unsigned *ret_number) {
    size_t len = 0;
    unsigned number = 0;
    for (; len < text->len && len < 4 && isdigit((unsigned char)text->ptr[len]); len++)
        number = number * 10 + (unsigned)(text->ptr[len] - '0');
    *text = span_slice(*text, len, text->len);
    *ret_number = number;
    return len > 0;
}

static bool take_version(struct span *text, struct fatbin_target *target) {
    if (!take_word(text, ".version"))
        return false;
    skip_blanks_and_comments(text);
    return take_number(text, &target->isa_major) && take_word(text, ".") && take_number(text, &target->isa_minor);
}

int ptx_target(struct window *window, uint64_t offset, uint64_t size, struct fatbin_target *ret_target) {
    struct fatbin_target target = {.kind = FATBIN_PTX};
    const char *bytes;
    size_t len = size < WINDOW_BYTES ? (size_t)size : WINDOW_BYTES;
    int r = window_get(window, offset, len, &bytes);
    if (r < 0)
        return r;
    struct span text = span_from(bytes, len);
    if (!take_version(&text, &target) || !take_word(&text, ".target") || !take_word(&text, "sm_") ||
        !take_number(&text, &target.arch) || target.arch < 10)
        return -ENOEXEC;
    if (text.len && (text.ptr[0] == 'a' || text.ptr[0] == 'f'))
        target.suffix = text.ptr[0];
    *ret_target = target;
    return 0;
}
