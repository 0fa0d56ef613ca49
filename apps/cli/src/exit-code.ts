import { GantryError } from '@gantry/protocol';

import { UsageError } from './usage-error.ts';

/** What programs that start `gantry` can rely on. */
export const EXIT_CODES = {
  ok: 0,
  /** The caller, or the user's code, must act. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** The platform failed or cannot be reached. */
  platform: 70,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT_CODES.usage;
  if (error instanceof GantryError && error.blame !== 'platform') return EXIT_CODES.failed;
  return EXIT_CODES.platform;
}
