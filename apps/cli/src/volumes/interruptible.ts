import type { CommandContext } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { stopSignal } from '../stop-signal.ts';

/** Runs what fetches files; Ctrl-C lets it take away what is half written. */
export async function interruptible(
  { terminal }: Pick<CommandContext, 'terminal'>,
  fetch: (signal: AbortSignal) => Promise<void>,
): Promise<number | void> {
  const stop = stopSignal();
  try {
    await fetch(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    terminal.note('Interrupted. The files that are there are whole.');
    return EXIT_CODES.interrupted;
  } finally {
    stop.release();
  }
}
