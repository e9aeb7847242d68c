#include "live/ask.h"

#include "base/text.h"
#include "sys/dl.h"

bool ask_open(struct ask *ask, const char *path, const char *soname) {
    const char *error;
    child_at(ask->reply, "dlopen", -1);
    ask->handle = dl_open(ask->arena, path ? path : soname, &error);
    if (!ask->handle) {
        child_set(ask->reply, json_pack("{s:s}", "open_error", error));
        return false;
    }
    const char *real = dl_path(ask->arena, ask->handle);
    child_set(ask->reply, json_pack("{s:s}", "library", real ? real : path ? path : soname));
    return true;
}

static json_t *refusal(const struct ask *ask, const char *field, const char *call) {
    json_t *item = json_pack("{s:s, s:s}", "field", field, "call", call);
    if (ask->device >= 0)
        json_object_set_new(item, "device", json_integer(ask->device));
    return item;
}

bool ask_worked(struct ask *ask, const char *field, const char *call, int code) {
    if (code == 0)
        return true;
    json_t *item = refusal(ask, field, call);
    const char *name = NULL;
    if (code == ASK_MISSING) {
        json_object_set_new(item, "missing", json_true());
    } else {
        json_object_set_new(item, "code", json_integer(code));
        name = ask->error_name ? ask->error_name(ask, code) : NULL;
    }
    if (name)
        json_object_set_new(item, "error", json_string(text_clean(ask->arena, span_of(name))));
    child_add(ask->reply, "refused", item);
    return false;
}

void ask_nonsense(struct ask *ask, const char *field, const char *call, const char *value) {
    json_t *item = refusal(ask, field, call);
    json_object_set_new(item, "nonsense", json_string(value));
    child_add(ask->reply, "refused", item);
}

void ask_text(struct ask *ask, const char *field, const char *text, size_t size) {
    struct span span = span_from(text, strnlen(text, size));
    json_object_set_new(ask->facts, field, json_string(text_clean(ask->arena, span)));
}

void ask_number(struct ask *ask, const char *field, json_int_t number) {
    json_object_set_new(ask->facts, field, json_integer(number));
}

void ask_flag(struct ask *ask, const char *field, bool flag) {
    json_object_set_new(ask->facts, field, json_boolean(flag));
}

void ask_send(struct ask *ask) {
    child_set(ask->reply, ask->facts);
    ask->facts = json_object();
}

void ask_send_item(struct ask *ask, const char *array) {
    child_add(ask->reply, array, ask->facts);
    ask->facts = json_object();
}
