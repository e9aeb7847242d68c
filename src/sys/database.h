/* SQLite databases inside the root, read as they lie there: no lock, no journal, nothing written. What a writer
 * has not yet put into the file itself (its write-ahead log) is not seen.
 * Few machines have one, so that the library is loaded at the first and not with the program. */
#pragma once

#include "base/span.h"

struct root;

struct database {
    void *sqlite; /* NULL: closed */
    int fd;
};
/* 0; -ENOEXEC: not an SQLite file; -EIO: SQLite cannot use it; -ELIBACC: there is no libsqlite3; or the -errno of
 * opening. */
int database_open(struct database *ret_database, const struct root *root, const char *path);
/* Calls `each` with the first column of every row. 0; -EIO: the query does not fit the database, or took more than
 * LIMIT_QUERY_STEPS. */
int database_query(struct database *database, const char *query, void (*each)(void *context, struct span column),
                   void *context);
void database_close(struct database *database);

#define AUTO_DATABASE __attribute__((cleanup(database_close))) struct database
