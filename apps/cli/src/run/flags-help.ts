import type { ParameterSpec, TypeSpec } from '@gantry/protocol';

import { flagName } from './flags.ts';

/** The help of a target, line by line: `gantry run app.ts::main --help`. */
export function flagsHelp(
  target: string,
  doc: string | undefined,
  params: readonly ParameterSpec[],
): string[] {
  const usage = `Usage: gantry run ${target}`;
  const lines = doc ? ['', doc] : [];
  if (params.length === 0) return [usage, ...lines, '', 'It takes no flags.'];
  if (params.some((param) => param.rest))
    return [`${usage} [words...]`, ...lines, '', 'Words are passed on as they are.'];
  const rows = params.map((param) => [leftSide(param), rightSide(param)] as const);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    `${usage} [flags]`,
    ...lines,
    '',
    'Flags:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()),
  ];
}

function leftSide({ name, type }: ParameterSpec): string {
  const flag = flagName(name);
  if (type.type === 'boolean') return `--${flag}, --no-${flag}`;
  return `--${flag} <${typeText(type)}>${type.type === 'array' ? '...' : ''}`;
}

function rightSide({ doc, optional, defaultValue }: ParameterSpec): string {
  const notes = [];
  if (defaultValue !== undefined) notes.push(`default: ${JSON.stringify(defaultValue)}`);
  else if (!optional) notes.push('required');
  return [doc, notes.length > 0 ? `(${notes.join(', ')})` : undefined].filter(Boolean).join(' ');
}

function typeText(type: TypeSpec): string {
  switch (type.type) {
    case 'enum':
      return type.values.join('|');
    case 'array':
      return typeText(type.items);
    case 'bytes':
      return 'file';
    case 'object':
      return 'json';
    case 'unknown':
      return 'value';
    default:
      return type.type;
  }
}
