import { InvalidError } from '@gantry/protocol';
import { destination as fileDestination, pino, stdTimeFunctions } from 'pino';

import { LOG_LEVELS, type Logger, type LoggerOptions, type LogLevel } from './logger.ts';
import { PrettyLines } from './pretty-lines.ts';

const STDERR = 2;

/**
 * Makes the logger of one process: JSON lines with `time`, `level`, `name` and `msg`, or short lines for people.
 *
 * @throws InvalidError if the level, given or from GANTRY_LOG_LEVEL, is none of {@link LOG_LEVELS}.
 *
 * @example
 * ```ts
 * const log = createLogger({ name: 'worker' });
 * log.info({ containerId }, 'container is ready');
 * ```
 */
export function createLogger(options: LoggerOptions): Logger {
  const sink = options.destination ?? fileDestination({ fd: STDERR, sync: true });
  return pino(
    {
      name: options.name,
      level: parseLevel(options.level ?? process.env['GANTRY_LOG_LEVEL'] ?? 'info'),
      timestamp: stdTimeFunctions.isoTime,
      // Process id and host name say nothing on one machine and cost 40 bytes a line.
      base: { name: options.name },
      formatters: { level: (label) => ({ level: label }) },
    },
    options.pretty ? new PrettyLines(sink) : sink,
  );
}

function parseLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text.toLowerCase());
  if (level) return level;
  throw new InvalidError(`the log level "${text}" is not known`, {
    hint: `Set GANTRY_LOG_LEVEL to one of ${LOG_LEVELS.join(', ')}.`,
  });
}
