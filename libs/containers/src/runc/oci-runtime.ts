import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import type { CgroupLayout, ContainerCgroup } from './cgroups.ts';
import { NO_SYSTEM_CALLS, seccompProfile } from './seccomp-profile.ts';

/** crun ignores the filter of system calls in the configuration where this one is given, compiled. */
const COMPILED_FILTER = 'run.oci.seccomp_bpf_data';
/** What crun takes for a mixture that it refuses. */
const HYBRID_FOLDER = '/sys/fs/cgroup/unified';

// Groups are entered by the shell, which then becomes the runtime; what is unmounted is so in its namespace alone.
const IN_GROUPS = `
if [ -n "$1" ]; then umount -l "$1"; fi
for procs in $2; do echo 0 > "$procs"; done
shift 2
exec "$@"
`;

/**
 * An OCI runtime in use. crun costs a container a fifth of the time and memory that runc costs it, if it is helped:
 * it is started in groups that exist already, as it removes its own before anybody can read what happened in them and
 * knows no hybrid layout, and it is given the filter of system calls compiled.
 */
export class OciRuntime {
  /** Such as `runc`, or a path. */
  readonly program: string;
  /** Where it keeps what it knows of containers. */
  readonly stateFolder: string;
  /** It is started in groups that are made and limited before, and does not pass on new sizes of terminals. */
  readonly isCrun: boolean;
  /** To be unmounted in the mount namespace that it starts in; empty if nothing is. */
  readonly hiddenFolder: string;
  #filter: string | undefined;

  constructor(program: string, stateFolder: string, layout: CgroupLayout) {
    this.program = program;
    this.stateFolder = stateFolder;
    this.isCrun = basename(program) === 'crun';
    const isHybrid = layout.version === 1 && existsSync(join(HYBRID_FOLDER, 'cgroup.controllers'));
    this.hiddenFolder = this.isCrun && isHybrid ? HYBRID_FOLDER : '';
  }

  /** The command to run it in a mount namespace of its own; to be followed by the words for the runtime. */
  command(group: ContainerCgroup): string[] {
    if (!this.isCrun) return this.words;
    const places = [this.hiddenFolder, this.groupFiles(group).join(' ')];
    return ['/bin/sh', '-e', '-c', IN_GROUPS, 'gantry', ...places, ...this.words];
  }

  /** The runtime itself, with what it always is told; to be followed by the words for it. */
  get words(): string[] {
    const words = [this.program, '--root', this.stateFolder];
    return this.isCrun ? [...words, '--cgroup-manager=disabled'] : words;
  }

  /** Where to write 0 before it is started, to be in the group of the container. */
  groupFiles(group: ContainerCgroup): string[] {
    return this.isCrun ? group.procsFiles : [];
  }

  /** What comes before {@link command} where there is no mount namespace to change yet. */
  get apart(): string[] {
    return this.hiddenFolder ? ['unshare', '--mount', '--propagation', 'slave', '--'] : [];
  }

  /** Words to start a container that it stays the parent of, with the file that its runner speaks over. */
  get runWords(): string[] {
    return ['run', ...(this.isCrun ? [] : ['--keep']), '--preserve-fds', '1'];
  }

  /** What the configuration of a container says of the system calls that it may make. */
  get systemCalls(): { seccomp: object; annotations?: { [name: string]: string } } {
    if (this.#filter === undefined) return { seccomp: seccompProfile() };
    return { seccomp: NO_SYSTEM_CALLS, annotations: { [COMPILED_FILTER]: this.#filter } };
  }

  /** Keeps what it compiled for a container that it has started, for all that come. */
  learnFrom(name: string): void {
    if (!this.isCrun || this.#filter !== undefined) return;
    try {
      this.#filter =
        readFileSync(join(this.stateFolder, name, 'seccomp.bpf')).toString('base64') || undefined;
    } catch {
      // Then each one waits for its own.
    }
  }
}
