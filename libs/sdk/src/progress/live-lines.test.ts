import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LiveLines, type LineStream } from './live-lines.ts';
import { setScreenOwner } from './screen.ts';

const OWNER = Symbol.for('gantry.screenOwner');

/** A terminal as far as these lines need one: what is on the screen, line by line. */
class Screen {
  readonly rows = [''];
  /** All that was written. */
  written = '';

  write(text: string): void {
    this.written += text;
    // eslint-disable-next-line no-control-regex -- the escape character is what is looked for
    for (const [part] of text.matchAll(/\u001b\[\d*[A-Zm]|\n|[^\u001b\n]+/g)) this.#take(part);
  }

  stream(more: Partial<LineStream> = {}): LineStream {
    return { write: (chunk) => (this.write(String(chunk)), true), isTTY: true, columns: 40, ...more };
  }

  #take(part: string): void {
    const last = this.rows.length - 1;
    if (part === '\n') this.rows.push('');
    // The cursor is always in the last row: up means that this one, which is empty, is no more.
    else if (part === '\u001b[1A') this.rows.pop();
    else if (part === '\u001b[2K') this.rows[last] = '';
    else if (!part.startsWith('\u001b')) this.rows[last] += part;
  }
}

let screen: Screen;
beforeEach(() => {
  vi.useFakeTimers();
  screen = new Screen();
});
afterEach(() => {
  vi.useRealTimers();
  Reflect.deleteProperty(globalThis, OWNER);
});

function open(streams: { stdout?: LineStream; stderr?: LineStream } = {}) {
  const { stdout = screen.stream(), stderr = screen.stream() } = streams;
  return { stdout, stderr, lines: new LiveLines({ stdout, stderr, env: {} }) };
}

const afterDraw = () => vi.advanceTimersByTimeAsync(100);

describe('live lines', () => {
  it('change in their places, and are gone at the end', async () => {
    const { lines } = open();
    let count = 1;
    const removeFirst = lines.add(() => `first ${count}`);
    const removeSecond = lines.add(() => `second ${count}`);
    await afterDraw();
    expect(screen.rows).toEqual(['first 1', 'second 1', '']);

    count = 2;
    await afterDraw();
    expect(screen.rows).toEqual(['first 2', 'second 2', '']);

    removeFirst();
    await afterDraw();
    expect(screen.rows).toEqual(['second 2', '']);
    removeSecond();
    expect(screen.rows).toEqual(['']);
  });

  it('stay below what is printed, on either stream, and in the middle of no line', async () => {
    const { lines, stdout, stderr } = open();
    const remove = lines.add(() => 'live');
    await afterDraw();

    stdout.write('a result\n');
    stderr.write(Buffer.from('a note\n'));
    expect(screen.rows).toEqual(['a result', 'a note', '']);
    await afterDraw();
    expect(screen.rows).toEqual(['a result', 'a note', 'live', '']);

    stdout.write('half a ');
    await afterDraw();
    expect(screen.rows).toEqual(['a result', 'a note', 'half a ']);
    stdout.write('line\n');
    await afterDraw();
    expect(screen.rows).toEqual(['a result', 'a note', 'half a line', 'live', '']);
    remove();
    expect(screen.rows).toEqual(['a result', 'a note', 'half a line', '']);
  });

  it('leave a result that goes elsewhere as it is, and streams as they were', async () => {
    const file = new Screen();
    const { lines, stdout, stderr } = open({ stdout: file.stream({ isTTY: false }) });
    const before = [stdout.write, stderr.write];
    const remove = lines.add(() => 'live');
    await afterDraw();
    stdout.write('a result\n');
    remove();

    expect(file.written).toBe('a result\n');
    expect([stdout.write, stderr.write]).toEqual(before);
  });

  it('are cut where they would wrap, and are not there while they have nothing to say', async () => {
    const { lines } = open();
    let text: string | undefined = 'x'.repeat(50);
    lines.add(() => text);
    await afterDraw();
    expect(screen.rows).toEqual(['x'.repeat(39), '']);
    text = undefined;
    await afterDraw();
    expect(screen.rows).toEqual(['']);
  });

  it('are possible only on a terminal that can move its cursor', () => {
    const options = (stderr: LineStream, env = {}) => ({ stdout: screen.stream(), stderr, env });
    expect(new LiveLines(options(screen.stream())).isPossible).toBe(true);
    expect(new LiveLines(options(screen.stream({ isTTY: undefined }))).isPossible).toBe(false);
    expect(new LiveLines(options(screen.stream(), { TERM: 'dumb' })).isPossible).toBe(false);
  });

  it('wait until the owner of the screen lends it, and give it back', async () => {
    let lend = (): void => undefined;
    const giveBack = vi.fn();
    setScreenOwner({ lend: () => new Promise((resolve) => (lend = resolve)), giveBack });
    const { lines } = open();
    const remove = lines.add(() => 'live');
    await afterDraw();
    expect(screen.rows).toEqual(['']);

    lend();
    await afterDraw();
    expect(screen.rows).toEqual(['live', '']);
    expect(giveBack).not.toHaveBeenCalled();
    remove();
    expect(giveBack).toHaveBeenCalledOnce();

    lines.add(() => 'brief')();
    lend();
    await afterDraw();
    expect(screen.rows).toEqual(['']);
    expect(giveBack).toHaveBeenCalledTimes(2);
  });
});
