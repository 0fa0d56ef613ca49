import { ERROR_CODES, type Blame, type ErrorCode } from './error-codes.ts';

const BRAND = Symbol.for('gantry.error');

export interface GantryErrorOptions extends ErrorOptions {
  /** The next thing the reader should do, as one imperative sentence. */
  hint?: string | undefined;
  /** JSON-safe facts for callers and logs, such as the name of the missing function. */
  details?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The one error type that crosses a Gantry boundary. Branch on `code`, never on the message.
 *
 * `instanceof` compares brand and class name rather than identity: the platform and a user's bundle may
 * each load their own copy of this module.
 */
export class GantryError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: GantryErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {});
    this.name = new.target.errorName;
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
    Object.defineProperty(this, BRAND, { value: new.target.lineage() });
  }

  /** The class's public name. Bundlers may rename classes, so each class states its own. */
  static errorName = 'GantryError';

  /** Names of this class and its ancestors up to `GantryError`. */
  static lineage(): string[] {
    const names: string[] = [];
    let ancestor: unknown = this;
    while (typeof ancestor === 'function' && 'errorName' in ancestor) {
      names.push(ancestor.errorName as string);
      ancestor = Object.getPrototypeOf(ancestor);
    }
    return names;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (!(value instanceof Error) || !(BRAND in value)) return false;
    return (value[BRAND] as string[]).includes(this.errorName);
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable;
  }

  get httpStatus(): number {
    return ERROR_CODES[this.code].httpStatus;
  }

  get blame(): Blame {
    return ERROR_CODES[this.code].blame;
  }
}

/** Narrows an unknown thrown value, optionally to one code. */
export function isGantryError(error: unknown, code?: ErrorCode): error is GantryError {
  return error instanceof GantryError && (code === undefined || error.code === code);
}
