#include "diagnose/diagnosis.h"

static const char *const link_names[] = {"gpu",   "driver", "access",  "toolkit", "environment",
                                         "torch", "match",  "compute", "program"};

const char *link_name(enum link link) {
    return link_names[link];
}

const char *verdict_name(enum verdict verdict) {
    static const char *const names[] = {"healthy", "degraded", "broken", "unknown"};
    return names[verdict];
}

const char *role_name(enum role role) {
    static const char *const names[] = {"root", "consequence", "risk"};
    return names[role];
}

const char *confidence_name(enum confidence confidence) {
    static const char *const names[] = {"possible", "likely", "certain"};
    return names[confidence];
}

const char *link_state_name(enum link_state_kind state) {
    static const char *const names[] = {"ok", "note", "warning", "broken", "blocked", "unknown"};
    return names[state];
}

void diagnosis_free(struct diagnosis *diagnosis) {
    if (!diagnosis)
        return;
    struct arena arena = diagnosis->arena; /* it lives in its own arena */
    arena_release(&arena);
}

const struct cause *diagnosis_root(const struct diagnosis *diagnosis) {
    const struct cause_list *causes = &diagnosis->causes; /* roots stand first */
    return causes->count && causes->items[0].role == ROLE_ROOT ? &causes->items[0] : NULL;
}

size_t diagnosis_link_count(const struct diagnosis *diagnosis) {
    return diagnosis->program_used ? LINK_COUNT : LINK_PROGRAM;
}
