/* Ways to mend a cause: the commands for this distribution, this environment and this GPU, cheapest first.
 *
 * Commands about packages come from confirmed rows of the tables only (data/fixes.csv, the published builds);
 * where the tables have none for this machine, the title alone says what to do. Names of files and directories are
 * taken from the facts. */
#pragma once

#include "diagnose/judge.h"

/* The rows of data/fixes.csv for the first of this machine's systems (its distribution, those it is like, "linux")
 * that has any. Returns their number. */
size_t fix_table(struct judge *judge, struct cause *cause, const char *action);
/* The same for rows that name a file: {path}. */
size_t fix_table_path(struct judge *judge, struct cause *cause, const char *action, const char *path);
/* The rows of each of the large distributions, for a machine of which nobody knows which it is. */
size_t fix_families(struct judge *judge, struct cause *cause, const char *action);
/* The same, as further commands of the last fix rather than as one of its own. False: no row. */
bool fix_table_then(struct judge *judge, struct cause *cause, const char *action);
/* The rows of this machine's system; those of the large distributions where it is not known; else the title without a
 * command. */
void fix_table_or(struct judge *judge, struct cause *cause, const char *action, const char *title);
/* The rows of a named system: "docker", "podman", "wsl", "jetson". */
size_t fix_table_of(struct judge *judge, struct cause *cause, const char *system, const char *action);

/* An NVIDIA driver, new or newer, that serves these GPUs. `floor`: oldest release that will do, or NULL. */
void fix_driver(struct judge *judge, struct cause *cause, const char *floor);
/* The last branch that serves a GPU, as the driver's own message names it. */
void fix_driver_branch(struct judge *judge, struct cause *cause, unsigned branch);
/* A PyTorch build that fits driver, GPUs, Python and platform, by this environment's package manager; says why
 * where there is none. `keep_release`: the release that is there, in a build that fits, before the newest one.
 * False: what it offers, if anything, needs a newer driver first. */
bool fix_torch_build(struct judge *judge, struct cause *cause, bool keep_release);
/* The build that is there, once more (files are missing or damaged). */
void fix_torch_again(struct judge *judge, struct cause *cause);
/* torchvision, torchaudio of the releases that belong to this torch, from its index. */
void fix_companions(struct judge *judge, struct cause *cause);
/* Ask the cluster's scheduler (Slurm, PBS, LSF) for a GPU. */
void fix_job(struct judge *judge, struct cause *cause);
/* The command that starts containers here: "docker", "podman", "nerdctl", "kubectl", "apptainer", "lxc". */
const char *container_engine(const struct judge *judge);
/* Start the container with the GPU, for this kind of container. */
void fix_container_run(struct judge *judge, struct cause *cause);
/* Start it with CUDA's part of the driver; start one that lost its device nodes once more. */
void fix_container_capabilities(struct judge *judge, struct cause *cause);
void fix_container_again(struct judge *judge, struct cause *cause);
/* One command prefix of this environment's installer: "/path/python -m pip", "uv pip" …; NULL: not known which. */
const char *fix_installer(struct judge *judge);
