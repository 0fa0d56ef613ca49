import { PassThrough } from 'node:stream';

import { describe, expect, test } from 'vitest';

import { UsageError } from '../usage-error.ts';
import { createPrompt } from './prompt.ts';

/** `answers` are typed when their question is shown, `typed` at once. */
function setUp(isTTY: boolean, typed: string, answers: Record<string, string> = {}) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = new PassThrough();
  const shown = { text: '' };
  output.on('data', (chunk: Buffer) => {
    shown.text += chunk.toString();
    const answer = answers[chunk.toString()];
    if (answer !== undefined) input.write(`${answer}\n`);
  });
  if (isTTY) input.write(typed);
  else input.end(typed);
  return { prompt: createPrompt({ input, output }), shown };
}

describe('a person at a terminal', () => {
  test('is asked, and does not see the secret again', async () => {
    const { prompt, shown } = setUp(true, '', {
      'Server URL: ': 'http://127.0.0.1:1',
      'Token: ': 'gt-secret',
    });

    expect(await prompt.ask('Server URL: ', '--server-url')).toBe('http://127.0.0.1:1');
    expect(await prompt.askSecretly('Token: ', undefined)).toBe('gt-secret');

    expect(shown.text).toContain('Server URL: ');
    expect(shown.text).toContain('Token: ');
    expect(shown.text).not.toContain('gt-secret');
    prompt[Symbol.dispose]();
  });
});

describe('a pipe', () => {
  test('gives a secret where "-" asks for one', async () => {
    const { prompt, shown } = setUp(false, 'gt-secret\n');

    expect(await prompt.askSecretly('Token: ', '-')).toBe('gt-secret');
    expect(shown.text).toBe('');
    prompt[Symbol.dispose]();
  });

  test('is not asked: what is missing is named', async () => {
    const { prompt } = setUp(false, '');

    await expect(prompt.ask('Server URL: ', '--server-url')).rejects.toThrow(UsageError);
    await expect(prompt.askSecretly('Token: ', undefined)).rejects.toThrow('--token is missing');
    await expect(prompt.askSecretly('Token: ', '-')).rejects.toThrow('--token is missing');
    prompt[Symbol.dispose]();
  });
});
