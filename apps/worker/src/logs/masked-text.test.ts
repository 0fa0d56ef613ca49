import { SecretMask } from '@gantry/secrets';
import { describe, expect, it } from 'vitest';

import { MaskedText } from './masked-text.ts';

const stdout = { stream: 'stdout', inputId: undefined } as const;

function maskedText(): MaskedText {
  const text = new MaskedText();
  text.use(new SecretMask({ PASSWORD: 'correct-horse' }));
  return text;
}

describe('text with secrets', () => {
  it('shows no value that comes in pieces, however small', () => {
    const text = maskedText();
    const shown = [...'it is correct-horse!\n'].map((piece) => text.add(stdout, piece)).join('');
    expect(shown).toBe('it is ***!\n');
  });

  it('is not held back when what looked like a value goes on otherwise', () => {
    const text = maskedText();
    expect(text.add(stdout, 'all is corr')).toBe('all is ');
    expect(text.add(stdout, 'upt\n')).toBe('corrupt\n');
  });

  it('is put together for each writer by itself', () => {
    const text = maskedText();
    const stderr = { stream: 'stderr', inputId: 'in-1' } as const;
    expect(text.add(stdout, 'correct-')).toBe('');
    expect(text.add(stderr, 'horse\n')).toBe('horse\n');
    expect(text.add(stdout, 'horse\n')).toBe('***\n');
  });

  it('shows no large part of a value at its end either', () => {
    const text = maskedText();
    text.add(stdout, 'it is correct-ho');
    expect(text.end()).toEqual([{ key: stdout, text: '***' }]);
    expect(text.end()).toEqual([]);
  });
});
