import { join, resolve } from 'node:path';

import type { ContainerMount, ContainerRoot, StartOptions } from '../container-driver.ts';
import { bareGpuAccess, gpuAccess, type GpuAccess, type GpuSources } from '../gpus/gpu-access.ts';
import { INNER_CACHE } from './compiled-code.ts';
import { INNER_INIT, innerRunnerPath, PLATFORM_FOLDER, platformMounts } from './places.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const DEFAULT_WORKDIR = '/root';

/** What is in a container, and what runs first. */
export interface ContainerPlan {
  /** Folders of its root, the lowest first. */
  layers: string[];
  mounts: ContainerMount[];
  volumes: (ContainerMount & { isReadOnly: boolean })[];
  workdir: string;
  command: string[];
  env: { [name: string]: string };
  gpus: GpuAccess | undefined;
}

/** What all containers of a driver have. */
export interface PlanParts {
  runnerPath: string;
  nodePath?: string | undefined;
  nodeFlags?: readonly string[] | undefined;
  env?: Readonly<Record<string, string>> | undefined;
  gpuSources?: GpuSources | undefined;
  /** In place of an image. */
  defaultRoot: { layer: string; mounts: ContainerMount[] };
  compiledLayers: readonly string[];
  platformLayer: string;
}

export function planContainer(options: StartOptions, parts: PlanParts): ContainerPlan {
  const { root, extraLayers = [], mounts = [], volumes = [] } = options;
  const { runnerPath, nodePath = process.execPath, nodeFlags = [], defaultRoot } = parts;
  const workdir = root?.workdir ?? DEFAULT_WORKDIR;
  const base = root?.layers ?? [defaultRoot.layer];
  const node = root?.node ?? join(PLATFORM_FOLDER, 'bin/node');
  return {
    layers: [...base, ...extraLayers, ...parts.compiledLayers, parts.platformLayer],
    mounts: [...(root ? [] : defaultRoot.mounts), ...platformMounts(runnerPath, nodePath), ...mounts],
    volumes: volumes.map(({ folder, target, isReadOnly = false }) => ({
      ...{ source: folder, target: resolve(workdir, target), isReadOnly },
    })),
    workdir,
    command: [
      ...[INNER_INIT, '--'],
      ...(root?.entrypoint ?? []),
      ...[node, ...nodeFlags, innerRunnerPath(runnerPath)],
    ],
    env: environmentOf(root, parts.env),
    gpus: gpusOf(options, parts.gpuSources),
  };
}

function gpusOf({ gpus = [], root }: StartOptions, sources: GpuSources | undefined): GpuAccess | undefined {
  if (gpus.length === 0) return undefined;
  // Without an image the programs and libraries of the machine are there, those of its driver among them.
  return root ? gpuAccess(gpus, sources) : bareGpuAccess(gpus, sources);
}

function environmentOf(root: ContainerRoot | undefined, ofAll: PlanParts['env']): { [name: string]: string } {
  const defaults = { HOME: '/root', LANG: 'C.UTF-8', PATH: DEFAULT_PATH };
  const cache = { GANTRY_COMPILE_CACHE: INNER_CACHE, GANTRY_COMPILE_CACHE_ENDS: '1' };
  const env = { ...defaults, ...root?.env, ...cache, ...ofAll };
  // Last: programs of the image come first, but code can always start a Node.
  return { ...env, PATH: `${env.PATH}:${join(PLATFORM_FOLDER, 'bin')}` };
}
