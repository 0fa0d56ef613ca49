import type { TerminalSize } from '../container-driver.ts';
import { RuntimeGuest, spawnBeside, type RuntimeGuestOptions } from '../exec/runtime-guest.ts';
import { TerminalResizer } from '../exec/terminal-resizer.ts';
import { sessionMembers, sessionOf } from '../process-identity.ts';
import type { ContainerCgroup } from './cgroups.ts';
import type { OciRuntime } from './oci-runtime.ts';

const LOST_CODES = new Set<number | null>([1, 137, 255]);

export interface RuncGuestOptions extends RuntimeGuestOptions {
  runtime: OciRuntime;
  group: ContainerCgroup;
}

/** A program in a container of an OCI runtime, which is a process of this machine as well. */
export class RuncGuest extends RuntimeGuest {
  readonly #isCrun: boolean;
  #resizer: TerminalResizer | undefined;

  private constructor(spawned: Awaited<ReturnType<typeof spawnBeside>>, options: RuncGuestOptions) {
    super(spawned, options.isThere, LOST_CODES);
    this.#isCrun = options.runtime.isCrun;
  }

  /** @throws ContainerError if it cannot be started. */
  static async spawn(options: RuncGuestOptions): Promise<RuncGuest> {
    const { runtime, group } = options;
    const words = [...runtime.apart, ...runtime.command(group)];
    return new RuncGuest(await spawnBeside(options, { words, pidFlag: '--pid-file' }), options);
  }

  override resize(size: TerminalSize): void {
    super.resize(size);
    if (this.#isCrun) void this.whenRunning((pid) => this.#resizerOf(pid).resize(size));
  }

  /** Of the terminal in the container, which the program was given as its input. */
  #resizerOf(pid: number): TerminalResizer {
    return (this.#resizer ??= new TerminalResizer(`/proc/${pid}/fd/0`));
  }

  protected override send(pid: number, name: NodeJS.Signals): void {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended meanwhile.
    }
  }

  protected override killSession(pid: number): void {
    for (const member of sessionMembers(sessionOf(pid) ?? pid)) this.send(member, 'SIGKILL');
  }
}
