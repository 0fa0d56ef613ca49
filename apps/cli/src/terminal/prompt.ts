import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

import { UsageError } from '../usage-error.ts';

export interface PromptOptions {
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  output: NodeJS.WritableStream;
}

/** Asks people for what a command line lacks. */
export interface Prompt extends Disposable {
  /** @throws {@link UsageError} naming the flag, where nobody can be asked. */
  ask(question: string, flag: string): Promise<string>;
  /**
   * Does not show what is typed.
   *
   * @param given - `-` also takes a line that no person types.
   */
  askSecretly(question: string, given: string | undefined): Promise<string>;
}

/** Lines that come from a pipe all at once are kept for the next question. */
export function createPrompt({ input, output }: PromptOptions): Prompt {
  const isPerson = input.isTTY === true;
  let lines: AsyncIterator<string> | undefined;
  let reader: Interface | undefined;
  let isHidden = false;
  const shown = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isHidden) output.write(chunk);
      done();
    },
  });
  const nextLine = async (flag: string): Promise<string> => {
    reader ??= createInterface({ input, output: shown, terminal: isPerson });
    lines ??= reader[Symbol.asyncIterator]();
    const { value, done } = await lines.next();
    if (!done) return value.trim();
    throw missing(flag);
  };
  return {
    async ask(question, flag) {
      if (!isPerson) throw missing(flag);
      output.write(question);
      return nextLine(flag);
    },
    async askSecretly(question, given) {
      if (!isPerson && given !== '-') throw missing('--token');
      isHidden = true;
      if (isPerson) output.write(question);
      try {
        return await nextLine('--token');
      } finally {
        isHidden = false;
        if (isPerson) output.write('\n');
      }
    },
    [Symbol.dispose]: () => reader?.close(),
  };
}

function missing(flag: string): UsageError {
  return new UsageError(`${flag} is missing`, {
    hint: 'Give it, or run the command in a terminal, which asks for it.',
  });
}
