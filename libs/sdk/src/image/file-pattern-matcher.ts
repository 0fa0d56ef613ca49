import { InvalidError } from '@gantry/protocol';

import { readFileSync } from '../node-modules.ts';

interface FilePattern {
  regex: RegExp;
  /** Began with `!`: what it matches is not ignored after all. */
  isException: boolean;
}

/**
 * Tells files by the patterns of `.dockerignore` files: `*`, `?`, `[a-z]`, `**` for any number of folders, `!` for
 * exceptions; the last pattern that matches decides. A pattern that matches a folder matches all in it.
 *
 * @example
 * ```ts
 * const notes = new FilePatternMatcher('**\/*.md', '!README.md');
 * image.addLocalDir('assets', '/assets', { ignore: notes });
 * image.addLocalDir('models', '/models', { ignore: new FilePatternMatcher('**\/*.bin').negate() }); // only these
 * ```
 */
export class FilePatternMatcher {
  #patterns: () => readonly FilePattern[];
  #isNegated = false;

  /** @throws {@link InvalidError} on a pattern that is none, such as `!` alone. */
  constructor(...patterns: string[]) {
    const parsed = patterns.map((pattern) => parsePattern(pattern, `"${pattern}"`)).filter(isPattern);
    this.#patterns = () => parsed;
  }

  /**
   * The patterns of a file, one a line; `#` starts a comment. It is read at the first match, and its path is relative
   * to the working directory, which in a build is the project's folder.
   */
  static fromFile(path: string): FilePatternMatcher {
    const matcher = new FilePatternMatcher();
    let patterns: readonly FilePattern[] | undefined;
    matcher.#patterns = () => (patterns ??= parseFile(readFileSync(path, 'utf8'), path));
    return matcher;
  }

  /** The patterns of a `.dockerignore` that was read already; `path` is for messages. */
  static fromText(text: string, path: string): FilePatternMatcher {
    const matcher = new FilePatternMatcher();
    const patterns = parseFile(text, path);
    matcher.#patterns = () => patterns;
    return matcher;
  }

  /** True if the path, relative and with slashes, is one of those meant. */
  matches(path: string): boolean {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    const paths = parts.map((_, at) => parts.slice(0, at + 1).join('/'));
    let isMatched = false;
    for (const { regex, isException } of this.#patterns()) {
      if (isMatched === isException && paths.some((candidate) => regex.test(candidate))) {
        isMatched = !isException;
      }
    }
    return isMatched !== this.#isNegated;
  }

  /** A matcher for all other paths. */
  negate(): FilePatternMatcher {
    const other = new FilePatternMatcher();
    other.#patterns = () => this.#patterns();
    other.#isNegated = !this.#isNegated;
    return other;
  }

  /** @internal A folder that matches cannot hold anything that does not. */
  get prunes(): boolean {
    return !this.#isNegated && !this.#patterns().some(({ isException }) => isException);
  }
}

function parseFile(text: string, path: string): FilePattern[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, at) => (line.startsWith('#') ? [] : [parsePattern(line, `${path}:${at + 1}: "${line}"`)]))
    .filter(isPattern);
}

function parsePattern(written: unknown, shown: string): FilePattern | undefined {
  if (typeof written !== 'string') throw illegal(shown, 'it is no text');
  const text = written.trim();
  const isException = text.startsWith('!');
  const parts = (isException ? text.slice(1).trim() : text).split('/');
  const kept: string[] = [];
  for (const part of parts) {
    if (part === '..') kept.pop();
    else if (part !== '' && part !== '.') kept.push(part);
  }
  if (kept.length === 0) {
    if (isException) throw illegal(shown, 'there is nothing behind the "!"');
    return undefined;
  }
  try {
    return { regex: new RegExp(`^${toRegex(kept.join('/'))}$`, 'su'), isException };
  } catch {
    throw illegal(shown, 'its brackets are not closed');
  }
}

const TOKEN = /\*\*\/?|\*|\?|\[\^?\]?[^\]]*\]|\\.|[^]/gu;

function toRegex(pattern: string): string {
  let at = 0;
  return pattern.replace(TOKEN, (token) => {
    at += token.length;
    if (token.startsWith('**')) return at === pattern.length ? '.*' : '(?:.*/)?';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.length > 1 && token.startsWith('[')) return token;
    // An opening bracket alone stays as it is, for the expression to be refused.
    if (token === '[') return '[';
    const character = token.length > 1 && token.startsWith('\\') ? token.slice(1) : token;
    return character.replace(/[$()*+./?[\\\]^{|}]/, '\\$&');
  });
}

function isPattern(pattern: FilePattern | undefined): pattern is FilePattern {
  return pattern !== undefined;
}

function illegal(shown: string, why: string): InvalidError {
  return new InvalidError(`the pattern ${shown} is not valid: ${why}`, {
    hint: 'Write patterns as in a .dockerignore file, such as **/*.log or !keep.log.',
  });
}
