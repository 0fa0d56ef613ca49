import { spawn } from 'node:child_process';

import type { TerminalSize } from '../container-driver.ts';

/** Sets the size of a terminal of this machine: one change at a time, and of many only the last. */
export class TerminalResizer {
  readonly #path: string;
  #wanted: TerminalSize | undefined;
  #isRunning = false;

  constructor(path: string) {
    this.#path = path;
  }

  resize(size: TerminalSize): void {
    this.#wanted = size;
    if (!this.#isRunning) this.#next();
  }

  #next(): void {
    const size = this.#wanted;
    this.#wanted = undefined;
    this.#isRunning = size !== undefined;
    if (!size) return;
    const [rows, columns] = [Math.trunc(size.rows), Math.trunc(size.columns)];
    const stty = spawn('stty', ['-F', this.#path, 'rows', `${rows}`, 'cols', `${columns}`], {
      stdio: 'ignore',
    });
    // A terminal that is gone needs no size. `close` follows both the end and a failed start.
    stty.on('error', () => undefined);
    stty.on('close', () => this.#next());
  }
}
