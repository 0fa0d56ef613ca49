/** From most to least talkative; `silent` writes nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts of a log line. An error belongs under `err`: its stack is kept. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Logs a message, or facts with an optional message. */
export interface LogMethod {
  (message: string): void;
  (fields: LogFields, message?: string): void;
}

/** What every process of the platform logs through. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  /** A logger that adds these fields to each of its lines. */
  child(fields: LogFields): Logger;
}

/** Where finished lines go, each with its line end. */
export interface LogDestination {
  write(line: string): void;
}

export interface LoggerOptions {
  /** Which process or part speaks, such as `"worker"`. */
  name: string;
  /** @defaultValue the environment variable GANTRY_LOG_LEVEL, else `"info"` */
  level?: LogLevel | undefined;
  /** Short lines for people instead of JSON lines. @defaultValue false */
  pretty?: boolean | undefined;
  /** @defaultValue standard error: standard output belongs to a program's results */
  destination?: LogDestination | undefined;
}
