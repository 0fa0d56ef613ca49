type Unknown = (name: string) => Error;

const WORD = /([A-Za-z_]\w*)(?:=((?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])*))?/gs;
const PART = /"((?:\\.|[^"\\])*)"|'([^']*)'|((?:\\.|[^"'\\])+)/gs;
const REFERENCE = /\\([\\$`])|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::([-+])([^}]*))?\})/g;

/** The variables of a stage of a Dockerfile, as far as its own lines set them. */
export class Variables {
  readonly #globals: Variables | undefined;
  readonly #values: Map<string, string | undefined>;

  /** @param from - `globals` are those before the first stage; `below` those of the stage that it begins with */
  constructor({ globals, below }: { globals?: Variables; below?: Variables | undefined } = {}) {
    this.#globals = globals;
    this.#values = new Map(below ? below.#values : []);
  }

  /** Takes what an ARG or ENV line sets. */
  read(word: 'ARG' | 'ENV', rest: string): void {
    const [, name = '', value] = /^([A-Za-z_]\w*)\s+(.*)$/s.exec(rest) ?? [];
    if (word === 'ENV' && value !== undefined) {
      this.#values.set(name, this.#valueOf(value));
      return;
    }
    for (const [, key = '', text] of rest.matchAll(WORD)) {
      this.#values.set(key, text === undefined ? this.#global(key) : this.#valueOf(text));
    }
  }

  /** Puts values in the place of `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+text}`. */
  expand(text: string, unknown: Unknown): string {
    return text.replace(REFERENCE, (...[, escaped, plain, braced, sign, other]: (string | undefined)[]) => {
      if (escaped !== undefined) return escaped;
      const name = plain ?? braced ?? '';
      const value = this.#values.get(name);
      if (sign === '+') return value ? (other ?? '') : '';
      if (sign === '-') return value || (other ?? '');
      if (value === undefined) throw unknown(name);
      return value;
    });
  }

  #global(name: string): string | undefined {
    return this.#globals ? (this.#globals.#values.get(name) ?? '') : '';
  }

  /** What a word of such a line stands for; undefined if it refers to what only the base image knows. */
  #valueOf(word: string): string | undefined {
    try {
      return word.replace(PART, (...[, double, single, bare]: (string | undefined)[]) => {
        if (single !== undefined) return single;
        const text = this.expand(double ?? bare ?? '', (name) => new UnknownName(name));
        return bare === undefined ? text : text.replace(/\\(.)/gs, '$1');
      });
    } catch (error) {
      if (error instanceof UnknownName) return undefined;
      throw error;
    }
  }
}

class UnknownName extends Error {}
