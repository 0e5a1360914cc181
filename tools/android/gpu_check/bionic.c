/* What Android's C library has otherwise than glibc, of the functions that the GPU delegate calls on x86-64. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILE_BYTES = 152 };
static char *streams; /* __sF: stdin, stdout and stderr */

void bionic_streams(char *at) { streams = at; }
void *bionic_symbol(const char *name) { return dlsym(RTLD_DEFAULT, name); }

static FILE *stream(void *file) {
    long index = ((char *)file - streams) / FILE_BYTES;
    if ((char *)file < streams || index > 2) return file;
    return index == 0 ? stdin : index == 1 ? stdout : stderr;
}

int *bionic___errno(void) { return __errno_location(); }
int bionic___system_property_get(const char *name, char *value) { return value[0] = 0; }
void bionic_android_set_abort_message(const char *text) { fprintf(stderr, "abort: %s\n", text); }
size_t bionic___strlen_chk(const char *text, size_t room) { return strlen(text); }
int bionic_fputc(int c, void *file) { return fputc(c, stream(file)); }
int bionic_fflush(void *file) { return fflush(file ? stream(file) : NULL); }
int bionic_vfprintf(void *file, const char *format, va_list values) { return vfprintf(stream(file), format, values); }
size_t bionic_fwrite(const void *from, size_t size, size_t count, void *file) { return fwrite(from, size, count, stream(file)); }
int bionic_strerror_r(int number, char *text, size_t room) { return __xpg_strerror_r(number, text, room); }
int bionic_sigfillset(unsigned long *set) { return *set = ~0ul, 0; } /* 8 bytes, glibc's are 128 */
int bionic___cxa_atexit(void *function, void *argument, void *library) { return 0; } /* the process ends without */
void bionic___cxa_finalize(void *library) {}

int bionic_fprintf(void *file, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int count = vfprintf(stream(file), format, values);
    va_end(values);
    return count;
}

int bionic_pthread_sigmask(int how, const unsigned long *set, unsigned long *old) {
    return syscall(SYS_rt_sigprocmask, how, set, old, sizeof *set) < 0 ? errno : 0;
}

long bionic_sysconf(int name) { /* other numbers for the same */
    if (name == 39 || name == 40) return sysconf(_SC_PAGESIZE);
    if (name == 96 || name == 97) return sysconf(name == 96 ? _SC_NPROCESSORS_CONF : _SC_NPROCESSORS_ONLN);
    return errno = EINVAL, -1;
}

int __android_log_vprint(int priority, const char *tag, const char *format, va_list values) {
    fprintf(stderr, "%s: ", tag);
    vfprintf(stderr, format, values);
    return fputc('\n', stderr);
}
