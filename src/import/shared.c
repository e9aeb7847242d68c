/* What several kinds of report tell in the same words: versions, GPUs, systems. */
#include <ctype.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/text.h"
#include "format/version.h"
#include "import/importer.h"

/* --- PyTorch ------------------------------------------------------------------------------------------------- */

static void note_build(struct reading *reading, const struct torch_build *build) {
    static const char *const kinds[] = {[TORCH_BUILD_CPU] = "cpu",
                                        [TORCH_BUILD_CUDA] = "cuda",
                                        [TORCH_BUILD_ROCM] = "rocm",
                                        [TORCH_BUILD_XPU] = "xpu"};
    struct python_environment *python = reading_python(reading);
    char text[16];
    if (build->kind < sizeof kinds / sizeof *kinds && kinds[build->kind])
        note_word(reading, &python->build, kinds[build->kind]);
    if (build->kind == TORCH_BUILD_CUDA && build->cuda)
        note_text(reading, &python->cuda, span_of(cuda_version_text(build->cuda, text)));
    if (build->kind == TORCH_BUILD_CPU || build->kind == TORCH_BUILD_ROCM || build->kind == TORCH_BUILD_XPU)
        note_absent(reading, &python->cuda.is);
}

/* "2.1.2" says less than "2.1.2+cu121": the longer one of the same release stays. */
static bool says_more(const char *old, struct span version) {
    struct package_version a, b;
    if (package_version_parse(span_of(old), &a) < 0 || package_version_parse(version, &b) < 0)
        return false;
    return package_version_compare(&a, &b) == 0 && !a.local[0] && b.local[0];
}

void read_torch_version(struct reading *reading, struct span version, bool said) {
    struct package_version parsed;
    version = span_unquote(span_trim(version));
    if (version.len && (version.ptr[0] == 'v' || version.ptr[0] == 'V'))
        version = span_slice(version, 1, version.len);
    if (package_version_parse(version, &parsed) < 0 || parsed.count < 2 || parsed.release[0] > 9)
        return;
    struct python_environment *python = reading_python(reading);
    if (!known(python->torch_version) || says_more(python->torch_version.value, version))
        put_text(reading, &python->torch_version, version);
    if (said)
        note_text(reading, &reading->facts->compute.torch_version, version);
    struct torch_build build;
    torch_build_of_local(parsed.local, &build);
    note_build(reading, &build);
    if (build.nvidia[0])
        note_word(reading, &python->installer, "nvidia-container");
}

void read_torch_conda_build(struct reading *reading, struct span text) {
    struct torch_build build;
    torch_build_of_conda(text, &build);
    note_build(reading, &build);
    note_word(reading, &reading_python(reading)->installer, "conda");
}

void read_torch_cuda(struct reading *reading, struct span value) {
    struct python_environment *python = reading_python(reading);
    int number;
    value = span_unquote(span_trim(value));
    if (span_eq(value, "None") || span_eq(value, "Could not collect")) {
        note_absent(reading, &reading->facts->compute.torch_cuda.is);
        note_absent(reading, &python->cuda.is);
        return;
    }
    if (!value.len || !isdigit((unsigned char)value.ptr[0]) || cuda_version_parse(version_at(value), &number) < 0)
        return;
    note_text(reading, &reading->facts->compute.torch_cuda, version_at(value));
    note_text(reading, &python->cuda, version_at(value));
    note_word(reading, &python->build, "cuda");
}

bool read_available(struct reading *reading, struct span value) {
    static const char *const yes[] = {"True", "Yes", "available"}, *const no[] = {"False", "No", "not available"};
    value = span_trim(value);
    for (size_t i = 0; i < 3; i++)
        if (span_starts_nocase(value, no[i])) {
            note_flag(reading, &reading->facts->compute.is_available, false);
            return true;
        }
    for (size_t i = 0; i < 3; i++)
        if (span_starts_nocase(value, yes[i])) {
            note_flag(reading, &reading->facts->compute.is_available, true);
            return true;
        }
    return false;
}

void read_arch_list(struct reading *reading, struct span list) {
    static const char *const kinds[] = {"sm_", "compute_"};
    for (size_t kind = 0; kind < 2; kind++)
        for (struct span rest = list;;) {
            size_t at = span_find(rest, kinds[kind]);
            if (at == SIZE_MAX)
                break;
            size_t end = at + strlen(kinds[kind]);
            while (end < rest.len && isdigit((unsigned char)rest.ptr[end]))
                end++;
            if (end < rest.len && (rest.ptr[end] == 'a' || rest.ptr[end] == 'f'))
                end++;
            note_listed(reading, &reading->facts->compute.arch_list, span_slice(rest, at, end));
            rest = span_slice(rest, end, rest.len);
        }
}

void read_python_version(struct reading *reading, struct span version) {
    version = version_at(span_trim(version));
    struct package_version parsed;
    if (package_version_parse(version, &parsed) == 0 && parsed.count >= 2 && parsed.release[0] >= 2 &&
        parsed.release[0] <= 3)
        note_text(reading, &reading_python(reading)->python, version);
}

/* --- GPUs ---------------------------------------------------------------------------------------------------- */

void read_gpu_name(struct reading *reading, size_t index, struct span name) {
    struct gpu_device *device = reading_gpu(reading, index);
    struct span value;
    if (!device)
        return;
    if (after_key(name, "(UUID: ", &value)) {
        size_t end = span_find(value, ")");
        note_text(reading, &device->uuid, span_slice(value, 0, end == SIZE_MAX ? value.len : end));
    }
    if (after_key(name, "(arch=", &value))
        note_text(reading, &device->compute_capability, version_at(value));
    if (after_key(name, ", ", &value) && mebibytes(value) > 0 && span_has(value, "B"))
        note_number(reading, &device->memory_total_mib, mebibytes(value));
    static const char *const ends[] = {" (", ", ", "\n"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t at = span_find(name, ends[i]);
        if (at != SIZE_MAX)
            name = span_slice(name, 0, at);
    }
    note_text(reading, &device->name, name);
}

bool read_gpu_line(struct reading *reading, struct span line) {
    struct span rest = span_trim(line), value;
    if (span_starts(rest, "MIG ") && span_has(rest, "Device") && after_key(rest, "UUID: ", &value)) {
        put_flag(reading, &reading->facts->access.mig_enabled, true);
        struct number_fact *instances = &reading->facts->access.mig_instances;
        set_number(instances, number_of(*instances, 0) + 1, reading_source(reading));
        return true;
    }
    if (!span_starts(rest, "GPU"))
        return false;
    rest = span_slice(rest, 3, rest.len);
    if (rest.len && rest.ptr[0] == ' ')
        rest = span_slice(rest, 1, rest.len);
    bool any = false;
    size_t numbers[64], count = 0;
    for (;;) {
        int64_t index;
        struct span digits = version_at(rest);
        if (!digits.len || span_to_number(digits, 10, &index) < 0 || index >= LIMIT_REPORT_ROWS)
            return false;
        if (count < sizeof numbers / sizeof *numbers)
            numbers[count++] = (size_t)index;
        rest = span_slice(rest, digits.len, rest.len);
        if (!rest.len || rest.ptr[0] != ',')
            break;
        rest = span_slice(rest, 1, rest.len);
    }
    struct span name = span_trim(rest);
    if (!name.len || (name.ptr[0] != ':' && !(rest.len > 1 && rest.ptr[0] == ' ' && rest.ptr[1] == ' ')))
        return false;
    if (name.ptr[0] == ':') {
        if (name.len > 1 && name.ptr[1] != ' ' && name.ptr[1] != '\t')
            return false; /* an address: "GPU 00000000:01:00.0" */
        name = span_trim(span_slice(name, 1, name.len));
    }
    for (size_t i = 0; name.len && i < count; i++) {
        read_gpu_name(reading, numbers[i], name);
        any = true;
    }
    return any;
}

void read_driver_version(struct reading *reading, struct span version) {
    struct driver_version parsed;
    version = version_at(span_trim(version));
    if (driver_version_parse(version, &parsed) < 0 || parsed.part[0] < 100)
        return;
    note_text(reading, &reading->facts->driver.module_version, span_of(parsed.text));
}

/* --- systems ------------------------------------------------------------------------------------------------- */

static void read_windows_build(struct reading *reading, struct span text) {
    /* "10.0.22621": the build is the third number (learn.microsoft.com, RtlGetVersion) */
    size_t at = span_find(text, "10.0.");
    int64_t build;
    if (at == SIZE_MAX)
        return;
    struct span digits = version_at(span_slice(text, at + 5, text.len));
    struct span head, tail;
    span_cut(digits, '.', &head, &tail);
    if (span_to_number(head, 10, &build) == 0 && build >= 10000)
        note_number(reading, &reading->facts->system.windows_build, build);
}

void read_kernel(struct reading *reading, struct span release) {
    struct system_facts *system = &reading->facts->system;
    release = span_trim(release);
    if (!release.len || !isdigit((unsigned char)release.ptr[0]) || !memchr(release.ptr, '.', release.len))
        return;
    note_word(reading, &system->os, "linux");
    note_text(reading, &system->kernel, release);
    /* WSL 2 kernels are "-microsoft-standard", WSL 1 calls itself "4.4.0-19041-Microsoft" */
    if (span_has(release, "-Microsoft"))
        note_number(reading, &system->wsl, 1);
    else if (span_has(release, "microsoft") || span_has(release, "WSL2"))
        note_number(reading, &system->wsl, 2);
    if (span_has(release, "-tegra"))
        note_word(reading, &reading->facts->gpu.tegra, "Tegra");
}

void read_platform(struct reading *reading, struct span value) {
    struct system_facts *system = &reading->facts->system;
    static const char *const machines[] = {"x86_64", "aarch64", "arm64", "ppc64le", "AMD64", "i686"};
    if (span_starts_nocase(value, "Windows") || span_starts_nocase(value, "win32")) {
        note_word(reading, &system->os, "windows");
        read_windows_build(reading, value);
        return;
    }
    if (span_starts_nocase(value, "macOS") || span_starts_nocase(value, "Darwin")) {
        note_word(reading, &system->os, "macos");
        return;
    }
    if (span_starts_nocase(value, "linux"))
        note_word(reading, &system->os, "linux");
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        size_t at = span_find(value, machines[i]);
        if (at == SIZE_MAX)
            continue;
        note_word(reading, &system->machine, machines[i]);
        if (span_starts(value, "Linux-") && at > 7)
            read_kernel(reading, span_slice(value, 6, at - 1));
        break;
    }
    size_t libc = span_find(value, "-glibc");
    if (libc != SIZE_MAX) {
        struct span version = version_at(span_slice(value, libc + 6, value.len));
        note_word(reading, &system->libc,
                  arena_printf(reading->arena, "glibc %.*s", (int)version.len, version.ptr));
    }
}

static const struct {
    const char *word, *id, *os;
} systems[] = {{"Windows", NULL, "windows"},
               {"macOS", NULL, "macos"},
               {"Mac OS", NULL, "macos"},
               {"Darwin", NULL, "macos"},
               {"Ubuntu", "ubuntu", "linux"},
               {"Debian", "debian", "linux"},
               {"Fedora", "fedora", "linux"},
               {"CentOS", "centos", "linux"},
               {"Red Hat", "rhel", "linux"},
               {"Rocky", "rocky", "linux"},
               {"AlmaLinux", "almalinux", "linux"},
               {"Arch Linux", "arch", "linux"},
               {"Manjaro", "manjaro", "linux"},
               {"openSUSE", "opensuse", "linux"},
               {"SUSE", "sles", "linux"},
               {"Linux Mint", "linuxmint", "linux"},
               {"Pop!_OS", "pop", "linux"},
               {"Amazon Linux", "amzn", "linux"},
               {"NixOS", "nixos", "linux"},
               {"Gentoo", "gentoo", "linux"},
               {"Oracle Linux", "ol", "linux"},
               {"EndeavourOS", "endeavouros", "linux"},
               {"Scientific Linux", "scientific", "linux"},
               {"Linux", NULL, "linux"},
               {"linux", NULL, "linux"}};

/* "00000000:01:00.0", "01:00.0", "0000:01:00.0" -> "0000:01:00.0", as the kernel writes it. */
void read_pci_address(struct reading *reading, struct text_fact *fact, struct span address) {
    char text[24];
    address = span_trim(address);
    bool domain = address.len > 7 && address.ptr[address.len - 8] == ':';
    size_t length = address.len;
    if (length == 16 && domain && memcmp(address.ptr, "0000", 4) == 0)
        address = span_slice(address, 4, address.len);
    if (!domain && length != 7)
        return;
    int written = snprintf(text, sizeof text, "%s%.*s", domain ? "" : "0000:", (int)address.len, address.ptr);
    if (written < 0 || (size_t)written >= sizeof text)
        return;
    for (char *c = text; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    note_text(reading, fact, span_of(text));
}

void read_os_name(struct reading *reading, struct span name) {
    struct system_facts *system = &reading->facts->system;
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        size_t at = span_find_nocase(name, systems[i].word);
        if (at == SIZE_MAX)
            continue;
        note_word(reading, &system->os, systems[i].os);
        note_text(reading, &system->distribution_name, name);
        if (systems[i].id) {
            note_word(reading, &system->distribution, systems[i].id);
            struct span rest = span_slice(name, at, name.len);
            while (rest.len && !isdigit((unsigned char)rest.ptr[0]))
                rest = span_slice(rest, 1, rest.len);
            note_text(reading, &system->distribution_version, version_at(rest));
        }
        break;
    }
    read_windows_build(reading, name);
    if (span_has(name, "(x86_64)"))
        note_word(reading, &system->machine, "x86_64");
    if (span_has(name, "(aarch64)") || span_has(name, "(arm64)"))
        note_word(reading, &system->machine, "aarch64");
    if (span_has(name, "WSL"))
        note_number(reading, &system->wsl, span_has(name, "WSL1") || span_has(name, "WSL 1") ? 1 : 2);
}

/* --- keys and values ----------------------------------------------------------------------------------------- */

/* Where the key ends and where the value starts; 0: no separator. */
static size_t separator(struct span line, size_t *ret_value) {
    for (size_t i = 1; i < line.len && i < 64; i++) {
        char c = line.ptr[i];
        if (c == '=' && i + 1 < line.len && line.ptr[i + 1] == '=')
            return 0;
        if ((c == ':' && (i + 1 == line.len || strchr(" \t", line.ptr[i + 1]))) || c == '=' || c == '|' ||
            c == '\t') {
            *ret_value = i + 1;
            return i;
        }
        if (c == '.' && i + 3 < line.len && memcmp(line.ptr + i, "....", 4) == 0) {
            size_t end = i;
            while (end < line.len && line.ptr[end] == '.')
                end++;
            *ret_value = end;
            return i;
        }
        if (c == ' ' && i + 1 < line.len && line.ptr[i + 1] == ' ') {
            size_t end = i;
            while (end < line.len && line.ptr[end] == ' ')
                end++;
            *ret_value = end < line.len && strchr(":=|", line.ptr[end]) ? end + 1 : end;
            return i;
        }
    }
    return 0;
}

bool split_key(struct span line, char *ret_key, size_t room, struct span *ret_value) {
    line = span_trim(line);
    while (line.len && strchr("-*|>#", line.ptr[0]))
        line = span_trim(span_slice(line, 1, line.len));
    size_t value, end = separator(line, &value);
    if (!end)
        return false;
    struct span key = span_trim(span_slice(line, 0, end));
    size_t used = 0;
    for (size_t i = 0; i < key.len && used + 1 < room; i++) {
        char c = key.ptr[i];
        if (c == '*' || c == '`' || c == '"' || c == '\'')
            continue;
        if (c == ' ' && used && ret_key[used - 1] == ' ')
            continue;
        ret_key[used++] = (char)tolower((unsigned char)c);
    }
    ret_key[used] = '\0';
    struct span rest = span_trim(span_slice(line, value, line.len));
    while (rest.len && strchr("*|`", rest.ptr[0]))
        rest = span_trim(span_slice(rest, 1, rest.len));
    while (rest.len && strchr("*|`", rest.ptr[rest.len - 1]))
        rest = span_trim(span_slice(rest, 0, rest.len - 1));
    *ret_value = rest;
    return used > 0;
}
