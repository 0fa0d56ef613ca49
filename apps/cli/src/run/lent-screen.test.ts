import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';

import { expect, test } from 'vitest';

import { createTerminal } from '../terminal/terminal.ts';
import { LentScreen } from './lent-screen.ts';
import type { ToRunChild } from './run-request.ts';

/** A child that has been told things; what it prints is on the same screen. */
class FakeChild extends EventEmitter {
  readonly told: ToRunChild[] = [];

  send(message: ToRunChild): boolean {
    this.told.push(message);
    return true;
  }

  says(type: 'borrow' | 'giveBack' | 'printed'): void {
    this.emit('message', { type });
  }
}

function lent() {
  const written: string[] = [];
  const stream = { write: (text: string) => void written.push(text) };
  const screen = new LentScreen(createTerminal({ stdout: stream, stderr: stream, env: {} }));
  const child = new FakeChild();
  screen.attach(child as unknown as ChildProcess);
  return { terminal: screen.terminal, child, written };
}

test('who has the screen prints what is to be printed there', () => {
  const { terminal, child, written } = lent();
  terminal.note('before');
  child.says('borrow');
  expect(child.told).toEqual([{ type: 'lent' }]);
  terminal.raw('stdout', 'a result\n');
  terminal.note('a note');
  terminal.out('a line');
  expect(child.told.slice(1)).toEqual([
    { type: 'print', stream: 'stdout', text: 'a result\n' },
    { type: 'print', stream: 'stderr', text: 'a note\n' },
    { type: 'print', stream: 'stdout', text: 'a line\n' },
  ]);
  expect(written).toEqual(['before\n']);
});

test('a screen that is given back stays with the child until all it was given is printed', () => {
  const { terminal, child, written } = lent();
  child.says('borrow');
  terminal.note('first');
  child.says('giveBack');
  terminal.note('second');
  child.says('printed');
  terminal.note('third');
  expect(child.told).toHaveLength(4);
  child.says('printed');
  child.says('printed');
  terminal.note('last');
  expect(written).toEqual(['last\n']);
});

test('what a child that has ended did not print is printed here', () => {
  const { terminal, child, written } = lent();
  child.says('borrow');
  for (const text of ['first', 'second', 'third']) terminal.note(text);
  child.says('printed');
  child.emit('disconnect');
  terminal.note('last');
  expect(written).toEqual(['second\n', 'third\n', 'last\n']);
});
