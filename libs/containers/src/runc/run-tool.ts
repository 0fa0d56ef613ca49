import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { ContainerError } from '@gantry/protocol';

/**
 * Runs a program of the system, with text on its standard input.
 *
 * @throws ContainerError with what the program said, if it cannot be started or fails.
 */
export async function runTool(program: string, args: readonly string[], input = ''): Promise<void> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  // It may end without having read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const [said, result] = await Promise.allSettled([text(child.stderr), ended]);
  if (result.status === 'fulfilled' && result.value[0] === 0) return;
  const cause = result.status === 'rejected' ? (result.reason as Error) : undefined;
  const reason = cause?.message ?? (said.status === 'fulfilled' ? said.value.trim() : '');
  // What a script says is no part of its name.
  const words = [program, ...args].map((word) => (word.includes('\n') ? '…' : word));
  throw new ContainerError(`"${words.join(' ')}" failed: ${reason}`, { cause });
}
