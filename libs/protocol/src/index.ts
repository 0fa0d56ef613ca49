export {
  callSessionKey,
  type Id,
  type IdPrefix,
  idTimeMs,
  isId,
  newCallId,
  newId,
  newSessionKey,
  timeChars,
} from './ids.ts';
export {
  assertEnvironmentName,
  assertWebSuffix,
  type ChangeEnvironmentRequest,
  type DeletedEnvironment,
  type EnvironmentContents,
  type EnvironmentRecord,
  type EnvironmentReport,
  type Environments,
  type EnvironmentsRecord,
  type EnvironmentSummary,
  type NewEnvironmentRequest,
  slug,
} from './environments.ts';
export { HANDLE, registerHandle, type HandleState } from './handles.ts';
export { assertName, assertRunName, assertTag, MOST_TAG_LENGTH } from './names.ts';
export type { AppReport } from './app-report.ts';
export type { InputInfo, InputStatus } from './call-graph.ts';
export { formatGpu, isGpuConfig, MOST_GPUS, parseGpuConfig, type GpuRequest } from './gpu.ts';
export { DEFAULTS, LIMITS } from './limits.ts';
export {
  type FunctionUsage,
  type HourUsage,
  NO_USAGE,
  sumOfUsage,
  type Usage,
  USAGE_PERIODS,
  type UsagePeriod,
  type UsageReport,
  type UsageRow,
} from './usage.ts';
export { isDeeperThan, type Json } from './json.ts';
export { type Blame, ERROR_CODES, isErrorCode, type ErrorCode } from './error-codes.ts';
export { GantryError, type GantryErrorOptions, isGantryError } from './gantry-error.ts';
export {
  AuthError,
  BuildError,
  ClientClosedError,
  ConnectionError,
  ContainerError,
  DeserializationError,
  ExecutionError,
  fromWireError,
  FunctionTimeoutError,
  GantryTimeoutError,
  InputCancellation,
  InteractiveTimeoutError,
  InternalFailure,
  InvalidError,
  NotFoundError,
  OutOfMemoryError,
  OutputExpiredError,
  QueueEmptyError,
  QueueFullError,
  RemoteError,
  RequestSizeError,
  ResourceExhaustedError,
  SerializationError,
  toWireError,
  UserCodeError,
  VersionError,
  VolumeUploadTimeoutError,
  type WireError,
} from './errors.ts';
export { decodeFrame, encodeCanonical, encodeFrame } from './codec.ts';
export { FRAME_HEADER_BYTES, FrameReader, type FrameReaderOptions } from './frame-reader.ts';
export { type JoinableStream, joinStreams } from './join-streams.ts';
export { canonicalKey } from './canonical-key.ts';
export {
  carriesPayload,
  COLLECTION_LIMITS,
  type CollectionKind,
  type CollectionLookup,
  type CollectionOperation,
  type CollectionRecord,
  type CollectionRequest,
  type CollectionSummary,
  type DictKey,
  type DictOperation,
  type DictPage,
  type DictTablePlace,
  type DictValue,
  isBlob,
  partitionKeyBytes,
  type QueueItems,
  type QueueOperation,
  type QueuePage,
  replacePayloads,
  saltedValue,
  unsaltedValue,
} from './collections.ts';
export {
  packAnswer,
  type PackedAnswer,
  type PackedOperation,
  packMessage,
  packOperation,
  unpackAnswer,
  unpackMessage,
  unpackOperation,
} from './packed-messages.ts';
export {
  decodeValue,
  encodeValue,
  type KnownClass,
  registerErrorClass,
  registerType,
} from './value-codec.ts';
export type { InputMessage, Outcome, OutputMessage, Payload } from './payload.ts';
export {
  type CreditMessage,
  payloadBytes,
  type PullMessage,
  STREAM_WINDOW,
  type StreamEnd,
  type ValuesMessage,
} from './generator-messages.ts';
export { parseText, type TextValue } from './text-value.ts';
export type { ContainerAddress, PipeMessage, TunnelAddress, TunnelRequest, TunnelStatus } from './tunnel.ts';
export { type ClassParameters, completeParameters, isShellPool, poolKey, shellPool } from './pool.ts';
export {
  type ClusterInfo,
  type GangLetter,
  type GangMessage,
  type GangPlace,
  type GangSeat,
  gangSeat,
} from './gang.ts';
export { NumberedFrames, SendWindow, TakenCount } from './exec-line.ts';
export {
  EXEC_ALIVE_MS,
  EXEC_MOST_CHUNK_BYTES,
  EXEC_SILENCE_MS,
  EXEC_WINDOW_BYTES,
  type ExecFrame,
  type ExecInput,
  type ExecInputRelay,
  type ExecOutput,
  type ExecOutputRelay,
  type ExecRequest,
} from './exec-messages.ts';
export {
  type BatchingSpec,
  type ClusterSpec,
  type EntrypointSpec,
  type FileRef,
  type FunctionOptionsSpec,
  type FunctionSpec,
  type Manifest,
  MANIFEST_SCHEMA_VERSION,
  type MethodSpec,
  type PackagesRef,
  type ParameterSpec,
  type RetriesSpec,
  type SourceSite,
  type TypeSpec,
  type EndpointSpec,
  type ResponseSpec,
  type WebAppSpec,
  type WebServerSpec,
  type WebSpec,
} from './manifest.ts';
export { type ImageNeed, needsOfImage, RELATIVE_PATH } from './image-needs.ts';
export { filesOfImage, filesOfManifest } from './manifest-files.ts';
export type { BuiltImages, ImageBuildEvent, ImageSummary } from './image-api.ts';
export type {
  AttachedFiles,
  FilesOrigin,
  BaseStep,
  BuildStep,
  DockerfileStep,
  BuilderRecord,
  BuilderReleaseSummary,
  BuilderReply,
  FunctionStep,
  ImageConfig,
  ImageLayer,
  ImageRecord,
  ImageSpec,
  MicromambaStep,
  PipStep,
  PoetryStep,
  RegistryStep,
  StepOptions,
  StepRecord,
  StepVolumeReply,
  StepVolumeRequest,
} from './image.ts';
export { isPrivateRepository, type PrivateRepositories, REPOSITORY_TOKENS } from './private-repositories.ts';
export { IMAGE_FUNCTION, IMAGE_FUNCTION_FLAG, IMAGE_FUNCTION_VOLUMES } from './image.ts';
export {
  IDENTITY_DISCOVERY_PATH,
  IDENTITY_KEYS_PATH,
  type IdentityKey,
  type IdentityRecord,
  IDENTITY_VARIABLES,
} from './identity.ts';
export {
  LOOPBACK_ADDRESSES,
  loopbackAddress,
  PRIVATE_ADDRESS_VARIABLE,
  PRIVATE_CONTAINER_BYTES,
  PRIVATE_HOST_NAME,
  privateAddressBytes,
  privateAddressIn,
  privateSubnetAt,
  type PrivateNetworkRecord,
  type PrivatePacketsMessage,
  type PrivateSubnet,
} from './private-network.ts';
export {
  assertSecretKey,
  assertSecretValues,
  secretRefsOf,
  type InlineSecretsRecord,
  type SealingKeyRecord,
  type SecretRecord,
  type SecretRef,
  type SecretSummary,
  type SecretValues,
} from './secret.ts';
export {
  type CronSpec,
  PERIOD_UNITS,
  type PeriodSpec,
  type RunRecord,
  SCHEDULE_SESSION_KEY,
  type ScheduleSpec,
} from './schedule.ts';
export type { RunSummary, ScheduleSummary } from './schedule-api.ts';
export type {
  AcmeAccountRecord,
  AcmeChallengeRecord,
  AppRecord,
  CertificateRecord,
  CommitInfo,
  DeploymentRecord,
  FunctionImage,
  FunctionRecord,
  PoolRecord,
  RouteRecord,
  BrowserCodeRecord,
  BrowserSessionRecord,
  ProxyTokenRecord,
  TokenRecord,
  DomainRecord,
  WebAnswer,
  WebResultRecord,
} from './records.ts';
export {
  BUCKETS,
  INPUT_LEASE_MS,
  LEASE_TTL_MS,
  LIVENESS_TTL_MS,
  registryKeys,
  STREAMS,
  subjects,
  WORKER_DEAD_AFTER_MS,
  WORKER_HEARTBEAT_MS,
} from './subjects.ts';
export type {
  AwaitMessage,
  ClientMessage,
  PoolName,
  ServerMessage,
  SubmitMessage,
  SubmittedInput,
} from './session-messages.ts';
export {
  type LoadMessage,
  type ObjectRequest,
  type RunBatchMessage,
  type RunMessage,
  type RunnerToWorker,
  COMPILE_FLAG,
  STARTED_AHEAD_FLAG,
  type WorkerToRunner,
  type IdentityMessage,
} from './container-messages.ts';
export type {
  CancelMessage,
  CrashMessage,
  ContainerExit,
  ContainerStatus,
  DemandMessage,
  GpuDevice,
  GpuUse,
  LogBatch,
  LogEntry,
  MachineCapacity,
  UnplaceableMessage,
  WorkerCommand,
  WorkerLabels,
  WorkerReply,
  PrivateNetworkKind,
  WorkerDriver,
  WorkerStatus,
  SpentMessage,
} from './platform-messages.ts';
export { coversDomain, isCustomDomain, wildcardOf } from './domain-name.ts';
export { type BlobName, dayOf, parseBlobName, valueName } from './blob-name.ts';
export type {
  AppInterface,
  AppSummary,
  FunctionSummary,
  ContainerSummary,
  DeploymentSummary,
  DeployReply,
  DeployRequest,
  FunctionInterface,
  FunctionLookup,
  HelloReply,
  ProblemDetails,
  RollbackRequest,
  SaveSecretRequest,
  TokenSummary,
  BrowserCodeReply,
  BrowserSessionReply,
  BrowserSessionRequest,
  FunctionStatus,
  NewTokenRequest,
  NewProxyTokenReply,
  NewTokenReply,
  ProxyTokenSummary,
  CertificateSummary,
  DomainSummary,
  ValueReply,
} from './http-api.ts';
export {
  assertAutoscalerSettings,
  type AutoscalerRecord,
  type AutoscalerSettings,
  type FunctionStats,
  mergeSettings,
  type StatsRequest,
} from './autoscaler.ts';
export {
  BATCHING_RANGES,
  CLUSTER_RANGES,
  CONCURRENCY_RANGES,
  isInRange,
  OPTION_RANGES,
  RETRY_RANGES,
  type OptionRange,
} from './option-ranges.ts';
export { assertPoolOptions, inheritedSettings, POOL_OPTION_KEYS, type PoolOptions } from './pool-options.ts';
export { LogPlace } from './log-place.ts';
export {
  assertBucketMount,
  type BucketMountSpec,
  type CredentialSource,
  type LentCredentials,
} from './bucket-mount.ts';
export { type DockerfileInstruction, type Heredoc, readDockerfile } from './dockerfile-lines.ts';
export {
  assertApart,
  mountLists,
  type MountOfPath,
  mountPath,
  type VolumeMount,
  type VolumeMountSpec,
} from './volume-mount.ts';
export {
  assertLinkTarget,
  BLOCK_BYTES,
  type BlockNotes,
  type VersionsInUse,
  VERSIONS_RENEWED_MS,
  VOLUME_LIMITS,
  type VolumeChange,
  type VolumeCommitRequest,
  type VolumeDirectory,
  type VolumeEntry,
  type VolumeFile,
  type VolumeHead,
  type VolumeLink,
  type VolumeListing,
  volumePath,
  type VolumeRecord,
  type VolumeSummary,
} from './volume.ts';
