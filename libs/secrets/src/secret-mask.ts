import type { SecretValues } from '@gantry/protocol';

/** Shorter ones, such as `true` or `8080`, are no secrets, and striking them out would make text unreadable. */
const SHORTEST_CHARS = 6;
const MASK = '***';
/** Of one regular expression: V8 refuses those of some ten thousands, and takes long to make them. */
const MOST_PATTERN_CHARS = 10_000;

/**
 * Strikes out the values of secrets in text that somebody may see: as they are, line by line, and as JSON, a URL or
 * base64 writes them.
 *
 * A net for accidents. Code that wants to show a value can always write it in another form.
 */
export class SecretMask {
  readonly #forms: readonly string[];
  readonly #patterns: readonly (RegExp | string)[];
  readonly #longest: number;

  constructor(values: SecretValues = {}) {
    const forms = new Set(Object.values(values).flatMap(formsOf));
    // Longest first: what contains another one must not be left in half.
    this.#forms = [...forms].sort((left, right) => right.length - left.length);
    this.#patterns = patternsOf(this.#forms);
    this.#longest = this.#forms[0]?.length ?? 0;
  }

  apply(text: string): string {
    return this.#patterns.reduce((rest: string, pattern) => rest.replaceAll(pattern, MASK), text);
  }

  /** How many characters at the end of a text may be the beginning of a value. */
  openChars(text: string): number {
    // No form holds a line end, so only what comes after the last one can go on.
    const most = Math.min(this.#longest - 1, text.length - 1 - text.lastIndexOf('\n'));
    for (let count = most; count > 0; count--) {
      const end = text.slice(-count);
      if (this.#forms.some((form) => form.startsWith(end))) return count;
    }
    return 0;
  }

  /** What stands for an end that was held back, when nothing comes any more. */
  close(held: string): string {
    return held.length >= SHORTEST_CHARS ? MASK : held;
  }
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const encoded = [
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.replaceAll(/\p{Surrogate}/gu, '')),
    Buffer.from(value).toString('base64').replace(/=+$/, ''),
    Buffer.from(value).toString('base64url'),
  ];
  if (value.length < SHORTEST_CHARS) return [];
  return [...lines, ...encoded].filter((form) => form.length >= SHORTEST_CHARS);
}

/** In the same order: one pattern for as many forms as fit, and the form itself where it is too long for one. */
function patternsOf(forms: readonly string[]): (RegExp | string)[] {
  const groups: string[][] = [];
  let room = 0;
  for (const form of forms) {
    room -= form.length;
    if (room >= 0) groups.at(-1)?.push(form);
    else {
      groups.push([form]);
      room = MOST_PATTERN_CHARS - form.length;
    }
  }
  return groups.map(([first = '', ...others]) =>
    first.length > MOST_PATTERN_CHARS ? first : new RegExp([first, ...others].map(escaped).join('|'), 'g'),
  );
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
