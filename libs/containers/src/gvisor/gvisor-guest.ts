import { spawn } from 'node:child_process';
import { PassThrough, type Writable } from 'node:stream';

import { RuntimeGuest, spawnBeside, type RuntimeGuestOptions } from '../exec/runtime-guest.ts';
import type { GvisorRuntime } from './gvisor-runtime.ts';

const LOST_CODES = new Set<number | null>([1, 128, 137, 255]);

// All processes of the session that the program leads, itself first, or it would end by itself as it hears of the others'
// end: fields of `stat` are counted behind the name.
const KILL_SESSION = `
kill -KILL "$1"
for stat in /proc/[0-9]*/stat; do
  read -r line < "$stat" || continue
  pid=\${line%% *}
  set -- "$1" \${line##*) }
  [ "$5" = "$1" ] && kill -KILL "$pid"
done 2>&-`;

export interface GvisorGuestOptions extends RuntimeGuestOptions {
  runtime: GvisorRuntime;
}

/** A program in a container of gVisor, of whose processes this machine sees none. Its terminal is one of this machine's. */
export class GvisorGuest extends RuntimeGuest {
  readonly #options: GvisorGuestOptions;
  readonly #typed: Writable | undefined;

  private constructor(spawned: Awaited<ReturnType<typeof spawnBeside>>, options: GvisorGuestOptions) {
    super(spawned, options.isThere, LOST_CODES);
    this.#options = options;
    this.#typed = options.terminal && this.#whenSignalsPass(spawned.host.stdin);
  }

  /** @throws ContainerError if it cannot be started. */
  static async spawn(options: GvisorGuestOptions): Promise<GvisorGuest> {
    const words = options.runtime.words;
    return new GvisorGuest(await spawnBeside(options, { words, pidFlag: '--internal-pid-file' }), options);
  }

  override get stdin(): Writable {
    return this.#typed ?? super.stdin;
  }

  protected override send(pid: number, name: NodeJS.Signals): void {
    this.#act(['kill', '--pid', String(pid), this.#options.name, name]);
  }

  protected override killSession(pid: number): void {
    this.#act(['exec', this.#options.name, '/bin/sh', '-c', KILL_SESSION, 'sh', String(pid)]);
  }

  #act(words: readonly string[]): void {
    const [program = '', ...flags] = this.#options.runtime.words;
    spawn(program, [...flags, ...words], { stdio: 'ignore' }).on('error', () => undefined);
  }

  /** What is typed waits for the runtime, which Ctrl-C would end as long as it does not pass it on to the program. */
  #whenSignalsPass(terminal: Writable): Writable {
    const typed = new PassThrough();
    void this.whenRunning(() => void typed.pipe(terminal));
    return typed;
  }
}
