import type { LogDestination } from './logger.ts';

const SHOWN_ELSEWHERE = new Set(['time', 'level', 'name', 'msg', 'err']);

interface ParsedLine extends Record<string, unknown> {
  time?: string;
  level?: string;
  name?: string;
  msg?: string;
  err?: { message?: string; stack?: string };
}

/** Turns JSON log lines into short ones: time of day, level, name, message, then `key=value` facts. */
export class PrettyLines implements LogDestination {
  readonly #destination: LogDestination;

  constructor(destination: LogDestination) {
    this.#destination = destination;
  }

  write(line: string): void {
    this.#destination.write(toPretty(line));
  }
}

function toPretty(line: string): string {
  let parsed: ParsedLine;
  try {
    parsed = JSON.parse(line) as ParsedLine;
  } catch {
    return line;
  }
  const head = [
    parsed.time?.slice(11, 23) ?? '',
    (parsed.level ?? '').padEnd(5),
    (parsed.name ?? '').padEnd(8),
    parsed.msg ?? '',
  ];
  const facts = Object.entries(parsed)
    .filter(([key, value]) => !SHOWN_ELSEWHERE.has(key) && value !== undefined)
    .map(
      ([key, value]) => `${key}=${typeof value === 'string' ? quoteIfNeeded(value) : JSON.stringify(value)}`,
    );
  const error = parsed.err ? `\n${indent(parsed.err.stack ?? parsed.err.message ?? '')}` : '';
  return `${[...head, ...facts].join(' ').trimEnd()}${error}\n`;
}

function quoteIfNeeded(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : JSON.stringify(text);
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ');
}
