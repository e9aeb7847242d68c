/* SQLite databases inside the root, read as they lie there: no lock, no journal, nothing written. What a writer
 * has not yet put into the file itself (its write-ahead log) is not seen. */
#pragma once

#include <sqlite3.h>

struct root;

struct database {
    sqlite3 *sqlite; /* NULL: closed */
    int fd;
};
/* 0; -ENOEXEC: not an SQLite file; -EIO: SQLite cannot use it; or the -errno of opening. Queries end with
 * SQLITE_INTERRUPT after LIMIT_QUERY_STEPS. */
int database_open(struct database *ret_database, const struct root *root, const char *path);
void database_close(struct database *database);

#define AUTO_DATABASE __attribute__((cleanup(database_close))) struct database

static inline void statement_close_pointer(sqlite3_stmt **statement) {
    sqlite3_finalize(*statement);
}
#define AUTO_STATEMENT __attribute__((cleanup(statement_close_pointer))) sqlite3_stmt *
