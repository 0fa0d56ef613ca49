import { dirname } from 'node:path';
import type { WriteStream } from 'node:tty';

import { InvalidError } from '@gantry/protocol';

import type { BorrowedTerminal } from './borrowed-terminal.ts';

/**
 * The terminal of whoever runs the app, lent to one input at a time. Whoever lends it runs a program in it, inside of
 * this container, which says where the terminal is; with the end of that program the terminal is gone.
 */
export class CallerTerminal {
  readonly #ask: (inputId: string, taker: string[]) => void;
  #folder = '';
  #borrower: string | undefined;
  #terminal: Promise<BorrowedTerminal> | undefined;
  #output: WriteStream | undefined;
  #giveUp: AbortController | undefined;

  /** @param ask - Lets the person's side run this program in a terminal. */
  constructor(ask: (inputId: string, taker: string[]) => void) {
    this.#ask = ask;
  }

  /** What may be put where while somebody waits: beside the socket of the container. */
  useFolderOf(httpSocketPath: string): void {
    this.#folder = dirname(httpSocketPath);
  }

  /** Resolves when the input has the terminal. Harmless to repeat. */
  async lendTo(inputId: string): Promise<void> {
    if (this.#borrower !== undefined && this.#borrower !== inputId) {
      throw new InvalidError(`input "${this.#borrower}" of the same container has the terminal`, {
        hint: 'Let one input at a time call interact(), or leave out @concurrent.',
      });
    }
    this.#borrower = inputId;
    try {
      await (this.#terminal ??= this.#borrow(inputId));
    } catch (error) {
      this.end(inputId);
      throw error;
    }
  }

  /** Shows what an input prints, if it has the terminal. */
  show(inputId: string | undefined, text: string): boolean {
    if (inputId === undefined || inputId !== this.#borrower || !this.#output?.writable) return false;
    this.#output.write(text);
    return true;
  }

  /** The input has ended: the terminal goes back. */
  end(inputId: string): void {
    if (inputId !== this.#borrower) return;
    this.#giveUp?.abort();
    void this.#terminal?.then(
      (terminal) => terminal.release(),
      () => undefined,
    );
    this.#borrower = this.#terminal = this.#output = this.#giveUp = undefined;
  }

  async #borrow(inputId: string): Promise<BorrowedTerminal> {
    const giveUp = (this.#giveUp = new AbortController());
    // Loaded when it is asked for, which few containers ever do.
    const { borrowTerminal } = await import('./borrowed-terminal.ts');
    const options = { folder: this.#folder, givenUp: giveUp.signal };
    const terminal = await borrowTerminal((taker) => this.#ask(inputId, taker), options);
    if (giveUp.signal.aborted) terminal.release();
    else this.#output = terminal.stdout;
    return terminal;
  }
}
