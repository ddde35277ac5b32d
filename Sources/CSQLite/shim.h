#include <sqlite3.h>

/* Closing the connection does not bring the log into the database. A function, as Swift calls none with a list of arguments of any length. */
static inline int sqlite_leaves_log(sqlite3 *connection) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}
