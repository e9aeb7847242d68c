/* What every link needs to know of the machine: kernel, distribution, container, user. */
#pragma once
#include "facts/fact.h"

#define SYSTEM_FIELDS(T, N, F, L, R)                                                                              \
    T(os, PLAIN, "linux, windows or macos")                                                                       \
    T(distribution, PLAIN, "ID of os-release: debian, ubuntu, fedora, rhel, arch …")                              \
    T(distribution_like, PLAIN, "ID_LIKE of os-release")                                                          \
    T(distribution_version, PLAIN, "VERSION_ID of os-release")                                                    \
    T(distribution_name, PLAIN, "PRETTY_NAME of os-release")                                                      \
    T(kernel, PLAIN, "release of the running kernel")                                                             \
    T(machine, PLAIN, "x86_64, aarch64 …")                                                                        \
    N(wsl, PLAIN, "generation of the Windows Subsystem for Linux, 1 or 2; absent elsewhere")                      \
    N(windows_build, PLAIN, "build of Windows, also of the one around WSL: 19045")                                \
    T(virtual_machine, PLAIN, "hypervisor or cloud by its DMI name; absent on bare metal")                        \
    T(container, PLAIN, "docker, podman, kubernetes, lxc, apptainer …; absent outside")                           \
    T(jetson, PLAIN, "L4T release of a Jetson, e.g. R36.4.3; absent elsewhere")                                   \
    T(libc, PLAIN, "C library and version: glibc 2.36, musl")                                                     \
    T(user, USER, "name of the user")                                                                             \
    N(uid, PLAIN, "numeric id of the user")                                                                       \
    T(home, PATH, "home directory")                                                                               \
    T(host, HOST, "host name")                                                                                    \
    F(sudo, PLAIN, "started through sudo, so that the environment is root's")

RECORD(system_facts, SYSTEM_FIELDS)
