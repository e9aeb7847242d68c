/* The built-in tables, open for all tests of a program: cmocka_run_group_tests(tests, open_tables, close_tables). */
#pragma once

#include "knowledge/knowledge.h"

static struct knowledge *knowledge;

static int open_tables(void **state) {
    (void)state;
    return knowledge_open(&knowledge, NULL);
}

static int close_tables(void **state) {
    (void)state;
    knowledge_close(knowledge);
    return 0;
}
