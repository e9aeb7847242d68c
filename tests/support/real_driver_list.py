"""NVIDIA's own user-space driver as Debian packages it."""
DRIVERS = {  # branch: suite, packages, cuDriverGetVersion
    470: ("bookworm", ["libnvidia-tesla-470-cuda1", "libnvidia-tesla-470-ml1", "libnvidia-tesla-470-ptxjitcompiler1"], 11040),
    525: ("bookworm", ["libnvidia-tesla-cuda1", "libnvidia-tesla-ml1", "libnvidia-tesla-ptxjitcompiler1"], 12000),
    535: ("bookworm", ["libcuda1", "libnvidia-ml1", "libnvidia-ptxjitcompiler1"], 12020),
    550: ("trixie", ["libcuda1", "libnvidia-ml1", "libnvidia-ptxjitcompiler1"], 12040),
}
