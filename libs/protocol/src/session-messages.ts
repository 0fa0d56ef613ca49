import type { WireError } from './errors.ts';
import type { PullMessage, StreamEnd, ValuesMessage } from './generator-messages.ts';
import type { Outcome, Payload } from './payload.ts';
import type { AutoscalerSettings } from './autoscaler.ts';
import type { CollectionOperation } from './collections.ts';
import type { ClassParameters } from './pool.ts';
import type { PoolOptions } from './pool-options.ts';

// What a client and a server say over a WebSocket (`/v1/session`), and, word for word, what user code in a
// container says to its worker. One binary WebSocket message is one frame: an array of messages, so that
// what is sent together travels together.
//
// Invariants
//   M1. An input is durable once `accepted` arrived for it; before that the client sends it again after a
//       reconnect. Ids make the repetition harmless.
//   M2. Every accepted input is answered by exactly one `output` per session that awaits its call. Clients
//       ignore outputs of inputs they no longer wait for.
//   M3. The server keeps nothing about a session that a client cannot rebuild: after a reconnect it sends
//       `await` for each call that is still open.

/** Client to server. */
export type ClientMessage =
  | SubmitMessage
  | AwaitMessage
  | PullMessage
  /** No more outputs of this call, please. */
  | { type: 'forget'; callId: string }
  | { type: 'cancel'; requestId: number; callId: string; terminateContainers?: boolean | undefined }
  /** The `answer` carries the call's graph: an array of `InputInfo`. */
  | { type: 'callGraph'; requestId: number; callId: string }
  /** Changes live settings of a function, or of the pool with these parameters and options. */
  | ({ type: 'autoscale'; requestId: number; settings: AutoscalerSettings } & PoolName)
  /** Answered with `FunctionStats`. */
  | ({ type: 'stats'; requestId: number } & PoolName)
  /** Something done with a dict or queue. Answered with what the operation says. */
  | { type: 'collection'; requestId: number; operation: CollectionOperation }
  /** This session keeps the ephemeral app, dict or queue of this id alive. */
  | { type: 'hold'; appId: string }
  | { type: 'ping' };

/** Send the outputs of a call; `requestId` is answered when those that exist were sent, the others follow. */
export interface AwaitMessage {
  type: 'await';
  requestId: number;
  callId: string;
  /** Of these inputs, {@link LIMITS.mapInFlight} at most; of all if left out. What comes live may be of any. */
  indexes?: number[] | undefined;
}

/** Names a pool of a function; without parameters and options, the function with all its pools. */
export interface PoolName {
  functionId: string;
  parameters?: ClassParameters | undefined;
  options?: PoolOptions | undefined;
}

/** Inputs of one call. A call may be submitted in several messages, input by input as `map` pulls them. */
export interface SubmitMessage {
  type: 'submit';
  callId: string;
  functionId: string;
  method: string;
  /** Complete class parameters; undefined for functions and for classes without parameters. */
  parameters?: ClassParameters | undefined;
  /** Options that the caller replaces; undefined where it replaces none. */
  options?: PoolOptions | undefined;
  /** `spawn` inputs may pend a million deep, others 2,000 (limits differ, semantics do not). */
  kind: 'remote' | 'map' | 'spawn' | 'generator';
  parentInputId?: string | undefined;
  inputs: SubmittedInput[];
}

export interface SubmittedInput {
  inputId: string;
  index: number;
  args: Payload;
}

/** Server to client. */
export type ServerMessage =
  /** First message of every session. `sessionKey` is the one the client named when it connected. */
  | { type: 'welcome'; serverId: string; serverVersion: string; workspace: string }
  /** These inputs are on disk. */
  | { type: 'accepted'; inputIds: string[] }
  | { type: 'rejected'; inputIds: string[]; error: WireError }
  | {
      type: 'output';
      callId: string;
      inputId: string;
      index: number;
      outcome: Outcome;
      /** Set for the input of a generator. */
      stream?: StreamEnd | undefined;
    }
  | ValuesMessage
  /** The answer to a request that has a `requestId`: done, or failed with `error`. */
  | { type: 'answer'; requestId: number; error?: WireError | undefined; value?: unknown }
  | { type: 'pong' };
