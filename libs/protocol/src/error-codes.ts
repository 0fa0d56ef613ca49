/** Who has to act before the same request can succeed. */
export type Blame = 'caller' | 'function' | 'platform';

interface ErrorTraits {
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly blame: Blame;
}

/** Every failure Gantry reports. HTTP status, CLI exit code and retry policy all derive from this table. */
export const ERROR_CODES = {
  INVALID_ARGUMENT: { httpStatus: 400, retryable: false, blame: 'caller' },
  UNAUTHENTICATED: { httpStatus: 401, retryable: false, blame: 'caller' },
  PERMISSION_DENIED: { httpStatus: 403, retryable: false, blame: 'caller' },
  NOT_FOUND: { httpStatus: 404, retryable: false, blame: 'caller' },
  METHOD_NOT_ALLOWED: { httpStatus: 405, retryable: false, blame: 'caller' },
  CONFLICT: { httpStatus: 409, retryable: false, blame: 'caller' },
  OUTPUT_EXPIRED: { httpStatus: 410, retryable: false, blame: 'caller' },
  REQUEST_TOO_LARGE: { httpStatus: 413, retryable: false, blame: 'caller' },
  BUILD_FAILED: { httpStatus: 422, retryable: false, blame: 'caller' },
  SERIALIZATION_FAILED: { httpStatus: 422, retryable: false, blame: 'caller' },
  DESERIALIZATION_FAILED: { httpStatus: 422, retryable: false, blame: 'caller' },
  VERSION_MISMATCH: { httpStatus: 426, retryable: false, blame: 'caller' },
  RESOURCE_EXHAUSTED: { httpStatus: 429, retryable: true, blame: 'platform' },
  CANCELLED: { httpStatus: 499, retryable: false, blame: 'caller' },
  CLIENT_CLOSED: { httpStatus: 499, retryable: false, blame: 'caller' },
  FUNCTION_FAILED: { httpStatus: 500, retryable: true, blame: 'function' },
  FUNCTION_TIMED_OUT: { httpStatus: 504, retryable: true, blame: 'function' },
  TIMED_OUT: { httpStatus: 504, retryable: true, blame: 'caller' },
  CONTAINER_FAILED: { httpStatus: 500, retryable: false, blame: 'function' },
  OUT_OF_MEMORY: { httpStatus: 500, retryable: false, blame: 'function' },
  UNAVAILABLE: { httpStatus: 503, retryable: true, blame: 'platform' },
  CONNECTION_LOST: { httpStatus: 503, retryable: true, blame: 'platform' },
  INTERNAL: { httpStatus: 500, retryable: false, blame: 'platform' },
} as const satisfies Record<string, ErrorTraits>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** True for a code of the table. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}
