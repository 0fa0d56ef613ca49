import type { ParameterSpec } from '@gantry/protocol';

import { UsageError } from '../usage-error.ts';
import { parseFlagValue } from './flag-values.ts';

/** The arguments of a call, parsed from the command line. */
export interface ParsedFlags {
  /** Values in the order of the parameters; a parameter that was not given is undefined. */
  args: unknown[];
  help: boolean;
}

/** Name of a parameter's flag: `maxInputs` is `--max-inputs`. */
export function flagName(parameter: string): string {
  return parameter
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}

/**
 * Reads `--n 5 --no-loud --tag a --tag b` by the types of the parameters. A rest parameter turns parsing off: it gets
 * the words as they are.
 *
 * @throws {@link UsageError} on an unknown, repeated, missing or malformed flag.
 */
export function parseFlags(params: readonly ParameterSpec[], argv: readonly string[]): ParsedFlags {
  if (params.some((param) => param.rest)) return { args: [...argv], help: false };
  const given = new Map<ParameterSpec, unknown>();
  const words = [...argv];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === '--help' || word === '-h') return { args: [], help: true };
    const { param, text } = readFlag(params, word, words);
    give(given, param, text);
  }
  const missing = params.filter(
    (param) => !given.has(param) && !param.optional && param.defaultValue === undefined,
  );
  if (missing.length > 0) {
    const names = missing.map((param) => `--${flagName(param.name)}`);
    throw new UsageError(`${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} missing`, {
      hint: 'Add --help after the target to see its flags.',
    });
  }
  return { args: params.map((param) => given.get(param)), help: false };
}

interface ReadFlag {
  param: ParameterSpec;
  text: string;
}

function readFlag(params: readonly ParameterSpec[], word: string, rest: string[]): ReadFlag {
  if (!word.startsWith('--')) {
    throw new UsageError(`"${word}" is not a flag`, { hint: 'Arguments are given as --name value.' });
  }
  const [name = '', ...after] = word.slice(2).split('=');
  const inline = after.length > 0 ? after.join('=') : undefined;
  const param = params.find((candidate) => flagName(candidate.name) === name);
  if (!param) return readNegation(params, name, inline);
  if (inline !== undefined) return { param, text: inline };
  if (param.type.type === 'boolean') return { param, text: 'true' };
  const text = rest.shift();
  if (text === undefined) throw new UsageError(`--${name} needs a value`);
  return { param, text };
}

function readNegation(params: readonly ParameterSpec[], name: string, inline: string | undefined): ReadFlag {
  const param = params.find(
    (candidate) => candidate.type.type === 'boolean' && `no-${flagName(candidate.name)}` === name,
  );
  if (param && inline === undefined) return { param, text: 'false' };
  const known = params.map((candidate) => `--${flagName(candidate.name)}`).join(', ');
  throw new UsageError(`unknown flag "--${name}"`, {
    hint: known ? `Flags: ${known}.` : 'The target takes no flags.',
  });
}

function give(given: Map<ParameterSpec, unknown>, param: ParameterSpec, text: string): void {
  const flag = `--${flagName(param.name)}`;
  if (param.type.type === 'array') {
    const values = (given.get(param) as unknown[] | undefined) ?? [];
    given.set(param, [...values, parseFlagValue(flag, param.type.items, text)]);
    return;
  }
  if (given.has(param)) throw new UsageError(`${flag} is given twice`);
  given.set(param, parseFlagValue(flag, param.type, text));
}
