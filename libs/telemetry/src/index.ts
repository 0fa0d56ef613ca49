export { createLogger } from './create-logger.ts';
export type { Logger, LoggerOptions, LogDestination, LogFields, LogLevel, LogMethod } from './logger.ts';
export { LOG_LEVELS } from './logger.ts';
