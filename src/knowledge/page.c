#include "knowledge/page.h"

/* Made by CMake from docs/causes: u32 length, name, NUL, text, NUL; length 0 at the end. */
extern const char cause_pages[];

bool page_at(size_t index, const char **ret_id, struct span *ret_page) {
    const char *record = cause_pages;
    for (;; index--) {
        uint32_t length;
        memcpy(&length, record, sizeof length);
        if (!length)
            return false;
        const char *id = record + sizeof length, *text = id + strlen(id) + 1;
        if (!index) {
            *ret_id = id;
            *ret_page = span_from(text, length);
            return true;
        }
        record = text + length + 1;
    }
}

bool page_find(const char *id, struct span *ret_page) {
    const char *name;
    struct span page;
    for (size_t i = 0; page_at(i, &name, &page); i++)
        if (strcmp(name, id) == 0) {
            *ret_page = page;
            return true;
        }
    return false;
}
