import type { WireError } from '@gantry/protocol';

/** Where a process of this machine answers, and what only those know who may ask. */
export interface NearAddress {
  /** Of a socket that is no file. */
  name: string;
  secret: Uint8Array;
}

export type NearQuestion =
  /** The first one. */
  { secret: Uint8Array } | { id: number; message: unknown } | { ping: number };

export type NearAnswer = { id: number; value: unknown } | { id: number; error: WireError } | { pong: number };
