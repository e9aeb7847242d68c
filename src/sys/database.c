#include "sys/database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/root.h"

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
    struct database database = {.fd = fd};
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic], name[64];
    int r = root_pread(fd, head, sizeof head, 0);
    if (r == 0 && memcmp(head, magic, sizeof magic) != 0)
        r = -ENOEXEC;
    if (r < 0) {
        close(fd);
        return r == -ENODATA ? -ENOEXEC : r;
    }
    snprintf(name, sizeof name, "file:/proc/self/fd/%d?mode=ro&immutable=1", fd);
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(name, &database.sqlite, flags, NULL) != SQLITE_OK) {
        database_close(&database);
        return -EIO;
    }
    sqlite3_db_config(database.sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(database.sqlite, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_limit(database.sqlite, SQLITE_LIMIT_LENGTH, LIMIT_FILE);
    sqlite3_progress_handler(database.sqlite, LIMIT_QUERY_STEPS, out_of_steps, NULL);
    *ret_database = database;
    return 0;
}

void database_close(struct database *database) {
    sqlite3_close(database->sqlite);
    if (database->fd >= 0)
        close(database->fd);
    *database = (struct database){.fd = -1};
}
