import type { WireError } from './errors.ts';
import type { StreamEnd } from './generator-messages.ts';

/**
 * An encoded value (see `encodeValue`): inline up to {@link LIMITS.inlinePayloadBytes}, else in the blob
 * store, by the name of a value. Containers only ever see the inline form: their worker fetches and stores for them.
 */
export type Payload = Uint8Array | { blob: string; sizeBytes: number };

/** How one input ended. */
export type Outcome =
  | { type: 'value'; value: Payload }
  /** The user's code threw: `error` is the encoded Error object, `stack` its remote stack as text. */
  | { type: 'error'; error: Payload; stack?: string | undefined }
  /** The platform ended the input: timeout, cancellation, lost container, limits. */
  | { type: 'failure'; failure: WireError };

/** One input of a call on its way to a container; the body of a message on the inputs stream. */
export interface InputMessage {
  inputId: string;
  callId: string;
  /** Position within its call, from 0; names the output's subject. */
  index: number;
  functionId: string;
  /** Empty for a free function. */
  method: string;
  /** Encoded argument array. */
  args: Payload;
  /** 0 for the first try; user retries count up, lost containers do not. */
  attempt: number;
  /** Not before this instant (a retry's delay). */
  notBeforeMs?: number | undefined;
  /** The input whose code made this call, for call graphs. */
  parentInputId?: string | undefined;
  /** Its code is a generator, whose values travel one by one (see `generator-messages`). */
  stream?: true | undefined;
}

/** The result of one input; the body of a message on the outputs stream. */
export interface OutputMessage {
  inputId: string;
  callId: string;
  index: number;
  outcome: Outcome;
  attempt: number;
  startedAtMs: number;
  finishedAtMs: number;
  containerId: string;
  /** Function and method of the input, for call graphs: the input itself is gone by then. */
  functionId?: string | undefined;
  method?: string | undefined;
  /** Set for the input of a generator. */
  stream?: StreamEnd | undefined;
}
