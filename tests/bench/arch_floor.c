/* The least that lists the GPU code of a 64-bit little-endian library: reads the ELF header, the section table and
 * its names, and the headers of containers and entries of .nv_fatbin and __nv_relfatbin; checks nothing. */
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned long counts[16][1024];

static void walk(int fd, uint64_t at, uint64_t end) {
    unsigned char head[80];
    while (at + 16 <= end) {
        if (pread(fd, head, 80, (off_t)at) < 16)
            return;
        uint64_t size, stop;
        uint32_t magic;
        memcpy(&magic, head, 4);
        if (magic != 0xBA55ED50) {
            at += 8;
            continue;
        }
        memcpy(&size, head + 8, 8);
        unsigned char *entry = head + 16; /* the first one came with the container's own header */
        for (at += 16, stop = at + size; at < stop;) {
            uint16_t kind;
            uint32_t header, arch;
            uint64_t payload;
            memcpy(&kind, entry, 2);
            memcpy(&header, entry + 4, 4);
            memcpy(&payload, entry + 8, 8);
            memcpy(&arch, entry + 0x1c, 4);
            counts[kind & 15][arch & 1023]++;
            at += header + payload;
            if (at < stop && pread(fd, head, 64, (off_t)at) < 64)
                return;
            entry = head;
        }
    }
}

int main(int argc, char **argv) {
    Elf64_Ehdr ehdr;
    int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || pread(fd, &ehdr, sizeof ehdr, 0) != sizeof ehdr)
        return 1;
    Elf64_Shdr *sections = malloc(ehdr.e_shnum * sizeof *sections);
    if (!sections || pread(fd, sections, ehdr.e_shnum * sizeof *sections, (off_t)ehdr.e_shoff) < 0)
        return 1;
    const Elf64_Shdr *table = &sections[ehdr.e_shstrndx];
    char *names = malloc(table->sh_size + 1);
    if (!names || pread(fd, names, table->sh_size, (off_t)table->sh_offset) < 0)
        return 1;
    names[table->sh_size] = '\0';
    for (unsigned i = 0; i < ehdr.e_shnum; i++) {
        const char *name = names + sections[i].sh_name;
        if (strcmp(name, ".nv_fatbin") == 0 || strcmp(name, "__nv_relfatbin") == 0)
            walk(fd, sections[i].sh_offset, sections[i].sh_offset + sections[i].sh_size);
    }
    for (unsigned kind = 0; kind < 16; kind++)
        for (unsigned arch = 0; arch < 1024; arch++)
            if (counts[kind][arch])
                printf("%u %u %lu\n", kind, arch, counts[kind][arch]);
    return 0;
}
