import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';

import type { GpuDevice } from '@gantry/protocol';

/** A GPU of this machine. */
export interface LocalGpu extends GpuDevice {
  /** Names it wherever it is seen from: in a container indexes may count otherwise. */
  uuid: string;
}

const QUERY = ['--query-gpu=index,uuid,name,memory.total', '--format=csv,noheader,nounits'];
const QUERY_LIMIT_MS = 15_000;
/** CUDA needs it, and nothing makes it before a program of root uses CUDA: code in containers could not. */
const MEMORY_NODE = '/dev/nvidia-uvm';
/** Says how a GPU is built, or who makes it, not what it can do. */
const NO_PART_OF_TYPE =
  /^(NVIDIA|TESLA|QUADRO|GEFORCE|GRID|GRAPHICS|GENERATION|EDITION|SERVER|WORKSTATION|PCIE|NVL|SXM\d*|HBM\d\w*)$/;

/**
 * The GPUs that `nvidia-smi` tells of; none where it is not installed, or its driver does not run.
 *
 * @param onProblem - Told why it does not work, where it is installed.
 */
export async function findGpus(onProblem: (error: Error) => void): Promise<LocalGpu[]> {
  try {
    const gpus = parseGpus(await run('nvidia-smi', QUERY));
    // Where it is missing, or this user may not: what is there is used as it is.
    if (gpus.length > 0 && !existsSync(MEMORY_NODE))
      await run('nvidia-modprobe', ['-u', '-c=0']).catch(() => {});
    return gpus;
  } catch (error) {
    // EACCES: this user may not look into one of the folders of PATH, and found it in no other.
    const isMissing = ['ENOENT', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (!isMissing) onProblem(error as Error);
    return [];
  }
}

/** Lines of index, uuid, name and MiB of memory. What is no such line is left out. */
export function parseGpus(text: string): LocalGpu[] {
  return text.split('\n').flatMap((line) => {
    const [index = '', uuid = '', name = '', memory = ''] = line.split(',').map((part) => part.trim());
    if (!/^\d+$/.test(index) || uuid === '' || name === '' || !/^\d+$/.test(memory)) return [];
    return [{ index: Number(index), uuid, type: gpuType(name), memoryMiB: Number(memory) }];
  });
}

/** `NVIDIA A100-SXM4-80GB` is an `A100-80GB`, and `NVIDIA GeForce RTX 4090` an `RTX-4090`. */
export function gpuType(name: string): string {
  const words = name
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter((word) => word !== '' && !NO_PART_OF_TYPE.test(word));
  return words.join('-') || 'GPU';
}

function run(program: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: QUERY_LIMIT_MS }, (error, stdout) =>
      error ? reject(error) : resolve(stdout),
    );
  });
}
