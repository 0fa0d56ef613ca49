import { describe, expect, test } from 'vitest';

import { createTerminal } from './terminal.ts';

function capture(options: { isTTY: boolean; columns?: number }) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    ...options,
    write: (text: string) => (written[name] += text),
  });
  const terminal = createTerminal({ stdout: stream('stdout'), stderr: stream('stderr'), env: {} });
  return { written, terminal };
}

describe('createTerminal', () => {
  test('keeps results and notes apart', () => {
    const { written, terminal } = capture({ isTTY: false });

    terminal.out('result');
    terminal.note('note');

    expect(written).toEqual({ stdout: 'result\n', stderr: 'note\n' });
  });

  test('shows progress to people only', () => {
    const { written, terminal } = capture({ isTTY: false });

    terminal.progress('Building…');

    expect(written.stderr).toBe('');
  });

  test('cuts progress to one line of the terminal, as a longer one could not be replaced', () => {
    const { written, terminal } = capture({ isTTY: true, columns: 8 });

    terminal.progress('Building the image');

    expect(written.stderr).toBe('\u001b[2mBuildin\u001b[22m');
  });

  test('replaces progress by what comes next', () => {
    const { written, terminal } = capture({ isTTY: true });

    terminal.progress('Building…');
    terminal.note('done');
    terminal.note('more');

    expect(written.stderr).toBe('\u001b[2mBuilding…\u001b[22m\r\u001b[2Kdone\nmore\n');
  });
});
