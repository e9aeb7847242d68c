#include "format/modprobe_conf.h"

static bool is_refusal(struct span command) {
    static const char *const programs[] = {"/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true",
                                           "false",      "true",      "/sbin/nologin",  ":"};
    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
        if (span_eq(command, programs[i]))
            return true;
    return false;
}

enum modprobe_effect modprobe_line(struct span line, struct span *ret_module) {
    struct span word, module, rest = {0};
    if (!span_next_word(&line, &word) || word.ptr[0] == '#' || !span_next_word(&line, &module))
        return MODPROBE_NONE;
    span_next_word(&line, &rest);
    *ret_module = module;
    if (span_eq(word, "blacklist"))
        return MODPROBE_BLACKLIST;
    if (span_eq(word, "install"))
        return is_refusal(rest) ? MODPROBE_REFUSED : MODPROBE_NONE;
    if (span_eq(word, "alias"))
        return span_eq(rest, "off") ? MODPROBE_REFUSED : MODPROBE_NONE;
    return MODPROBE_NONE;
}

bool command_line_blacklist(struct span *rest, struct span *ret_word, struct span *ret_modules) {
    static const char *const keys[] = {"modprobe.blacklist", "module_blacklist", "rd.driver.blacklist",
                                       "driver.blacklist"};
    struct span word, key, value;
    while (span_next_word(rest, &word)) {
        if (span_eq(word, "nouveau.modeset=0")) {
            *ret_word = word;
            *ret_modules = span_slice(word, 0, strlen("nouveau"));
            return true;
        }
        if (!span_cut(word, '=', &key, &value))
            continue;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            if (span_eq(key, keys[i])) {
                *ret_word = word;
                *ret_modules = value;
                return true;
            }
    }
    return false;
}
