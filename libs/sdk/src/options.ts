import type { Image } from './image/image.ts';
import type { Schedule } from './schedule.ts';
import type { Secret } from './secret.ts';
import type { CloudBucketMount } from './volumes/cloud-bucket-mount.ts';
import type { NetworkFileSystem } from './volumes/network-file-system.ts';
import type { Volume } from './volumes/volume.ts';

/** Options shared by functions and classes. Omitted fields take the platform's default. */
export interface ResourceOptions {
  /** Longest one attempt of one input may run, 10 ms to 24 h. @defaultValue 300_000 */
  timeoutMs?: number;
  /** Longest that module load and `@enter` hooks may take together. @defaultValue 300_000 */
  startupTimeoutMs?: number;
  /** Containers kept even when idle. @defaultValue 0 */
  minContainers?: number;
  /** Most containers at once. @defaultValue no limit but the machines */
  maxContainers?: number;
  /** Extra idle containers, only while the function is in use. @defaultValue 0 */
  bufferContainers?: number;
  /** How long an idle container is kept, 2 s to 20 min. @defaultValue 60_000 */
  scaledownWindowMs?: number;
  /** Cores: a request, or `[request, limit]`. @defaultValue 0.125 */
  cpu?: number | [request: number, limit: number];
  /**
   * Memory in MiB: a request, or `[request, limit]`. A container above its limit is killed, and its inputs run
   * elsewhere; one that needs too much fails with `OutOfMemoryError`. @defaultValue 128
   */
  memoryMiB?: number | [request: number, limit: number];
  /** Further attempts after the user's code failed: a number (1 s apart), or a policy. @defaultValue 0 */
  retries?: number | RetryPolicy;
  /**
   * Inputs after which a container is replaced by a fresh one; 1 keeps inputs apart. Not to be confused with
   * `maxInputs` of `@concurrent`. @defaultValue no limit
   */
  maxInputsPerContainer?: number;
  /**
   * Start further containers from a snapshot of one that has run its `@enter({ snap: true })` hooks, where the worker
   * can make one. Where it cannot, and no worker can yet, all hooks run at each start in the same order, and the log
   * says so. @defaultValue false
   */
  enableMemorySnapshot?: boolean;
  /**
   * GPUs, all of one type: `<type>[:<count>]`, such as `'H100'` or `'A100-80GB:4'`, or `'any'`; in a list, the first
   * that a machine has is taken. At most 8. @defaultValue none
   */
  gpu?: string | string[];
  /** Disk that its containers may fill, in MiB, up to 3 TiB. @defaultValue what its machine has */
  ephemeralDiskMiB?: number;
  /**
   * Regions, or other labels of workers, of which one must fit: `'us'` fits `us-east-1`, too. @defaultValue all
   */
  region?: string | string[];
  /** Provider of the machines, as their workers call it. @defaultValue all */
  cloud?: string;
  /** Its idle containers are never ended to make room for those of others. @defaultValue false */
  nonpreemptible?: boolean;
  /** Its containers reach nothing but the platform. Needs workers whose containers are isolated. @defaultValue false */
  blockNetwork?: boolean;
  /**
   * Its containers have an address each ({@link privateAddress}), at which containers of the same workspace and region
   * that have this option, too, reach all their ports, and nobody else. With `blockNetwork` they reach each other alone.
   * Plain processes have an address that all programs of their machine reach, and none beyond it. @defaultValue false
   */
  privateNetwork?: boolean;
  /** Its code may use no object of the platform, such as other functions: for code that you do not trust. @defaultValue false */
  restrictAccess?: boolean;
  /** Environment variables of the container. Never for secrets: they are written to the manifest. */
  env?: Record<string, string>;
  /** What its containers have for a file system. @defaultValue that of the app, else the platform's own */
  image?: Image;
  /**
   * Environment variables whose values nobody sees. They win over `env`; of those with one name that of the later secret
   * counts. Those of the app come first.
   */
  secrets?: Secret[];
  /**
   * Volumes and buckets that its containers have, by path: absolute, or relative to the working directory. Containers that are plain
   * processes have the latter alone. Those of the app come along; at one path the function's own counts.
   */
  volumes?: Record<string, Volume | CloudBucketMount>;
  /** Directories that need no commits, by path, as `volumes`. @defaultValue none */
  networkFileSystems?: Record<string, NetworkFileSystem>;
}

export interface RetryPolicy {
  /** 0 to 10. */
  maxRetries: number;
  /** Delay before the first retry, 0 to 60 s. @defaultValue 1_000 */
  initialDelayMs?: number;
  /** 1 to 10; each delay is the one before times this. @defaultValue 2 */
  backoffCoefficient?: number;
  /** Longest delay, 1 to 60 s. @defaultValue 60_000 */
  maxDelayMs?: number;
}

export interface ClsOptions extends ResourceOptions {
  /** Name inside the app. @defaultValue the class's name */
  name?: string;
}

export interface FunctionOptions extends ResourceOptions {
  /**
   * When the platform calls the function by itself, without arguments, while the app is deployed or served.
   * @defaultValue never
   */
  schedule?: Schedule;
  /** Name inside the app. @defaultValue the name of the constant that holds the function */
  name?: string;
}

export interface ConcurrentOptions {
  /** Most inputs one container handles at once, at least 1. */
  maxInputs: number;
  /** Inputs per container that the autoscaler aims for. @defaultValue maxInputs */
  targetInputs?: number;
}

/** Both are required. A batch closes when it is full, or `waitMs` after its first input. */
export interface BatchedOptions {
  /** Most inputs of one batch, 1 to 1,000. */
  maxBatchSize: number;
  /** How long the first input of a batch waits for others, 0 to 600,000 ms. */
  waitMs: number;
}

export interface ClusteredOptions {
  /** Containers that run each call together, 2 to 64. */
  size: number;
}

/** Options that every kind of web function has. */
export interface WebOptions {
  /** Replaces `<app>-<function>` in the host name: 1 to 63 lower-case letters, digits and dashes. */
  label?: string;
  /**
   * Further host names for a deployed app: domains that `gantry domain add` made known to the workspace, or names of one
   * level below them if that was a wildcard; `*.example.com` answers for that whole level. Apps that only run have none.
   */
  customDomains?: string[];
  /**
   * Let nobody in without a proxy token of the workspace (`gantry proxy-token new`), in the headers `Gantry-Key` and
   * `Gantry-Secret`: 401, before any container starts. @defaultValue false
   */
  requiresProxyAuth?: boolean;
}

export interface EndpointOptions extends WebOptions {
  /** @defaultValue 'GET' */
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Serve an OpenAPI page at `/docs` and the document at `/openapi.json`. @defaultValue false */
  docs?: boolean;
  /** Path of the endpoint below its address, such as `/items/:id`: each `:name` is a parameter. @defaultValue '/' */
  path?: string;
  /** Parameters that come from headers, and the headers' names: `{ token: 'X-Token' }`. @defaultValue none */
  headers?: Readonly<Record<string, string>>;
  /**
   * The body is a form, as web pages send them, rather than JSON: its fields are parameters, or fields of the parameter
   * that is an object. Without it, a parameter of the type `File` or `FormData` says the same. @defaultValue false
   */
  form?: boolean;
}

export interface WebServerOptions extends WebOptions {
  /** How long the program may take until it listens, 1 to 3,600,000 ms. @defaultValue 5_000 */
  startupTimeoutMs?: number;
}
