#include "sys/database.h"

#include <dlfcn.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/root.h"

#define CALLS(CALL)                                                                                               \
    CALL(close)                                                                                                   \
    CALL(column_blob)                                                                                             \
    CALL(column_bytes)                                                                                            \
    CALL(db_config)                                                                                               \
    CALL(finalize)                                                                                                \
    CALL(limit)                                                                                                   \
    CALL(open_v2)                                                                                                 \
    CALL(prepare_v2)                                                                                              \
    CALL(progress_handler)                                                                                        \
    CALL(step)

static struct {
    bool tried, there;
#define CALL(name) __typeof__(sqlite3_##name) *name;
    CALLS(CALL)
#undef CALL
} sqlite;

static bool sqlite_load(void) {
    if (sqlite.tried)
        return sqlite.there;
    sqlite.tried = true;
    void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL); /* a system's own; stays open */
    if (!library)
        return false;
    sqlite.there = true;
#define CALL(name) sqlite.there &= (*(void **)&sqlite.name = dlsym(library, "sqlite3_" #name)) != NULL;
    CALLS(CALL)
#undef CALL
    return sqlite.there;
}

static int out_of_steps(void *database) {
    (void)database;
    return 1;
}

/* SQLite opens by name only: the name of the descriptor, so that what was resolved inside the root is what is
 * read. */
int database_open(struct database *ret_database, const struct root *root, const char *path) {
    *ret_database = (struct database){.fd = -1};
    int fd = root_open_file(root, path);
    if (fd < 0)
        return fd;
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic], name[64];
    int r = root_pread(fd, head, sizeof head, 0);
    if (r == -ENODATA || (r == 0 && memcmp(head, magic, sizeof magic) != 0))
        r = -ENOEXEC;
    if (r == 0 && !sqlite_load())
        r = -ELIBACC;
    if (r < 0) {
        close(fd);
        return r;
    }
    sqlite3 *opened = NULL;
    snprintf(name, sizeof name, "file:/proc/self/fd/%d?mode=ro&immutable=1", fd);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE;
    int failed = sqlite.open_v2(name, &opened, flags, NULL);
    struct database database = {.sqlite = opened, .fd = fd};
    if (failed != SQLITE_OK) {
        database_close(&database);
        return -EIO;
    }
    sqlite.db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite.db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite.limit(opened, SQLITE_LIMIT_LENGTH, LIMIT_FILE);
    sqlite.progress_handler(opened, LIMIT_QUERY_STEPS, out_of_steps, NULL);
    *ret_database = database;
    return 0;
}

int database_query(struct database *database, const char *query, void (*each)(void *context, struct span column),
                   void *context) {
    sqlite3_stmt *statement = NULL;
    int step;
    if (sqlite.prepare_v2(database->sqlite, query, -1, &statement, NULL) != SQLITE_OK)
        return -EIO;
    while ((step = sqlite.step(statement)) == SQLITE_ROW) {
        const void *bytes = sqlite.column_blob(statement, 0);
        each(context, span_from(bytes, bytes ? (size_t)sqlite.column_bytes(statement, 0) : 0));
    }
    sqlite.finalize(statement);
    return step == SQLITE_DONE ? 0 : -EIO;
}

void database_close(struct database *database) {
    if (database->sqlite)
        sqlite.close(database->sqlite);
    if (database->fd >= 0)
        close(database->fd);
    *database = (struct database){.fd = -1};
}
