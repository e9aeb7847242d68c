#include "format/pci.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/text.h"

enum { CONFIG_HEADER = 64, BAR_COUNT = 6 };
static const int64_t resource_memory = 0x200, resource_unset = 0x20000000; /* linux/ioport.h */

static unsigned u16_at(struct span bytes, size_t offset) {
    return (unsigned char)bytes.ptr[offset] | (unsigned)(unsigned char)bytes.ptr[offset + 1] << 8;
}

/* PCI Local Bus Specification 3.0, figure 6-1 */
int pci_config_parse(struct span bytes, struct pci_config *ret_config) {
    if (bytes.len < CONFIG_HEADER)
        return -ENODATA;
    struct pci_config config = {.dead = true};
    for (size_t i = 0; i < CONFIG_HEADER; i++)
        config.dead = config.dead && (unsigned char)bytes.ptr[i] == 0xff;
    if (!config.dead) {
        config.vendor = u16_at(bytes, 0);
        config.device = u16_at(bytes, 2);
        config.class = u16_at(bytes, 10) << 8 | (unsigned char)bytes.ptr[9];
        config.subsystem_vendor = u16_at(bytes, 44);
        config.subsystem_device = u16_at(bytes, 46);
    }
    *ret_config = config;
    return 0;
}

enum pci_bars pci_bars_parse(struct span text) {
    enum pci_bars bars = PCI_BARS_UNKNOWN;
    struct span line, word;
    for (int i = 0; i < BAR_COUNT && span_next_line(&text, &line); i++) {
        int64_t number[3];
        int count = 0;
        while (count < 3 && span_next_word(&line, &word)) {
            /* addresses of 64 bit with the top bit set do not fit: they are addresses all the same */
            int r = span_to_number(word, 16, &number[count]);
            if (r == -EINVAL)
                return PCI_BARS_UNKNOWN;
            if (r < 0)
                number[count] = INT64_MAX;
            count++;
        }
        if (count < 3 || !(number[2] & resource_memory))
            continue;
        if (number[2] & resource_unset || number[0] == 0)
            return PCI_BARS_UNASSIGNED;
        bars = PCI_BARS_ASSIGNED;
    }
    return bars;
}

bool pci_address_valid(struct span text) {
    static const char form[] = "xxxx:xx:xx.x";
    if (text.len != sizeof form - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (form[i] == 'x' ? !isxdigit((unsigned char)text.ptr[i]) : text.ptr[i] != form[i])
            return false;
    return true;
}

/* Vendors start a line, their devices follow indented by one tab, subsystems by two. */
const char *pci_ids_name(struct arena *arena, struct span ids, unsigned vendor, unsigned device) {
    char key[16];
    snprintf(key, sizeof key, "\n%04x  ", vendor & 0xffff);
    size_t at = span_find(ids, key);
    if (at == SIZE_MAX)
        return NULL;
    struct span rest = span_slice(ids, at + 1, ids.len), line;
    span_next_line(&rest, &line);
    snprintf(key, sizeof key, "\t%04x  ", device & 0xffff);
    while (span_next_line(&rest, &line)) {
        if (span_starts(line, key))
            return text_clean(arena, span_trim(span_slice(line, strlen(key), line.len)));
        if (line.len && line.ptr[0] != '\t' && line.ptr[0] != '#')
            break;
    }
    return NULL;
}
