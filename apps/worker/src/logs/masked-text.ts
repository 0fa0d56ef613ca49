import { SecretMask } from '@gantry/secrets';

import type { LineKey, UnfinishedLine } from './line-buffer.ts';

/** Masks text that comes in pieces: a value that two of them share is found, too. */
export class MaskedText {
  readonly #held = new Map<string, UnfinishedLine>();
  #mask = new SecretMask();

  /** From now on. Called before the code runs that may write the values. */
  use(mask: SecretMask): void {
    this.#mask = mask;
  }

  /** What may be shown now. An end that a value may begin with is held back until more comes from the same writer. */
  add(key: LineKey, text: string): string {
    const writer = `${key.stream} ${key.inputId ?? ''}`;
    const all = (this.#held.get(writer)?.text ?? '') + text;
    const shown = all.length - this.#mask.openChars(all);
    if (shown === all.length) this.#held.delete(writer);
    else this.#held.set(writer, { key, text: all.slice(shown) });
    return this.#mask.apply(all.slice(0, shown));
  }

  /** Of a text that is whole. */
  apply(text: string): string {
    return this.#mask.apply(text);
  }

  /** What was held back. Nothing comes any more. */
  end(): UnfinishedLine[] {
    const rest = [...this.#held.values()].map(({ key, text }) => ({ key, text: this.#mask.close(text) }));
    this.#held.clear();
    return rest;
  }
}
