import type { ErrorCode } from './error-codes.ts';
import { GantryError, type GantryErrorOptions } from './gantry-error.ts';

/** The user did something invalid: a bad name, an option out of range, a wrong parameter. */
export class InvalidError extends GantryError {
  static override errorName = 'InvalidError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('INVALID_ARGUMENT', message, options);
  }
}

/** The requested app, function, class, call or blob does not exist. */
export class NotFoundError extends GantryError {
  static override errorName = 'NotFoundError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('NOT_FOUND', message, options);
  }
}

/** Credentials are missing or wrong. */
export class AuthError extends GantryError {
  static override errorName = 'AuthError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('UNAUTHENTICATED', message, options);
  }
}

/** The server cannot be reached. */
export class ConnectionError extends GantryError {
  static override errorName = 'ConnectionError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('CONNECTION_LOST', message, options);
  }
}

/** A closed client was used. */
export class ClientClosedError extends GantryError {
  static override errorName = 'ClientClosedError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('CLIENT_CLOSED', message, options);
  }
}

/** Something the platform did not expect happened while running the request. */
export class ExecutionError extends GantryError {
  static override errorName = 'ExecutionError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('INTERNAL', message, options);
  }
}

/** The user's code failed remotely with a value that is no error class known here. */
export class RemoteError extends GantryError {
  static override errorName = 'RemoteError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('FUNCTION_FAILED', message, options);
  }
}

/** The container died, or could not start, because of the code in it. */
export class ContainerError extends GantryError {
  static override errorName = 'ContainerError';
  constructor(message: string, options?: GantryErrorOptions, code: ErrorCode = 'CONTAINER_FAILED') {
    super(code, message, options);
  }
}

/** The code took more memory than its container has. */
export class OutOfMemoryError extends ContainerError {
  static override errorName = 'OutOfMemoryError';
  constructor(message: string, options?: GantryErrorOptions) {
    super(message, options, 'OUT_OF_MEMORY');
  }
}

/** The platform failed; the same request may succeed later. */
export class InternalFailure extends GantryError {
  static override errorName = 'InternalFailure';
  constructor(message: string, options?: GantryErrorOptions) {
    super('UNAVAILABLE', message, options);
  }
}

/** Too much is pending; wait and try again. */
export class ResourceExhaustedError extends GantryError {
  static override errorName = 'ResourceExhaustedError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('RESOURCE_EXHAUSTED', message, options);
  }
}

/** Arguments or a result above the size limit. */
export class RequestSizeError extends GantryError {
  static override errorName = 'RequestSizeError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('REQUEST_TOO_LARGE', message, options);
  }
}

/** A value could not be encoded. */
export class SerializationError extends GantryError {
  static override errorName = 'SerializationError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('SERIALIZATION_FAILED', message, options);
  }
}

/** A value could not be decoded. */
export class DeserializationError extends GantryError {
  static override errorName = 'DeserializationError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('DESERIALIZATION_FAILED', message, options);
  }
}

/** The input was cancelled before it finished. */
export class InputCancellation extends GantryError {
  static override errorName = 'InputCancellation';
  constructor(message: string, options?: GantryErrorOptions) {
    super('CANCELLED', message, options);
  }
}

/** Client and server speak different versions. */
export class VersionError extends GantryError {
  static override errorName = 'VersionError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('VERSION_MISMATCH', message, options);
  }
}

/** A build step found a mistake in the user's code; `details` carries `file` and `line`. */
export class BuildError extends GantryError {
  static override errorName = 'BuildError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('BUILD_FAILED', message, options);
  }
}

/** Base of everything that took too long. Named so as not to shadow other libraries' `TimeoutError`. */
export class GantryTimeoutError extends GantryError {
  static override errorName = 'GantryTimeoutError';
  constructor(message: string, options?: GantryErrorOptions, code: ErrorCode = 'TIMED_OUT') {
    super(code, message, options);
  }
}

/** The function ran longer than its `timeoutMs`. */
export class FunctionTimeoutError extends GantryTimeoutError {
  static override errorName = 'FunctionTimeoutError';
  constructor(message: string, options?: GantryErrorOptions) {
    super(message, options, 'FUNCTION_TIMED_OUT');
  }
}

/** An upload to a volume took longer than its `timeoutMs`: nothing of it is there. */
export class VolumeUploadTimeoutError extends GantryTimeoutError {
  static override errorName = 'VolumeUploadTimeoutError';
}

/** Nobody lent a terminal to code that asked for it. */
export class InteractiveTimeoutError extends GantryTimeoutError {
  static override errorName = 'InteractiveTimeoutError';
}

/** The result existed and is older than its retention of 7 days. */
export class OutputExpiredError extends GantryTimeoutError {
  static override errorName = 'OutputExpiredError';
  constructor(message: string, options?: GantryErrorOptions) {
    super(message, options, 'OUTPUT_EXPIRED');
  }
}

/** No item came into the queue in time. */
export class QueueEmptyError extends GantryTimeoutError {
  static override errorName = 'QueueEmptyError';
}

/** There was no room in the queue in time. */
export class QueueFullError extends GantryError {
  static override errorName = 'QueueFullError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('RESOURCE_EXHAUSTED', message, options);
  }
}

/** Wraps a failure that `map` was asked to return rather than throw; the original is `cause`. */
export class UserCodeError extends GantryError {
  static override errorName = 'UserCodeError';
  constructor(message: string, options?: GantryErrorOptions) {
    super('FUNCTION_FAILED', message, options);
  }
}

/** A platform error as plain data: HTTP bodies, session messages and outputs carry it. */
export interface WireError {
  name: string;
  code: ErrorCode;
  message: string;
  hint?: string | undefined;
  details?: Readonly<Record<string, unknown>> | undefined;
}

const BY_NAME = new Map(
  [
    InvalidError,
    NotFoundError,
    AuthError,
    ConnectionError,
    ClientClosedError,
    ExecutionError,
    RemoteError,
    ContainerError,
    OutOfMemoryError,
    InternalFailure,
    ResourceExhaustedError,
    RequestSizeError,
    SerializationError,
    DeserializationError,
    InputCancellation,
    VersionError,
    BuildError,
    GantryTimeoutError,
    FunctionTimeoutError,
    InteractiveTimeoutError,
    VolumeUploadTimeoutError,
    OutputExpiredError,
    QueueEmptyError,
    QueueFullError,
    UserCodeError,
  ].map((errorClass) => [errorClass.errorName, errorClass]),
);

/** Turns anything thrown into plain data. What is no `GantryError` becomes `INTERNAL` without its message. */
export function toWireError(error: unknown): WireError {
  if (error instanceof GantryError) {
    const { name, code, message, hint, details } = error;
    return { name, code, message, hint, details };
  }
  return {
    name: 'ExecutionError',
    code: 'INTERNAL',
    message: 'the platform failed while handling this request',
    hint: 'Look at the log of the Gantry server, and report it if it looks like a defect.',
  };
}

/** Rebuilds the error class that {@link toWireError} flattened. */
export function fromWireError(wire: WireError): GantryError {
  const errorClass = BY_NAME.get(wire.name);
  const options = { hint: wire.hint, details: wire.details };
  return errorClass
    ? new errorClass(wire.message, options)
    : new GantryError(wire.code, wire.message, options);
}
