import { describe, expect, it } from 'vitest';

import { dockerfileOn } from './dockerfile.ts';
import { applyConfig } from './image-config.ts';
import { readReference } from './image-reference.ts';
import { quote } from './shell-words.ts';

describe('what an image says about processes', () => {
  const config = { env: { A: '1' }, workdir: '/srv', entrypoint: ['/start'], cmd: ['x'] };

  it('grows by variables, and the last value counts', () => {
    expect(applyConfig(config, { type: 'env', variables: { A: '2', B: '3' } }).env).toEqual({
      A: '2',
      B: '3',
    });
  });

  it.each([
    ['/abs/./x/', '/abs/x'],
    ['sub', '/srv/sub'],
    ['../other', '/other'],
    ['../../..', '/'],
  ])('has the folder "%s" relative to the one before: %s', (path, expected) => {
    expect(applyConfig(config, { type: 'workdir', path }).workdir).toBe(expected);
  });

  it('loses the command with a new entrypoint, and the entrypoint with an empty one', () => {
    const other = applyConfig(config, { type: 'entrypoint', words: ['/other'] });
    expect([other.entrypoint, other.cmd]).toEqual([['/other'], undefined]);
    expect(applyConfig(config, { type: 'entrypoint', words: [] }).entrypoint).toBeUndefined();
  });
});

describe('a Dockerfile that goes on from an image', () => {
  it('begins with what the image says, so that no value is read as a variable', () => {
    const { text } = dockerfileOn(
      'base:1',
      { env: { A: 'say "$HOME\\n"' }, shell: ['/bin/bash', '-c'] },
      'RUN x',
    );
    expect(text).toBe(
      'FROM base:1\nUSER root\nENV A="say \\"\\$HOME\\\\n\\""\nSHELL ["/bin/bash","-c"]\nRUN x\n',
    );
  });

  it('has values of several lines as arguments', () => {
    const { text, args } = dockerfileOn('base:1', { env: { KEY: 'a\nb' } }, 'RUN x');
    expect(text).toBe('FROM base:1\nUSER root\nARG gantry_KEY\nENV KEY="$gantry_KEY"\nRUN x\n');
    expect(args).toEqual({ gantry_KEY: 'a\nb' });
  });
});

describe('a reference to an image of a registry', () => {
  it.each([
    ['node', 'docker.io/library/node:latest', false],
    ['node:22-slim', 'docker.io/library/node:22-slim', false],
    ['owner/name', 'docker.io/owner/name:latest', false],
    ['ghcr.io/owner/name:v1', 'ghcr.io/owner/name:v1', false],
    ['localhost:5000/a/b:1', 'localhost:5000/a/b:1', true],
    ['127.0.0.1:5000/a', '127.0.0.1:5000/a:latest', true],
    [`ghcr.io/a/b@sha256:${'0'.repeat(64)}`, `ghcr.io/a/b@sha256:${'0'.repeat(64)}`, false],
  ])('"%s" is %s', (text, full, isLoopback) => {
    expect(readReference(text)).toMatchObject({ full, isLoopback });
  });

  it.each(['', 'Node', '--all', 'a b', 'http://x/y', 'x/../y', 'ghcr.io/'])('cannot be "%s"', (text) => {
    expect(() => readReference(text)).toThrow('is no image of a registry');
  });
});

describe('a word for the shell', () => {
  it.each([
    ['numpy>=1.2', "'numpy>=1.2'"],
    ['@scope/name@1.0', '@scope/name@1.0'],
    ["it's", "'it'\\''s'"],
    ['~root', "'~root'"],
    ['$(x)', "'$(x)'"],
    ['', "''"],
  ])('%s becomes %s', (text, word) => {
    expect(quote(text)).toBe(word);
  });
});
