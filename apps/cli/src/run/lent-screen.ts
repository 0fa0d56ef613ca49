import type { ChildProcess } from 'node:child_process';

import type { Terminal } from '../terminal/terminal.ts';
import type { FromRunChild, ToRunChild } from './run-request.ts';

interface Print {
  stream: 'stdout' | 'stderr';
  text: string;
}

/**
 * A terminal that a child process borrows now and then, for lines of its own that change. Meanwhile the child prints
 * what is printed here: only one process can tell where its lines are.
 */
export class LentScreen {
  readonly #terminal: Terminal;
  #child: ChildProcess | undefined;
  #isLent = false;
  /** Given to the child; it has not said yet that they are printed. */
  readonly #unprinted: Print[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Prints as the terminal does, or has the child do it. */
  get terminal(): Terminal {
    const { style, noteStyle } = this.#terminal;
    const print = (stream: Print['stream'], text: string) => this.#print({ stream, text });
    return {
      ...{ style, noteStyle, raw: print },
      out: (line) => print('stdout', `${line}\n`),
      note: (line) => print('stderr', `${line}\n`),
      progress: (text) => (this.#isLent ? undefined : this.#terminal.progress(text)),
    };
  }

  /** Lends the screen to this process whenever it asks, until it ends. */
  attach(child: ChildProcess): void {
    this.#child = child;
    child.on('message', (message: FromRunChild) => this.#hear(message));
    child.once('disconnect', () => {
      this.#child = undefined;
      this.#isLent = false;
      for (const { stream, text } of this.#unprinted.splice(0)) this.#terminal.raw(stream, text);
    });
  }

  #hear(message: FromRunChild): void {
    switch (message.type) {
      case 'borrow':
        this.#terminal.progress('');
        this.#isLent = true;
        return this.#tell({ type: 'lent' });
      case 'printed':
        return void this.#unprinted.shift();
      case 'giveBack':
        this.#isLent = false;
    }
  }

  #print(print: Print): void {
    // What the child has yet to print comes first.
    if (!this.#child || (!this.#isLent && this.#unprinted.length === 0)) {
      return this.#terminal.raw(print.stream, print.text);
    }
    this.#unprinted.push(print);
    this.#tell({ type: 'print', ...print });
  }

  #tell(message: ToRunChild): void {
    // A child that has just ended is told nothing; what it did not print is printed here.
    this.#child?.send(message, () => undefined);
  }
}
