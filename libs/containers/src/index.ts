export { ownDebianSuite } from './builds/debian-root.ts';
export {
  ImageBuilder,
  type BuildStepOptions,
  type ImageBuilderOptions,
  type RegistryCredentials,
  type StepCode,
} from './builds/image-builder.ts';
export type { LayerStore } from './builds/layer-store.ts';
export type {
  Container,
  ContainerDriver,
  ContainerEnd,
  ContainerLimits,
  ContainerMount,
  ContainerRoot,
  ContainerUse,
  ContainerVolume,
  DriverCapabilities,
  ExecEnd,
  ExecOptions,
  ExecProcess,
  PrivateLink,
  StartOptions,
  TerminalSize,
} from './container-driver.ts';
export { CONTAINER_IDS } from './container-ids.ts';
export { GpuWatch } from './gpus/gpu-watch.ts';
export { findGpus, type LocalGpu } from './gpus/local-gpus.ts';
export { gunzipped } from './layers/gunzipped.ts';
export { unpackLayer, type UnpackOptions } from './layers/unpack-layer.ts';
export {
  canMountOverlays,
  mountOverlay,
  type OverlayOptions,
  unmount,
  unmountAll,
} from './overlay-mounts.ts';
export { PrivateRouter, type PrivateRouterOptions } from './private/private-router.ts';
export { RECEIVER_OFFSET, SENDER_OFFSET, splitPackets } from './private/split-packets.ts';
export { isRootless, rootlessCommand, rootlessEnvironment } from './rootless/user-namespace.ts';
export { machineId } from './machine-id.ts';
export { openSharedFolder, removeSharedFolder, removeStaleSharedFolders } from './shared-folder.ts';
export { SharedMounts } from './shared-mounts.ts';
export { cgroupLayout } from './runc/cgroups.ts';
export { isGvisor } from './gvisor/gvisor-runtime.ts';
export { openOciDriver } from './oci-driver.ts';
export { UNSTARTABLE_IMAGE_HINT } from './runc/launch.ts';
export { RuncDriver, type RuncDriverOptions } from './runc/runc-driver.ts';
export { ProcessDriver, type ProcessDriverOptions } from './process-driver.ts';
export { defaultRuntime, findRuncProblem, findUserProblem, type RuncProblem } from './runc/requirements.ts';
export { tryRunc } from './runc/trial.ts';
