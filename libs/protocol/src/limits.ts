/** Numbers that bind everywhere; the first five come from the capability list, the others are ours. */
export const LIMITS = {
  /** Arguments, or a result, of one input. */
  payloadBytes: 100 * 1000 * 1000,
  /** Encoded class parameters of one instance. */
  classParametersBytes: 16 * 1024,
  /** Unresolved inputs of one `map`. */
  mapInFlight: 1000,
  /** Inputs of one function that wait or run; `spawn` may go beyond. */
  openInputs: 25_000,
  /** Inputs that one call graph may show. */
  callGraphInputs: 10_000,
  /** How long a result stays readable after it was produced. */
  outputRetentionMs: 7 * 24 * 3600 * 1000,
  /** How long it is known what containers took up. */
  usageRetentionMs: 400 * 24 * 3600 * 1000,
  /** How long `@exit` hooks may take before the container is killed. */
  exitGraceMs: 30_000,
  /** How long code may keep the event loop of its container from turning: minutes, as it may be computing. */
  silenceMs: 300_000,
  /** Payloads above this travel through the blob store instead of a message. */
  inlinePayloadBytes: 512 * 1024,
  /** Body of one web request; answers may be as long as they like. */
  webBodyBytes: 4 * 1024 ** 3,
  /** How long a client waits for the head of an answer before it is sent to the address of its result. */
  webWaitMs: 150_000,
  /** Names and values of one secret. */
  secretBytes: 64 * 1024,
  /** Containers that may crash, run out of memory or fall silent under an input that was alone in the last of them. */
  crashesPerInput: { crashed: 4, outOfMemory: 2, heartbeat: 2 },
  /** After so many the input runs alone, so that no other one dies with it. */
  crashesBeforeAlone: 2,
} as const;

/** What an option is when the user does not say. */
export const DEFAULTS = {
  timeoutMs: 300_000,
  startupTimeoutMs: 300_000,
  /** How long the program of a web server may take until it listens. */
  webServerStartupTimeoutMs: 5_000,
  scaledownWindowMs: 60_000,
  minContainers: 0,
  bufferContainers: 0,
  maxInputs: 1,
  cpu: 0.125,
  memoryMiB: 128,
  /** Of containers that can be limited. Space that is not written to is not taken. */
  ephemeralDiskMiB: 32_768,
  environment: 'main',
  workspace: 'local',
} as const;
