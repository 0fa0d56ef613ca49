import { driverAccess, DRIVER_FOLDER, type GpuSources } from '../gpus/gpu-access.ts';
import type { LocalGpu } from '../gpus/local-gpus.ts';
import type { StepSurroundings } from './step-runtime.ts';

/** Below `/dev`, which is in memory: nothing of it comes into the layer. */
const FOLDER = '/dev/gantry/gpus';

/**
 * What a build step gets for GPUs of this machine: their devices, and the libraries and programs of the driver.
 *
 * @param env - Of the step without them.
 * @throws ContainerError if one has no device node.
 */
export function stepGpus(
  gpus: readonly LocalGpu[],
  env: Readonly<Record<string, string>>,
  sources?: GpuSources,
): StepSurroundings {
  const { devices, mounts } = driverAccess(
    gpus.map(({ index }) => index),
    sources,
  );
  const visible = gpus.map(({ uuid }) => uuid).join(',');
  const joined = (name: string, folder: string): Record<string, string> => ({
    [name]: [env[name], `${FOLDER}/${folder}`].filter(Boolean).join(':'),
  });
  return {
    env: {
      ...{ CUDA_VISIBLE_DEVICES: visible, NVIDIA_VISIBLE_DEVICES: visible },
      ...joined('LD_LIBRARY_PATH', 'lib64'),
      // Without it, that of the image counts.
      ...(env['PATH'] === undefined ? {} : joined('PATH', 'bin')),
    },
    mounts: mounts.map(({ source, target }) => ({ source, target: target.replace(DRIVER_FOLDER, FOLDER) })),
    devices,
  };
}
