export { App } from './app.ts';
export type { AppOptions, Construct, EntrypointOptions, LookupOptions } from './app-options.ts';
export type { DeployOptions, RunOptions } from './app-program.ts';
export type { AppRun } from './app-run.ts';
export { enter, exit, method, parameter, type EnterOptions } from './member-decorators.ts';
export { batched, type Batch, type Unbatched } from './batched.ts';
export { clustered, getClusterInfo } from './clustered.ts';
export { concurrent } from './modifiers.ts';
export { asgiApp, fastapiEndpoint, webServer, wsgiApp, type FactoryDecorator } from './web-decorators.ts';
export type { FetchApp, FetchServer, ListenerApp, ServerSocket, WebSocketHandlers } from './web-apps.ts';
export { getClientIp } from './client-ip.ts';
export { Image } from './image/image.ts';
export { FilePatternMatcher } from './image/file-pattern-matcher.ts';
export type {
  AddLocalDirOptions,
  AddLocalFileOptions,
  AddLocalSourceOptions,
  BuildStepOptions,
  DebianSlimOptions,
  DockerfileCommandsOptions,
  DockerfileOptions,
  Ignore,
  NpmCiOptions,
  PnpmInstallOptions,
  NpmInstallOptions,
  PipInstallOptions,
  PoetryInstallOptions,
  PyprojectInstallOptions,
  MicromambaInstallOptions,
  MicromambaOptions,
  PrivateRegistryOptions,
  PrivateReposOptions,
  RegistryOptions,
  RunFunctionOptions,
} from './image/image-options.ts';
export { Retries } from './retries.ts';
export { Secret, type SecretOptions } from './secret.ts';
export type { DotenvOptions } from './local-values.ts';
export { Cron, type CronOptions, Period, type PeriodOptions, Schedule } from './schedule.ts';
export type {
  BatchedOptions,
  ClsOptions,
  ClusteredOptions,
  ConcurrentOptions,
  EndpointOptions,
  FunctionOptions,
  ResourceOptions,
  RetryPolicy,
  WebOptions,
  WebServerOptions,
} from './options.ts';
export {
  RemoteFunction,
  type ForEachOptions,
  type FromNameOptions,
  type HandleOf,
} from './remote-function.ts';
export type { MapOptions } from './map-run.ts';
export type { MapInputs, WithKwargs } from './map-arguments.ts';
export type { AnyIterable } from './zip.ts';
export type { Generated } from './generator-types.ts';
export { Cls } from './cls.ts';
export type { ReplaceableOptions } from './pool-options.ts';
export type { AutoscalerSettings, ClusterInfo, FunctionStats } from '@gantry/protocol';
export type { Instance, InstanceParameters, ParameterValue } from './instance.ts';
export { enableOutput, type OutputOptions } from './output.ts';
export { FunctionCall, type CancelOptions, type GetOptions } from './function-call.ts';
export type { InputInfo, InputStatus } from '@gantry/protocol';
export { CloudBucketMount, type CloudBucketMountOptions } from './volumes/cloud-bucket-mount.ts';
export { NetworkFileSystem, type WriteFileOptions } from './volumes/network-file-system.ts';
export { type FileEntry, Volume, type VolumeMountOptions, type VolumeOptions } from './volumes/volume.ts';
export { type UploadOptions, type UploadProgress, VolumeUpload } from './volumes/volume-upload.ts';
export { Dict, type DictOptions } from './collections/dict.ts';
export {
  Queue,
  type PartitionOptions,
  type QueueGetOptions,
  type QueueIterateOptions,
  type QueueOptions,
  type QueuePutOptions,
} from './collections/queue.ts';
export type { WaitOptions } from './collections/patience.ts';
export type { CollectionSummary } from '@gantry/protocol';
export { parseGpuConfig, type GpuRequest } from '@gantry/protocol';
export { forward, type ForwardOptions, Tunnel } from './tunnel.ts';
export { privateAddress } from './private-address.ts';
export { Client, type ClientOptions } from './client.ts';
export { config, type ConfigOptions, configProfiles, configSetActiveProfile } from './config/config.ts';
export type { ConfigKey, ConfigValues } from './config/config-keys.ts';
export {
  currentFunctionCallId,
  currentInputId,
  currentSignal,
  interact,
  isLocal,
  simulatePreemption,
  stopFetchingInputs,
} from './context.ts';
export {
  AuthError,
  ClientClosedError,
  ConnectionError,
  ContainerError,
  DeserializationError,
  ExecutionError,
  FunctionTimeoutError,
  GantryError,
  GantryTimeoutError,
  InputCancellation,
  InteractiveTimeoutError,
  InternalFailure,
  InvalidError,
  isGantryError,
  NotFoundError,
  OutOfMemoryError,
  OutputExpiredError,
  QueueEmptyError,
  QueueFullError,
  registerErrorClass,
  registerType,
  RemoteError,
  RequestSizeError,
  ResourceExhaustedError,
  SerializationError,
  UserCodeError,
  VersionError,
  VolumeUploadTimeoutError,
} from '@gantry/protocol';
