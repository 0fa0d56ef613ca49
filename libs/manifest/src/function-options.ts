import {
  formatGpu,
  type MountOfPath,
  mountLists,
  parseGpuConfig,
  type BatchingSpec,
  type ClusterSpec,
  type FunctionOptionsSpec,
  type RetriesSpec,
} from '@gantry/protocol';

// What the options' documentation promises for a policy's omitted fields, and for a plain number of retries.
const POLICY_DEFAULTS = { initialDelayMs: 1_000, backoffCoefficient: 2, maxDelayMs: 60_000 };
const FIXED_DELAY = { initialDelayMs: 1_000, backoffCoefficient: 1, maxDelayMs: 60_000 };

interface Modifiers {
  concurrent?: { maxInputs: number; targetInputs?: number | undefined } | undefined;
  batched?: BatchingSpec | undefined;
  clustered?: ClusterSpec | undefined;
  image?: number | undefined;
}

type GivenOptions = Omit<FunctionOptionsSpec, 'retries' | 'volumes' | 'buckets'> & {
  retries?: number | Partial<RetriesSpec> | undefined;
  volumes?: Record<string, MountOfPath> | undefined;
  networkFileSystems?: Record<string, MountOfPath> | undefined;
};

/** Brings options, which the SDK has checked, into the manifest's form: fixed order, policies written out. */
export function toOptionsSpec(
  options: Record<string, unknown>,
  { concurrent, batched, clustered, image }: Modifiers,
): FunctionOptionsSpec {
  const given = options as GivenOptions;
  const spec: FunctionOptionsSpec = {
    timeoutMs: given.timeoutMs,
    startupTimeoutMs: given.startupTimeoutMs,
    minContainers: given.minContainers,
    maxContainers: given.maxContainers,
    bufferContainers: given.bufferContainers,
    scaledownWindowMs: given.scaledownWindowMs,
    cpu: given.cpu,
    memoryMiB: given.memoryMiB,
    retries: toRetries(given.retries),
    maxInputs: concurrent?.maxInputs,
    targetInputs: concurrent?.targetInputs,
    maxInputsPerContainer: given.maxInputsPerContainer,
    enableMemorySnapshot: given.enableMemorySnapshot,
    batching: batched && { maxBatchSize: batched.maxBatchSize, waitMs: batched.waitMs },
    cluster: clustered && { size: clustered.size },
    env: sortedEnv(given.env),
    image,
    gpu: listOf(given.gpu)?.map((gpu) => formatGpu(parseGpuConfig(gpu))),
    ephemeralDiskMiB: given.ephemeralDiskMiB,
    region: listOf(given.region),
    cloud: given.cloud,
    nonpreemptible: given.nonpreemptible || undefined,
    blockNetwork: given.blockNetwork || undefined,
    privateNetwork: clustered ? (given.privateNetwork ?? true) : given.privateNetwork || undefined,
    restrictAccess: given.restrictAccess || undefined,
    secrets: given.secrets && given.secrets.length > 0 ? given.secrets : undefined,
    ...mountLists({ ...given.volumes, ...given.networkFileSystems }),
  };
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
}

function listOf(value: string | string[] | undefined): string[] | undefined {
  return typeof value === 'string' ? [value] : value;
}

function toRetries(retries: number | Partial<RetriesSpec> | undefined): RetriesSpec | undefined {
  if (retries === undefined) return undefined;
  if (typeof retries === 'number') return { maxRetries: retries, ...FIXED_DELAY };
  const { maxRetries = 0, initialDelayMs, backoffCoefficient, maxDelayMs } = retries;
  return {
    maxRetries,
    initialDelayMs: initialDelayMs ?? POLICY_DEFAULTS.initialDelayMs,
    backoffCoefficient: backoffCoefficient ?? POLICY_DEFAULTS.backoffCoefficient,
    maxDelayMs: maxDelayMs ?? POLICY_DEFAULTS.maxDelayMs,
  };
}

function sortedEnv(env: Record<string, string> | undefined): Record<string, string> | undefined {
  if (!env || Object.keys(env).length === 0) return undefined;
  return Object.fromEntries(Object.entries(env).sort(([left], [right]) => (left < right ? -1 : 1)));
}
