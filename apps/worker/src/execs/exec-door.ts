import type { ExecOptions, ExecProcess } from '@gantry/containers';
import type { ExecRequest } from '@gantry/protocol';

/** What a program runs beside. */
interface Opened {
  process: { exec(options: ExecOptions): Promise<ExecProcess> };
  /** What its code has for an environment. */
  env: Readonly<Record<string, string>>;
}

/** Lets programs into a container: those that come early when it is there. */
export class ExecDoor {
  readonly #opened: Promise<Opened>;
  #resolve: (opened: Opened) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor() {
    this.#opened = new Promise((resolve, reject) => ([this.#resolve, this.#reject] = [resolve, reject]));
    // Most containers end without anybody at the door.
    this.#opened.catch(() => undefined);
  }

  open(opened: Opened): void {
    this.#resolve(opened);
  }

  /** Whoever waits is told why it never opens. No effect once it was opened. */
  close(error: unknown): void {
    this.#reject(error);
  }

  async exec({ env, ...request }: ExecRequest): Promise<ExecProcess> {
    const opened = await this.#opened;
    return await opened.process.exec({ ...request, env: { ...opened.env, ...env } });
  }
}
