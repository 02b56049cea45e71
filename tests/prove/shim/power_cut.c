// A power cut for one process tree's files, as a library to preload.
//
// It keeps, for every file under POWER_CUT_ROOT, what each write since the file's last fsync or
// fdatasync overwrote, and for every folder what was created, renamed or removed since that
// folder's last fsync. At call number POWER_CUT_AT it stops everything, takes back a choice of
// those (all of them, or some, or halves of some: 512-byte sectors), and ends the process as
// SIGKILL would. sync_file_range is no sync. Folder changes are lost in order, from the last one
// back, as journaling file systems do.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512
#define FILES_MAX 4096

enum kind { WRITE, SHRINK };

// What one write overwrote: `len` bytes at `at`, of which `had` were there.
struct undo {
    enum kind kind;
    off_t at;
    size_t len, had;
    char *old;
    struct undo *before;
};

struct file {
    dev_t dev;
    ino_t ino;
    int own;             // a descriptor of our own
    off_t durable_size;  // at the last sync
    struct undo *last;
};

enum change { CREATED, RENAMED, REMOVED };

// One change of a folder that isn't durable yet.
struct entry {
    enum change change;
    char folder[PATH_MAX], path[PATH_MAX], from[PATH_MAX], kept[PATH_MAX];
    int replaced;  // RENAMED: `kept` is what stood at `path`
    struct entry *before;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static int file_count;
static struct entry *entries;
static char root[PATH_MAX];
static long calls, cut_at = -1;
static uint64_t random_state;
static int kept_count;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("POWER_CUT_ROOT"), *at = getenv("POWER_CUT_AT");
    const char *seed = getenv("POWER_CUT_SEED");
    if (!path || !at || !seed || !realpath(path, root)) return;
    cut_at = atol(at);
    random_state = strtoull(seed, NULL, 10);
}

static uint64_t random_next(void) {
    uint64_t z = (random_state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static int below(int end) { return (int)(random_next() % (uint64_t)end); }

static int is_inside(const char *path) {
    size_t len = strlen(root);
    return cut_at >= 0 && len && !strncmp(path, root, len) && (path[len] == '/' || !path[len]);
}

static void put_back(struct file *file, struct undo *undo, size_t from, size_t to) {
    // Sectors that weren't there before read as zeros until the size is put back.
    static const char zeros[SECTOR];
    for (size_t at = from; at < to;) {
        size_t len = to - at;
        if (at < undo->had) {
            if (len > undo->had - at) len = undo->had - at;
            if (REAL(pwrite)(file->own, undo->old + at, len, undo->at + (off_t)at) < 0) abort();
        } else {
            if (len > SECTOR) len = SECTOR;
            if (REAL(pwrite)(file->own, zeros, len, undo->at + (off_t)at) < 0) abort();
        }
        at += len;
    }
}

static void tear(struct file *file, struct undo *undo) {
    size_t first = SECTOR - (size_t)(undo->at % SECTOR);
    for (size_t from = 0, to = first; from < undo->len; from = to, to += SECTOR) {
        if (to > undo->len) to = undo->len;
        if (below(2)) put_back(file, undo, from, to);
    }
}

// Everything unsynced goes (0), some of it goes (1), nothing goes (2).
static void lose_data(struct file *file, int mode) {
    for (struct undo *undo = file->last; undo; undo = undo->before) {
        int fate = mode == 0 ? 0 : mode == 2 ? 9 : below(10);
        if (fate < 4) put_back(file, undo, 0, undo->len);
        else if (fate < 7 && undo->kind == WRITE) tear(file, undo);
    }
    struct stat now;
    if (mode == 2 || fstat(file->own, &now)) return;
    if (file->last && now.st_size != file->durable_size && (mode == 0 || below(2)))
        if (REAL(ftruncate)(file->own, file->durable_size)) abort();
}

static void lose_entries(int mode) {
    int count = 0;
    for (struct entry *entry = entries; entry; entry = entry->before) count++;
    int lost = mode == 0 ? count : mode == 2 ? 0 : below(count + 1);
    for (struct entry *entry = entries; entry && lost; entry = entry->before, lost--) {
        switch (entry->change) {
        case CREATED: REAL(unlink)(entry->path); break;
        case REMOVED: REAL(rename)(entry->kept, entry->path); break;
        case RENAMED:
            REAL(rename)(entry->path, entry->from);
            if (entry->replaced) REAL(rename)(entry->kept, entry->path);
            break;
        }
    }
}

static void cut(void) {
    int dice = below(10), mode = dice < 4 ? 0 : dice < 9 ? 1 : 2;
    for (int i = 0; i < file_count; i++) lose_data(&files[i], mode);
    lose_entries(mode);
    if (getenv("POWER_CUT_DEBUG")) dprintf(2, "cut at %ld: mode %d, %d files\n", calls, mode, file_count);
    _exit(137);
}

// Called with the lock held, before anything that changes or syncs a file.
static void tick(void) {
    if (++calls == cut_at) cut();
}

static struct file *find(int fd) {
    struct stat now;
    if (cut_at < 0 || fstat(fd, &now) || !S_ISREG(now.st_mode)) return NULL;
    for (int i = 0; i < file_count; i++)
        if (files[i].ino == now.st_ino && files[i].dev == now.st_dev) return &files[i];
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0) return NULL;
    path[len] = 0;
    if (!is_inside(path) || file_count == FILES_MAX) return NULL;
    int own = REAL(open)(link, O_RDWR | O_CLOEXEC);
    if (own < 0) return NULL;
    files[file_count] = (struct file){now.st_dev, now.st_ino, own, now.st_size, NULL};
    return &files[file_count++];
}

static void remember(struct file *file, enum kind kind, off_t at, size_t len) {
    struct undo *undo = malloc(sizeof *undo);
    char *old = malloc(len ? len : 1);
    if (!undo || !old) abort();
    ssize_t had = REAL(pread)(file->own, old, len, at);
    *undo = (struct undo){kind, at, len, had < 0 ? 0 : (size_t)had, old, file->last};
    file->last = undo;
}

static void forget(struct file *file) {
    while (file->last) {
        struct undo *undo = file->last;
        file->last = undo->before;
        free(undo->old);
        free(undo);
    }
    struct stat now;
    if (!fstat(file->own, &now)) file->durable_size = now.st_size;
}

static void before_write(int fd, off_t at, size_t len) {
    struct file *file = find(fd);
    if (!file) return;
    tick();
    if (at < 0) {
        int flags = fcntl(fd, F_GETFL);
        at = lseek(fd, 0, flags & O_APPEND ? SEEK_END : SEEK_CUR);
        if (flags & O_APPEND) {
            struct stat now;
            at = fstat(fd, &now) ? 0 : now.st_size;
        }
    }
    remember(file, WRITE, at, len);
}

static size_t total(const struct iovec *parts, int count) {
    size_t len = 0;
    for (int i = 0; i < count; i++) len += parts[i].iov_len;
    return len;
}

#define LOCKED(type, before, call)                  \
    pthread_mutex_lock(&lock);                      \
    before;                                         \
    type result = (call);                           \
    int error = errno;                              \
    pthread_mutex_unlock(&lock);                    \
    errno = error;                                  \
    return result;

ssize_t write(int fd, const void *data, size_t len) {
    if (cut_at < 0 || fd <= 2) return REAL(write)(fd, data, len);
    LOCKED(ssize_t, before_write(fd, -1, len), REAL(write)(fd, data, len))
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (cut_at < 0 || fd <= 2) return REAL(writev)(fd, parts, count);
    LOCKED(ssize_t, before_write(fd, -1, total(parts, count)), REAL(writev)(fd, parts, count))
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    LOCKED(ssize_t, before_write(fd, at, len), REAL(pwrite)(fd, data, len, at))
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    LOCKED(ssize_t, before_write(fd, at, len), REAL(pwrite)(fd, data, len, at))
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
    LOCKED(ssize_t, before_write(fd, at, total(parts, count)), REAL(pwritev)(fd, parts, count, at))
}

static void before_resize(int fd, off_t size) {
    struct file *file = find(fd);
    struct stat now;
    if (!file || fstat(fd, &now)) return;
    tick();
    if (size < now.st_size) remember(file, SHRINK, size, (size_t)(now.st_size - size));
    else remember(file, WRITE, now.st_size, 0);
}

int ftruncate(int fd, off_t size) {
    LOCKED(int, before_resize(fd, size), REAL(ftruncate)(fd, size))
}

int ftruncate64(int fd, off64_t size) {
    LOCKED(int, before_resize(fd, size), REAL(ftruncate)(fd, size))
}

int fallocate(int fd, int mode, off_t at, off_t len) {
    LOCKED(int, before_write(fd, at, mode ? (size_t)len : 0), REAL(fallocate)(fd, mode, at, len))
}

int fallocate64(int fd, int mode, off64_t at, off64_t len) { return fallocate(fd, mode, at, len); }

int posix_fallocate(int fd, off_t at, off_t len) {
    LOCKED(int, before_write(fd, at, 0), REAL(posix_fallocate)(fd, at, len))
}

int posix_fallocate64(int fd, off64_t at, off64_t len) { return posix_fallocate(fd, at, len); }

// After the real sync: what returned is durable. A folder's sync keeps its entries.
static void after_sync(int fd) {
    struct stat now;
    if (cut_at < 0 || fstat(fd, &now)) return;
    if (!S_ISDIR(now.st_mode)) {
        struct file *file = find(fd);
        if (file) forget(file);
        return;
    }
    struct stat folder;
    struct entry **at = &entries;
    while (*at) {
        struct entry *entry = *at;
        if (!stat(entry->folder, &folder) && folder.st_ino == now.st_ino) {
            *at = entry->before;
            if (entry->kept[0]) REAL(unlink)(entry->kept);
            free(entry);
        } else {
            at = &entry->before;
        }
    }
}

static int synced(int fd, int (*real)(int)) {
    pthread_mutex_lock(&lock);
    if (cut_at >= 0 && find(fd)) tick();
    int result = real(fd), error = errno;
    if (!result) after_sync(fd);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

static struct entry *note(enum change change, const char *path) {
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) abort();
    entry->change = change;
    snprintf(entry->path, PATH_MAX, "%s", path);
    snprintf(entry->folder, PATH_MAX, "%s", path);
    char *slash = strrchr(entry->folder, '/');
    if (slash) *slash = 0;
    entry->before = entries;
    return entries = entry;
}

// Moves a file that is about to go to where it can be brought back from.
static int keep(struct entry *entry, const char *path) {
    snprintf(entry->kept, PATH_MAX, "%.3000s/.kept-%d-%d", root, (int)getpid(), kept_count++);
    return link(path, entry->kept);
}

int unlink(const char *path) {
    if (!is_inside(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    tick();
    struct entry *entry = note(REMOVED, path);
    int result = keep(entry, path) ? -1 : REAL(unlink)(path);
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    if (!is_inside(to)) return REAL(rename)(from, to);
    pthread_mutex_lock(&lock);
    tick();
    struct entry *entry = note(RENAMED, to);
    snprintf(entry->from, PATH_MAX, "%s", from);
    entry->replaced = !access(to, F_OK) && !keep(entry, to);
    int result = REAL(rename)(from, to), error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    if (folder != AT_FDCWD || !is_inside(path) || (flags & O_ACCMODE) == O_RDONLY)
        return REAL(openat)(folder, path, flags, mode);
    pthread_mutex_lock(&lock);
    int is_new = (flags & O_CREAT) && access(path, F_OK);
    int fd = REAL(openat)(folder, path, flags & ~O_TRUNC, mode), error = errno;
    if (fd >= 0) {
        struct file *file = find(fd);
        if (is_new) note(CREATED, path);
        if (file && (flags & O_TRUNC)) {
            before_resize(fd, 0);
            if (REAL(ftruncate)(fd, 0)) abort();
        }
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPENER(name)                                            \
    int name(const char *path, int flags, ...) {                \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        mode_t mode = mode_of(flags, rest);                     \
        va_end(rest);                                           \
        return opened(AT_FDCWD, path, flags, mode);             \
    }

OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                         \
    int name(int folder, const char *path, int flags, ...) {    \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        mode_t mode = mode_of(flags, rest);                     \
        va_end(rest);                                           \
        return opened(folder, path, flags, mode);               \
    }

OPENER_AT(openat)
OPENER_AT(openat64)
