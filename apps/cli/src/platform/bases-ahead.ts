import { setTimeout as delay } from 'node:timers/promises';

import { isGantryError } from '@gantry/protocol';

import { toDuration } from '../terminal/units.ts';
import type { RunningPlatform } from './start-platform.ts';

/** What is done right after the start comes first. */
const CALM_MS = 10_000;
const BEGINNING = 'the Debian and the Node that images begin with';

export interface BasesAheadOptions {
  /** Ends it. */
  signal: AbortSignal;
  /** Told in a line when something was made, or could not be. */
  note(line: string): void;
  /** @defaultValue 10 s */
  calmMs?: number | undefined;
}

/**
 * Makes what images begin with while the platform runs, so that the first build need not. Resolves when that is done,
 * and never rejects: a build that needs it says what is wrong.
 */
export async function makeBasesAhead(
  platform: Pick<RunningPlatform, 'makeBasesAhead'>,
  { signal, note, calmMs = CALM_MS }: BasesAheadOptions,
): Promise<void> {
  try {
    await delay(calmMs, undefined, { signal });
    const startedAtMs = performance.now();
    if (!(await platform.makeBasesAhead(signal))) return;
    note(`Made ${BEGINNING}, once for this machine, in ${toDuration(performance.now() - startedAtMs)}.`);
  } catch (error) {
    if (signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    note(`Could not make ${BEGINNING} ahead: ${reason}.`);
    if (isGantryError(error) && error.hint) note(error.hint);
  }
}
