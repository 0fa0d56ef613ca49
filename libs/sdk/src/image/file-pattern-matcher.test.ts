import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { InvalidError } from '@gantry/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FilePatternMatcher } from './file-pattern-matcher.ts';

describe('a file pattern', () => {
  it.each<[pattern: string, path: string, matches: boolean]>([
    ['notes.md', 'notes.md', true],
    ['notes.md', 'docs/notes.md', false],
    ['notes.md', 'notesXmd', false],
    ['*.md', 'notes.md', true],
    ['*.md', 'docs/notes.md', false],
    ['**/*.md', 'notes.md', true],
    ['**/*.md', 'docs/old/notes.md', true],
    ['docs', 'docs/old/notes.md', true],
    ['docs', 'documents/notes.md', false],
    ['/docs/', 'docs/notes.md', true],
    ['./docs/../docs', 'docs/notes.md', true],
    ['docs/**', 'docs/old/notes.md', true],
    ['docs/**', 'docs', false],
    ['**', 'anything/at/all', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['?.txt', 'a.txt', true],
    ['?.txt', 'ab.txt', false],
    ['?.txt', '/.txt', false],
    ['[a-c].txt', 'b.txt', true],
    ['[^a-c].txt', 'b.txt', false],
    ['[^a-c].txt', 'd.txt', true],
    ['\\*.txt', '*.txt', true],
    ['\\*.txt', 'a.txt', false],
    ['a+b(c)$.txt', 'a+b(c)$.txt', true],
    ['  spaced.txt ', 'spaced.txt', true],
    ['', 'anything', false],
    ['.', 'anything', false],
  ])('%j with %j: %s', (pattern, path, matches) => {
    expect(new FilePatternMatcher(pattern).matches(path)).toBe(matches);
  });

  it('with a path written in another way is the same', () => {
    const matcher = new FilePatternMatcher('docs/*.md');

    for (const path of ['docs/a.md', './docs/a.md', '/docs/a.md', 'docs//a.md']) {
      expect(matcher.matches(path)).toBe(true);
    }
  });

  it.each(['!', '! ', 'a[b', '[z-a]'])('that is none is refused: %j', (pattern) => {
    expect(() => new FilePatternMatcher(pattern)).toThrow(InvalidError);
    expect(() => new FilePatternMatcher(pattern)).toThrow(`the pattern "${pattern}" is not valid`);
  });

  it('never throws once it is accepted', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (pattern, path) => {
        let matcher: FilePatternMatcher;
        try {
          matcher = new FilePatternMatcher(pattern);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidError);
          return;
        }
        expect(typeof matcher.matches(path)).toBe('boolean');
      }),
    );
  });
});

describe('several file patterns', () => {
  it('are decided by the last one that matches', () => {
    const matcher = new FilePatternMatcher('*.md', '!README.md', 'README.md.old', '!*.old');

    expect(matcher.matches('notes.md')).toBe(true);
    expect(matcher.matches('README.md')).toBe(false);
    expect(matcher.matches('README.md.old')).toBe(false);
    expect(new FilePatternMatcher('!README.md', '*.md').matches('README.md')).toBe(true);
  });

  it('bring a file of an ignored folder back', () => {
    const matcher = new FilePatternMatcher('node_modules', '!node_modules/mine');

    expect(matcher.matches('node_modules/yours/index.js')).toBe(true);
    expect(matcher.matches('node_modules/mine/index.js')).toBe(false);
  });

  it('let folders be passed over only where nothing can come back', () => {
    expect(new FilePatternMatcher('a', 'b').prunes).toBe(true);
    expect(new FilePatternMatcher('a', '!a/b').prunes).toBe(false);
    expect(new FilePatternMatcher('a').negate().prunes).toBe(false);
  });

  it('can be turned round, and back', () => {
    const matcher = new FilePatternMatcher('**/*.bin');

    expect(matcher.negate().matches('a.bin')).toBe(false);
    expect(matcher.negate().matches('a.txt')).toBe(true);
    expect(matcher.negate().negate().matches('a.bin')).toBe(true);
    expect(matcher.matches('a.bin')).toBe(true);
  });
});

describe('a file of patterns', () => {
  it('is read at the first match, without its comments and blank lines', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gantry-patterns-'));
    try {
      const file = join(folder, '.dockerignore');
      const matcher = FilePatternMatcher.fromFile(file);
      await writeFile(file, '\uFEFF# notes\n*.md\r\n\n!README.md\n');

      expect(matcher.matches('notes.md')).toBe(true);
      expect(matcher.matches('README.md')).toBe(false);
      expect(matcher.matches('# notes')).toBe(false);
      await rm(file);
      expect(matcher.negate().matches('notes.md')).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that is wrong is told with its line', () => {
    expect(() => FilePatternMatcher.fromText('*.md\n!\n', '.dockerignore')).toThrow('.dockerignore:2: "!"');
  });
});
