/* The kernels, as the text that ships, and the program that asks PyTorch. */
.section .rodata, "a"
.macro embed name, file
    .global \name
    .hidden \name
\name:
    .incbin "\file"
    .byte 0
.endm
embed live_matmul_ptx, "src/live/matmul.ptx"
embed live_pattern_ptx, "src/live/pattern.ptx"
embed live_compare_ptx, "src/live/compare.ptx"
embed live_torch_py, "src/live/torch.py"
.section .note.GNU-stack,"",%progbits
