import { JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import {
  ConnectionError,
  GantryError,
  GantryTimeoutError,
  InternalFailure,
  RequestSizeError,
  ResourceExhaustedError,
} from '@gantry/protocol';

/** Error numbers of the JetStream API that decide what happens next. */
export const JETSTREAM_ERRORS = {
  streamNotFound: 10059,
  consumerNotFound: 10014,
  consumerExists: 10148,
  temporarilyUnavailable: 10008,
  insufficientStorage: 10047,
  insufficientResources: 10023,
  storeFailed: 10077,
  wrongLastSequence: 10071,
  /** Another message with the same id, or for the same subject, is being stored at this moment. */
  duplicateInFlight: 10158,
  conflictInFlight: 10164,
} as const;

/** True if JetStream refused a request with this error number. */
export function isJetStreamError(error: unknown, ...errorCodes: number[]): boolean {
  return error instanceof JetStreamApiError && errorCodes.includes(error.code);
}

/** Turns what the NATS client throws into an error that callers can meet; `what` names the request. */
export function translateError(error: unknown, what: string): GantryError {
  if (error instanceof GantryError) return error;
  if (error instanceof errors.TimeoutError || causeOf(error) instanceof errors.TimeoutError) {
    return new GantryTimeoutError(`${what}: no answer in time`, {
      cause: error,
      hint: 'Check that nats-server and the process that should answer are running.',
    });
  }
  if (error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError) {
    return new ConnectionError(`${what}: the connection to NATS is closed`, { cause: error });
  }
  if (isNoResponders(error)) {
    return new InternalFailure(`${what}: nobody answers`, {
      cause: error,
      hint: 'Check that nats-server runs with JetStream and that the addressed process is alive.',
    });
  }
  if (error instanceof errors.InvalidArgumentError && error.message.includes('max_payload')) {
    return new RequestSizeError(`${what}: the message is larger than NATS accepts`, {
      cause: error,
      hint: 'Send large values through the blob store.',
    });
  }
  if (error instanceof JetStreamApiError) return fromJetStream(error.code, error.message, what);
  return new InternalFailure(`${what}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

/** The error for a refusal of JetStream, by its error number. */
export function fromJetStream(errorCode: number, description: string, what: string): GantryError {
  const full: number[] = [
    JETSTREAM_ERRORS.insufficientStorage,
    JETSTREAM_ERRORS.insufficientResources,
    JETSTREAM_ERRORS.storeFailed,
  ];
  if (full.includes(errorCode)) {
    return new ResourceExhaustedError(`${what}: ${description}`, {
      hint: 'Wait until waiting work has been done, or give nats-server more storage.',
      details: { retryAfterMs: 1_000 },
    });
  }
  return new InternalFailure(`${what}: ${description}`, { details: { jetStreamErrorCode: errorCode } });
}

function isNoResponders(error: unknown): boolean {
  if (error instanceof errors.NoRespondersError) return true;
  return error instanceof errors.RequestError && error.isNoResponders();
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
