import { createHash } from 'node:crypto';

import { SCHEDULE_SESSION_KEY, timeChars } from '@gantry/protocol';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const CALL_CHARS = 8;
const INPUT_CHARS = 14;

/** The ids of one scheduled call. */
export interface CallIds {
  callId: string;
  inputId: string;
}

/** The ids of a tick's call: the same for every server that works them out, so that it is made once. */
export function tickIds(functionId: string, tickMs: number): CallIds {
  const hash = createHash('sha256').update(`${functionId}/${tickMs}`).digest();
  const chars = Array.from(hash, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
  const time = timeChars(tickMs);
  return {
    callId: `fc-${time}${chars.slice(0, CALL_CHARS)}${SCHEDULE_SESSION_KEY}`,
    inputId: `in-${time}${chars.slice(CALL_CHARS, CALL_CHARS + INPUT_CHARS)}`,
  };
}
