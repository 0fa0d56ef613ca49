import type { WireError } from './errors.ts';

// A program in a container, and the client in front of it. The client opens a WebSocket at
// `/v1/containers/:id/exec`, or `/v1/functions/:id/shell` for a container of its own, and sends an `ExecRequest`.
// From then on client and worker talk; the server passes their frames on without reading them.
//
// Invariants
//   E1. Each side numbers its frames from 0. A gap means that some were lost, and ends the program.
//   E2. Neither side sends more than EXEC_WINDOW_BYTES that the other has not said to have taken.
//   E3. Each side says something every EXEC_ALIVE_MS. One that is silent for EXEC_SILENCE_MS is gone.
//   E4. `exited` or `failed` is the last message of the worker, and comes after all output.
//   E5. The program does not outlive its client.

export const EXEC_WINDOW_BYTES = 1024 * 1024;
export const EXEC_ALIVE_MS = 5_000;
export const EXEC_SILENCE_MS = 15_000;
/** The largest piece of input or output in one frame. */
export const EXEC_MOST_CHUNK_BYTES = 64 * 1024;

/** What to run in a container. */
export interface ExecRequest {
  /** The program and its arguments. */
  command: string[];
  /** @defaultValue nothing beside the environment of the container */
  env?: Record<string, string> | undefined;
  /** @defaultValue that of the container */
  workdir?: string | undefined;
  /** Run it in a terminal of this size. @defaultValue pipes */
  terminal?: { columns: number; rows: number; term?: string | undefined } | undefined;
}

/** Client to worker. */
export type ExecInput =
  | { type: 'stdin'; data: Uint8Array }
  | { type: 'stdinEnd' }
  | { type: 'resize'; columns: number; rows: number }
  | { type: 'signal'; name: string }
  /** How many bytes of output the client has taken in all. */
  | { type: 'taken'; bytes: number }
  | { type: 'alive' };

/** Worker to client. */
export type ExecOutput =
  | { type: 'started' }
  /** In a terminal, everything is `stdout`. */
  | { type: 'output'; stream: 'stdout' | 'stderr'; data: Uint8Array }
  /** How many bytes of input the program has taken in all. */
  | { type: 'taken'; bytes: number }
  | { type: 'exited'; code: number | null; signal: string | null; containerEnded: boolean }
  | { type: 'failed'; error: WireError }
  | { type: 'alive' };

export interface ExecFrame<TMessage> {
  seq: number;
  message: TMessage;
}

/** Server to worker, by `subjects.execInput`. */
export type ExecInputRelay = { frame: Uint8Array } | { hangup: true };

/** Worker to server, by `subjects.execOutput`. */
export interface ExecOutputRelay {
  frame: Uint8Array;
  last: boolean;
}
