#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Closing the connection does not bring the log into the database. A function, as Swift calls none with a list of arguments of any length. */
static inline int sqlite_leaves_log(sqlite3 *connection) {
    return sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}

/* Reads from the write-ahead log as SQLite itself does. */
static inline int sqlite_reads_log(sqlite3 *connection, int64_t offset, void *to, int count) {
    sqlite3_file *file = 0;
    int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (code != SQLITE_OK) return code;
    if (!file || !file->pMethods) return SQLITE_CANTOPEN;
    return file->pMethods->xRead(file, to, count, offset);
}

/* Brings what was written to the file of the database onto the disk. */
static inline int sqlite_syncs_file(sqlite3 *connection) {
    sqlite3_file *file = 0;
    int code = sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    if (code != SQLITE_OK) return code;
    if (!file || !file->pMethods) return SQLITE_CANTOPEN;
    return file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
}

/* What is done about such signals otherwise. */
static inline struct sigaction *sqlite_other_action(void) {
    static struct sigaction action;
    return &action;
}

/* How often a page of zeros had to take the place of one that was cut off. */
static inline volatile int *sqlite_covered_pages(void) {
    static volatile int count;
    return &count;
}

/* SQLite maps files into memory, and the system ends a process that reads behind the end of one that somebody cut short. */
static inline void sqlite_covers_cut_file(int number, siginfo_t *info, void *context) {
    (void)context;
    uintptr_t size = (uintptr_t)getpagesize();
    void *page = (void *)((uintptr_t)info->si_addr & ~(size - 1));
    /* With a page of zeros in its place SQLite finds a damaged file, or reads its log anew. */
    if (info->si_code == BUS_ADRERR
        && mmap(page, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
        *sqlite_covered_pages() += 1;
        return;
    }
    /* A fault happens again at once, and takes the other way; what somebody sent does not. */
    sigaction(number, sqlite_other_action(), 0);
    if (info->si_code <= 0) raise(number);
}

/* From now on the process outlives that. To be called from one file only: each has variables of its own. */
static inline void sqlite_outlives_cut_files(void) {
    struct sigaction action = {0};
    if (sigaction(SIGBUS, 0, &action) != 0 || action.sa_sigaction == sqlite_covers_cut_file) return;
    *sqlite_other_action() = action;
    action.sa_sigaction = sqlite_covers_cut_file;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, 0);
}
