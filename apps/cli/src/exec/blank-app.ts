import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  type BaseStep,
  type FileRef,
  formatGpu,
  type FunctionOptionsSpec,
  MANIFEST_SCHEMA_VERSION,
  parseGpuConfig,
} from '@gantry/protocol';

import type { CommandOptions, OptionSpec } from '../command.ts';
import type { BuiltApp } from '../deploy/build-input.ts';
import { UsageError } from '../usage-error.ts';

/** What a container that is made for nothing but a shell may have. */
export const BLANK_APP_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--image <reference>',
    description: 'image of a registry, or the id of one that was built',
    fallback: 'none: the programs of the machine',
  },
  { flags: '--add-python <version>', description: 'bring Python along, such as 3.11' },
  { flags: '--cpu <cores>', description: 'cores' },
  { flags: '--memory <MiB>', description: 'memory' },
  { flags: '--gpu <type>', description: 'GPUs, such as any, l4 or a100:4' },
  {
    flags: '--volume <name>',
    description: 'volume of the environment, below /mnt; more with the flag again',
    isRepeated: true,
  },
  { flags: '--cloud <name>', description: 'label of the machine' },
  { flags: '--region <names>', description: 'labels of the machine, with commas between them' },
];
const OPTION_NAMES = ['image', 'addPython', 'cpu', 'memory', 'gpu', 'cloud', 'region'];

/** The first of {@link BLANK_APP_OPTIONS} that is given. */
export function givenBlankOption(options: CommandOptions): string | undefined {
  if (options.list('volume').length > 0) return 'volume';
  const name = OPTION_NAMES.find((each) => options.text(each) !== undefined);
  return name?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/**
 * An app without code, with one function that says what a container is to have.
 *
 * @param hasOwnRoot - Containers have a file system of their own; else volumes are in the working directory.
 * @throws UsageError or InvalidError for a flag that makes no sense.
 */
export function blankApp(options: CommandOptions, version: string, hasOwnRoot = true): BuiltApp {
  const site = { file: 'gantry shell', line: 1 };
  const steps: [BaseStep] = [baseOf(options.text('image'), options.text('addPython'))];
  const hasDefaultImage = options.text('image') === undefined && options.text('addPython') === undefined;
  const mounts = volumesOf(options, hasOwnRoot ? '/mnt' : 'mnt');
  const spec = {
    ...sizesOf(options),
    ...placeOf(options),
    ...mounts,
    ...(hasDefaultImage ? {} : { image: 0 }),
  };
  const method = { name: '', handlerKind: 'async' as const, callable: true, params: [], site };
  const folder = mkdtempSync(path.join(tmpdir(), 'gantry-shell-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    exportNames: [],
    imageFiles: [],
    manifest: {
      schemaVersion: MANIFEST_SCHEMA_VERSION,
      sdkVersion: version,
      description: 'gantry shell',
      bundle: writePart(folder, 'bundle.mjs', 'export {};\n'),
      sourceMap: writePart(folder, 'bundle.mjs.map', '{"version":3,"sources":[],"names":[],"mappings":""}'),
      ...(hasDefaultImage ? {} : { images: [{ steps, sites: [site] }] }),
      functions: [
        {
          ...{ name: 'shell', kind: 'function', site, options: spec, methods: [method], parameters: [] },
          hooks: { enter: [], exit: [] },
        },
      ],
      entrypoints: [],
    },
  };
}

function baseOf(reference: string | undefined, python: string | undefined): BaseStep {
  if (reference === undefined) return { type: 'debian', ...(python && { pythonVersion: python }) };
  if (/^im-\w{22}$/.test(reference)) return { type: 'image', id: reference };
  return { type: 'registry', reference, ...(python && { addPython: python }) };
}

function volumesOf(options: CommandOptions, folder: string): FunctionOptionsSpec {
  const names = [...new Set(options.list('volume'))].sort();
  return names.length === 0 ? {} : { volumes: names.map((name) => ({ path: `${folder}/${name}`, name })) };
}

function sizesOf(options: CommandOptions): FunctionOptionsSpec {
  const cpu = positive(options, 'cpu');
  const memoryMiB = positive(options, 'memory');
  if (memoryMiB !== undefined && !Number.isInteger(memoryMiB)) throw notPositive('memory', 'a whole number');
  return { ...(cpu && { cpu }), ...(memoryMiB && { memoryMiB }) };
}

function placeOf(options: CommandOptions): FunctionOptionsSpec {
  const [gpu, cloud, region] = ['gpu', 'cloud', 'region'].map((name) => options.text(name));
  const regions = region?.split(',').map((name) => name.trim());
  return {
    ...(gpu && { gpu: [formatGpu(parseGpuConfig(gpu))] }),
    ...(cloud && { cloud }),
    ...(regions && { region: regions }),
  };
}

function positive(options: CommandOptions, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw notPositive(name, 'a number');
  return value;
}

function notPositive(name: string, what: string): UsageError {
  return new UsageError(`--${name} needs ${what} above 0`, { hint: `Such as --${name} 2.` });
}

function writePart(folder: string, name: string, content: string): FileRef {
  writeFileSync(path.join(folder, name), content);
  const digest = `sha256-${createHash('sha256').update(content).digest('hex')}`;
  return { path: name, digest, sizeBytes: Buffer.byteLength(content) };
}
