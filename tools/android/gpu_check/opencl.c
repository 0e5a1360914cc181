/* OpenCL of this machine's processor, which says that it is a GPU whose kernels need no images (as Intel's). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

static void *next(const char *name) { return dlsym(dlopen("libOpenCL.so.1", RTLD_NOW), name); }

int clGetDeviceIDs(void *platform, unsigned long kind, unsigned room, void **devices, unsigned *count) {
    int (*real)(void *, unsigned long, unsigned, void **, unsigned *) = next("clGetDeviceIDs");
    return real(platform, 0xFFFFFFFF, room, devices, count);
}

int clGetDeviceInfo(void *device, unsigned what, size_t room, void *value, size_t *size) {
    static const char intel[] = "Intel(R) Corporation";
    int (*real)(void *, unsigned, size_t, void *, size_t *) = next("clGetDeviceInfo");
    if (what != 0x102B && what != 0x102C) return real(device, what, room, value, size); /* neither its name nor its vendor */
    if (value && room >= sizeof intel) memcpy(value, intel, sizeof intel);
    if (size) *size = sizeof intel;
    return 0;
}
