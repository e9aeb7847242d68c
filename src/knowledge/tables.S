/* The tables of data/ as they are, each followed by a NUL. Nothing is unpacked: look-ups read these bytes. */
.macro table name
    .global table_\name
    .hidden table_\name
    .global table_\name\()_end
    .hidden table_\name\()_end
    .balign 16
table_\name:
    .incbin "data/\name\().csv"
table_\name\()_end:
    .byte 0
.endm

    .section .rodata
    table gpu_ids
    table gpu_names
    table chips
    table architectures
    table cuda_drivers
    table driver_branches
    table torch_releases
    table torch_variants
    table companions
    table errors
    table xids
    table messages
    table fixes
    table kernel_messages

    .section .note.GNU-stack,"",%progbits
