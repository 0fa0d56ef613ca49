import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';

/** Runs a program to its end; resolves to what it printed. */
export async function run(program: string, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(input);
  // A program that does not read its input is no failure by itself.
  child.stdin.on('error', () => undefined);
  const [printed, complaints] = await Promise.all([
    buffer(child.stdout),
    text(child.stderr),
    child.exitCode ?? once(child, 'exit'),
  ]);
  if (child.exitCode === 0) return printed;
  throw new Error(
    `${program} ended with ${child.exitCode ?? child.signalCode}: ${complaints.trim().slice(-500)}`,
  );
}
