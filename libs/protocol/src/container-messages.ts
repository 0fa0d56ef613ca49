import type { WireError } from './errors.ts';
import type { ClusterInfo } from './gang.ts';
import type { FunctionSpec } from './manifest.ts';
import type { Outcome } from './payload.ts';
import type { ClassParameters } from './pool.ts';
import type { ClientMessage, ServerMessage } from './session-messages.ts';
import type { TunnelAddress } from './tunnel.ts';

// What a worker and the runner in one of its containers say, over file descriptor 3 of the runner: frames of
// a 4-byte big-endian length and a CBOR array of messages, some of them as lists (see `packed-messages`). The worker started
// the process at the other end, so it knows who speaks; nothing here carries a credential.
//
// Invariants
//   R1. The runner says `hello` once, as soon as it runs. It is then warm and belongs to nobody.
//   R2. The worker says `load` at most once. The runner answers `ready` after module load and all `@enter`
//       hooks, or `loadFailed` and exits.
//   R3. Inputs come only after `ready`, never more at once than `maxInputs` (batches, if they come in batches);
//       each is answered by one `output`.
//   R4. After `stop` no input comes any more. The runner finishes what it has, runs `@exit` hooks, exits 0.
//   R5. After `preempt` no input comes either. The code is interrupted: what does not end with a value is run
//       again elsewhere. The runner runs `@exit` hooks and exits 0, within the grace.
//   R6. `identity` comes before `load`, and again long before its token expires.
//   R7. If the file descriptor closes, the runner exits at once: its worker is gone.

/** The first argument of a runner that is started ahead of need: it has time to load what some functions need. */
export const STARTED_AHEAD_FLAG = '--started-ahead';

/** The first argument of a runner that compiles the module named next, runs nothing of it, and ends. */
export const COMPILE_FLAG = '--compile';

/** Worker to runner. */
export type WorkerToRunner =
  | LoadMessage
  | RunMessage
  | RunBatchMessage
  | IdentityMessage
  /** Abort this input: its `AbortSignal` fires. */
  | { type: 'abort'; inputId: string; reason: 'cancelled' | 'timeout' }
  /** A consumer has taken this many values of a generator. */
  | { type: 'credit'; inputId: string; taken: number }
  /** Finish what runs, then exit hooks, then end. */
  | { type: 'stop'; graceMs: number }
  /** Interrupt what runs, then exit hooks, then end, all within the grace. */
  | { type: 'preempt'; graceMs: number }
  /** Answers to `api`. */
  | { type: 'api'; message: ServerMessage }
  /** Answer to `lookup`; `record` is a `FunctionLookup` (see http-api) or undefined with `error`. */
  | { type: 'lookedUp'; requestId: number; record?: unknown; error?: unknown }
  /** Answer to `volume`. */
  | { type: 'volumeDone'; requestId: number; error?: WireError | undefined }
  /** Answer to `table`: where the container finds it, if there can be one. */
  | { type: 'tableAnswer'; requestId: number; value?: string | undefined }
  /** Answer to `openTunnel`; to `closeTunnel`, nothing. */
  | {
      type: 'tunnelAnswer';
      requestId: number;
      value?: TunnelAddress | undefined;
      error?: WireError | undefined;
    }
  /** Answer to `object`. */
  | { type: 'objectAnswer'; requestId: number; value?: unknown; error?: WireError | undefined };

export interface LoadMessage {
  type: 'load';
  containerId: string;
  appId: string;
  functionId: string;
  environment: string;
  /** Absolute path of the bundle's entry module. */
  bundlePath: string;
  spec: FunctionSpec;
  parameters: ClassParameters;
  env: Record<string, string>;
  /** Where the runner listens for HTTP, if the function has endpoints. */
  httpSocketPath: string;
  maxInputs: number;
  urls: Record<string, string>;
  /** Its code may ask for the terminal of whoever runs the app. */
  interactive?: boolean | undefined;
  /** Set in containers of clustered functions. */
  cluster?: ClusterInfo | undefined;
}

/** With which the container proves to others who it is: see {@link IDENTITY_VARIABLES}. */
export interface IdentityMessage {
  type: 'identity';
  /** A JWT. */
  token: string;
  /** Where it is to be found as a file. */
  path: string;
}

export interface RunMessage {
  type: 'run';
  inputId: string;
  callId: string;
  method: string;
  args: Uint8Array;
  attempt: number;
  /** Iterate over what the method returns, and send each value as a `value` before the `output`. */
  stream?: true | undefined;
}

/** Several inputs for one run of a method that takes lists. `abort` names members; see the runner's batches. */
export interface RunBatchMessage {
  type: 'runBatch';
  method: string;
  /** Lists that the method takes, also where every caller left the argument out. */
  lists: number;
  inputs: Omit<RunMessage, 'type' | 'method'>[];
}

/** Runner to worker. */
export type RunnerToWorker =
  | { type: 'hello'; pid: number }
  | { type: 'ready' }
  /** `error` is an encoded `ContainerError` whose cause is what the code threw. */
  | { type: 'loadFailed'; error: Uint8Array; message: string; stack?: string | undefined }
  /** Code that belongs to no input threw: the process ends. */
  | { type: 'crashed'; message: string }
  | { type: 'output'; inputId: string; outcome: Outcome; startedAtMs: number; finishedAtMs: number }
  /** What a generator yielded, counted from 0. */
  | { type: 'value'; inputId: string; seq: number; value: Uint8Array }
  /** How many web requests run now; sent on change. */
  | { type: 'web'; running: number }
  | { type: 'log'; stream: 'stdout' | 'stderr'; text: string; inputId?: string | undefined }
  /** No more inputs, please: the container ends after those it has. */
  | { type: 'stopFetching' }
  /** The code wants to see its container preempted. */
  | { type: 'requestPreemption' }
  /** The code of an input asks for the terminal of whoever runs the app. See `LogEntry.terminalTaker`. */
  | { type: 'interact'; inputId: string; taker: string[] }
  /** Sent every second while the event loop turns. */
  | { type: 'heartbeat' }
  /** A call that user code makes: the same messages a client sends a server. */
  | { type: 'api'; message: ClientMessage }
  | { type: 'lookup'; requestId: number; environment?: string | undefined; app: string; name: string }
  /** A request of the code about objects of the platform. */
  | { type: 'object'; requestId: number; request: ObjectRequest }
  /** The code reads this dict: its table (see `dict-table`) should be here. Asked again, it stays. */
  | { type: 'table'; requestId: number; dictId: string }
  /** The runner lets connections to this tunnel through: make it reachable. */
  | { type: 'openTunnel'; requestId: number; tunnelId: number; unencrypted: boolean; http2: boolean }
  | { type: 'closeTunnel'; requestId: number; tunnelId: number }
  /** What the code wants of a volume that this container has. */
  | {
      type: 'volume';
      requestId: number;
      act: 'commit' | 'reload';
      name: string;
      environment?: string | undefined;
    };

/** Requests about objects, by the paths of the server's API. A stream is read part by part, and closed by its reader. */
export type ObjectRequest =
  /** Answered by a value. */
  | { type: 'json'; method: 'GET' | 'PUT' | 'POST' | 'DELETE'; path: string; body?: unknown }
  /** Answered by the number of the stream. */
  | { type: 'open'; path: string }
  /** Answered by bytes; by nothing at the end. */
  | { type: 'next'; stream: number }
  | { type: 'close'; stream: number };
