import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { spawnSync } from 'node:child_process';

import { ContainerError } from '@gantry/protocol';
import { parse } from 'yaml';

import { cdiEdits, type CdiSpec, type ContainerEdits } from './cdi.ts';

/** What a container gets for its GPUs, in the words of an OCI runtime's configuration. */
export interface GpuAccess {
  devices: readonly DeviceNode[];
  mounts: readonly GpuMount[];
  env: Readonly<Record<string, string>>;
  hooks: Readonly<Record<string, readonly object[]>>;
}

export interface DeviceNode {
  /** In the container. */
  path: string;
  /** On this machine. */
  source: string;
  type: 'c' | 'b';
  major: number;
  minor: number;
}

export interface GpuMount {
  source: string;
  target: string;
  options: readonly string[];
}

/** Where the machine says what its GPUs need. */
export interface GpuSources {
  /** Folders with specifications of the Container Device Interface, the last has priority. */
  cdiFolders: readonly string[];
  /** Folder of device nodes. */
  devFolder: string;
  /** Paths of shared libraries that the machine's loader knows. */
  libraries: () => readonly string[];
  /** Folders with libraries of the driver that programs find by their environment alone. @defaultValue none */
  driverFolders?: readonly string[] | undefined;
  /** Programs of the driver, where they may be; the first of a name counts. */
  programs: readonly string[];
}

const KIND = 'nvidia.com/gpu';
const SHARED_NODES = ['nvidiactl', 'nvidia-uvm', 'nvidia-uvm-tools', 'nvidia-modeset'];
/** Where images made for CUDA look for the driver of the machine. */
export const DRIVER_FOLDER = '/usr/local/nvidia';
/** Some have only the version of the whole driver in their names. */
const DRIVER_LIBRARY = /^(lib(?:cuda|nvidia-[\w-]+|nvcuvid|nvoptix|cudadebugger)\.so)\.[\d.]+$/;

const MACHINE: GpuSources = {
  cdiFolders: ['/etc/cdi', '/var/run/cdi'],
  devFolder: '/dev',
  libraries: loaderLibraries,
  driverFolders: foldersOf('LD_LIBRARY_PATH', `${DRIVER_FOLDER}/lib64`, `${DRIVER_FOLDER}/lib`),
  programs: foldersOf('PATH', '/usr/bin', `${DRIVER_FOLDER}/bin`).map((folder) => join(folder, 'nvidia-smi')),
};

/**
 * Device nodes, libraries and programs for GPUs of this machine: as a specification of the Container Device Interface
 * says (`nvidia-ctk cdi generate` writes one), else the driver's own, found through the machine's loader.
 *
 * @param indexes As `nvidia-smi` counts them.
 * @throws ContainerError if one of the GPUs has no device node.
 */
export function gpuAccess(indexes: readonly number[], sources: GpuSources = MACHINE): GpuAccess {
  const specs = sources.cdiFolders.flatMap(readSpecs);
  const edits = cdiEdits(specs, KIND, indexes.map(String)) ?? driverEdits(indexes, sources);
  return {
    devices: edits.deviceNodes.map(({ path, hostPath = path }) => ({
      path,
      source: hostPath,
      ...nodeAt(hostPath),
    })),
    mounts: edits.mounts.map(({ hostPath, containerPath, options = ['ro', 'nosuid', 'nodev', 'rbind'] }) => ({
      ...{ source: hostPath, target: containerPath, options },
    })),
    env: Object.fromEntries(edits.env.map((line) => splitOnce(line, '='))),
    hooks: byStage(edits.hooks),
  };
}

/** What the group of a container is to be allowed, as version 1 takes it. */
export function deviceRules(gpus: GpuAccess | undefined): string[] {
  return (gpus?.devices ?? []).map(({ type, major, minor }) => `${type} ${major}:${minor} rw`);
}

/** The same without specifications, of which some change the file system of the container. */
export function driverAccess(indexes: readonly number[], sources: GpuSources = MACHINE): GpuAccess {
  return gpuAccess(indexes, { ...sources, cdiFolders: [] });
}

function byStage(hooks: ContainerEdits['hooks']): Record<string, object[]> {
  const stages: Record<string, object[]> = {};
  for (const { hookName, path, args, env, timeout } of hooks) {
    (stages[hookName] ??= []).push({ path, args, env, timeout });
  }
  return stages;
}

/**
 * The same for a container that has the machine's `/usr`, and so its driver: device nodes, and how to find what the
 * machine's programs find by their environment.
 */
export function bareGpuAccess(indexes: readonly number[], sources: GpuSources = MACHINE): GpuAccess {
  const { devices } = gpuAccess(indexes, sources);
  const { driverFolders = [], libraries, programs } = sources;
  const isKnown = driverLibraries(libraries()).length > 0;
  const folders = isKnown ? [] : driverFolders.filter((folder) => driverLibraries(list(folder)).length > 0);
  const program = programs.find(isThere);
  return {
    devices,
    mounts: [],
    env: {
      ...(folders.length > 0 && { LD_LIBRARY_PATH: folders.join(':') }),
      ...(program !== undefined && { PATH: dirname(program) }),
    },
    hooks: {},
  };
}

function driverEdits(indexes: readonly number[], sources: GpuSources): ContainerEdits {
  const { devFolder, libraries, driverFolders = [], programs } = sources;
  const shared = SHARED_NODES.filter((name) => isThere(join(devFolder, name)));
  const nodes = [...indexes.map((index) => `nvidia${index}`), ...shared];
  const driver = driverLibraries([...libraries(), ...driverFolders.flatMap(list)]);
  const program = programs.find(isThere);
  const files = [
    ...driver.map((path) => ({ path, folder: 'lib64' })),
    ...(program === undefined ? [] : [{ path: program, folder: 'bin' }]),
  ];
  return {
    deviceNodes: nodes.map((name) => ({ path: `/dev/${name}`, hostPath: join(devFolder, name) })),
    mounts: files.map(({ path, folder }) => ({
      hostPath: path,
      containerPath: join(DRIVER_FOLDER, folder, basename(path)),
    })),
    env: [
      ...(driver.length > 0 ? [`LD_LIBRARY_PATH=${DRIVER_FOLDER}/lib64`] : []),
      ...(program === undefined ? [] : [`PATH=${DRIVER_FOLDER}/bin`]),
    ],
    hooks: [],
  };
}

/** One path of each library, by the shortest of its names: programs ask for that one. */
function driverLibraries(paths: readonly string[]): string[] {
  const shortest = new Map<string, string>();
  for (const path of paths) {
    const library = DRIVER_LIBRARY.exec(basename(path))?.[1];
    if (library === undefined) continue;
    const known = shortest.get(library);
    if (known === undefined || basename(path).length < basename(known).length) shortest.set(library, path);
  }
  return [...shortest.values()];
}

function nodeAt(path: string): Omit<DeviceNode, 'path' | 'source'> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats?.isCharacterDevice() && !stats?.isBlockDevice()) {
    throw new ContainerError(`this machine has no device ${path}, which a GPU needs`, {
      hint: 'Look whether "nvidia-smi" works on the worker; "nvidia-ctk cdi generate" writes anew what containers get.',
    });
  }
  // As glibc takes a device number apart.
  const number = BigInt(stats.rdev);
  return {
    type: stats.isBlockDevice() ? 'b' : 'c',
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffffffffn)),
  };
}

function readSpecs(folder: string): CdiSpec[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((name) => /\.(json|ya?ml)$/.test(name));
  } catch {
    // Few machines have any.
  }
  return names.toSorted().map((name) => parse(readFileSync(join(folder, name), 'utf8')) as CdiSpec);
}

function loaderLibraries(): string[] {
  const { stdout } = spawnSync('ldconfig', ['-p'], { encoding: 'utf8' });
  return [...(stdout ?? '').matchAll(/x86-64.*=> (.+)$|AArch64.*=> (.+)$/gm)].map(
    ([, intel, arm]) => (intel ?? arm) as string,
  );
}

function foldersOf(variable: string, ...others: string[]): string[] {
  const named = (process.env[variable] ?? '').split(delimiter).filter(isAbsolute);
  return [...new Set([...named, ...others])];
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
