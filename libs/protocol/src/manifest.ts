import type { ImageSpec } from './image.ts';
import type { Json } from './json.ts';
import type { ScheduleSpec } from './schedule.ts';
import type { SecretRef } from './secret.ts';
import type { BucketMountSpec } from './bucket-mount.ts';
import type { VolumeMountSpec } from './volume-mount.ts';

/** The version of the manifest's shape. A reader refuses a version it does not know. */
export const MANIFEST_SCHEMA_VERSION = 1;

/** What a build says an app contains. Byte-identical for identical input: no dates, no absolute paths. */
export interface Manifest {
  schemaVersion: typeof MANIFEST_SCHEMA_VERSION;
  /** Version of the SDK that the bundle carries. */
  sdkVersion: string;
  /** Undefined for an app without a name: it can be run, not deployed. */
  appName?: string | undefined;
  /** What lists say about the app: what it says itself, else, for an app without a name, its entry file. */
  description?: string | undefined;
  bundle: FileRef;
  sourceMap: FileRef;
  /** npm packages that could not be bundled, as one archive (`tar.gz` with a `node_modules` folder inside). */
  packages?: PackagesRef | undefined;
  /** What `options.image` of functions counts from 0. */
  images?: ImageSpec[] | undefined;
  functions: FunctionSpec[];
  /** What signatures name: types as TypeScript, by name. */
  types?: Record<string, string> | undefined;
  entrypoints: EntrypointSpec[];
}

/** A file of the build, named by content. */
export interface FileRef {
  /** Path relative to the manifest. */
  path: string;
  /** `sha256-<64 hex digits>`. */
  digest: string;
  sizeBytes: number;
}

export interface PackagesRef extends FileRef {
  /** What is inside, sorted by name. */
  contents: { name: string; version: string }[];
}

/** Where something stands in the user's sources, relative to the project's folder. Line is 1-based. */
export interface SourceSite {
  file: string;
  line: number;
}

/** One deployable unit with containers of its own: a free function, or a class with all its methods. */
export interface FunctionSpec {
  /** Unique within the app. */
  name: string;
  kind: 'function' | 'class';
  site: SourceSite;
  doc?: string | undefined;
  options: FunctionOptionsSpec;
  /** When the platform calls the function by itself; never on classes. */
  schedule?: ScheduleSpec | undefined;
  /** The single method called `""` for a function; the public methods and endpoints of a class. */
  methods: MethodSpec[];
  /** Class parameters, in declaration order; empty for functions. */
  parameters: ParameterSpec[];
  hooks: { enter: { name: string; snap: boolean }[]; exit: { name: string }[] };
}

/** Validated options with units in their names. Absent means the platform's default. */
export interface FunctionOptionsSpec {
  timeoutMs?: number | undefined;
  startupTimeoutMs?: number | undefined;
  minContainers?: number | undefined;
  maxContainers?: number | undefined;
  bufferContainers?: number | undefined;
  scaledownWindowMs?: number | undefined;
  cpu?: number | [request: number, limit: number] | undefined;
  memoryMiB?: number | [request: number, limit: number] | undefined;
  retries?: RetriesSpec | undefined;
  /** Inputs one container handles at once. */
  maxInputs?: number | undefined;
  /** Inputs per container that the autoscaler aims for. */
  targetInputs?: number | undefined;
  /** Inputs after which a container is replaced; 1 for single use. */
  maxInputsPerContainer?: number | undefined;
  /** Start containers from a snapshot of one that is past its hooks with `snap`, where that is possible. */
  enableMemorySnapshot?: boolean | undefined;
  /** Set when the one method takes its inputs as lists. A batch takes one of the `maxInputs` places. */
  batching?: BatchingSpec | undefined;
  /** Set when each call runs in several containers at once. They have a private network. */
  cluster?: ClusterSpec | undefined;
  /** Extra environment variables, never secret. */
  env?: Record<string, string> | undefined;
  /** Which of the manifest's images. Absent means the platform's default image. */
  image?: number | undefined;
  /** Environment variables with secret values; later ones win. */
  secrets?: SecretRef[] | undefined;
  /** By their paths. */
  volumes?: VolumeMountSpec[] | undefined;
  /** By their paths; none is inside of a volume, nor the other way. */
  buckets?: BucketMountSpec[] | undefined;
  /** In order of preference, each `<TYPE>[:<count>]` in capitals, or `ANY`. */
  gpu?: string[] | undefined;
  ephemeralDiskMiB?: number | undefined;
  /** Labels of workers, of which one must fit. */
  region?: string[] | undefined;
  cloud?: string | undefined;
  /** Containers are never ended to make room for others. */
  nonpreemptible?: boolean | undefined;
  /** Containers reach nothing but the platform. */
  blockNetwork?: boolean | undefined;
  /** Containers have addresses at which those of the same workspace and region reach them. */
  privateNetwork?: boolean | undefined;
  /** Its code may use no object of the platform: no calls, dicts, queues or volumes. */
  restrictAccess?: boolean | undefined;
}

/** A batch closes when it has `maxBatchSize` inputs, or `waitMs` after its first one. */
export interface BatchingSpec {
  maxBatchSize: number;
  waitMs: number;
}

/** How many containers run each call together. */
export interface ClusterSpec {
  size: number;
}

/** Delay before retry k is `min(initialDelayMs * backoffCoefficient ** (k - 1), maxDelayMs)`. */
export interface RetriesSpec {
  maxRetries: number;
  initialDelayMs: number;
  backoffCoefficient: number;
  maxDelayMs: number;
}

export interface MethodSpec {
  name: string;
  /** `asyncGenerator` and `generator` methods stream values. */
  handlerKind: 'sync' | 'async' | 'generator' | 'asyncGenerator';
  /** False for a method that is only a web endpoint. */
  callable: boolean;
  params: ParameterSpec[];
  /** The same as TypeScript, with the result: `(x: number, scale?: number) => Promise<number>`. Absent where the source does not say. */
  signature?: string | undefined;
  web?: WebSpec | undefined;
  doc?: string | undefined;
  site: SourceSite;
}

/** How a method answers HTTP. */
export type WebSpec = EndpointSpec | WebAppSpec | WebServerSpec;

interface WebNaming {
  /** Replaces `<app>-<function>` in the host name. */
  label?: string | undefined;
  /** Further host names, `*.example.com` for all of one level. */
  customDomains?: string[] | undefined;
  /** Requests must carry a proxy token of the workspace. */
  requiresProxyAuth?: boolean | undefined;
}

/** The method answers requests itself: its arguments come from them, its result is the answer. */
export interface EndpointSpec extends WebNaming {
  type: 'endpoint';
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  docs: boolean;
  /** Such as `/items/:id`, where each `:name` is a parameter. Absent means `/`. */
  path?: string | undefined;
  /** Header names by the parameters that they fill. */
  headers?: Record<string, string> | undefined;
  /** The body is a form: its fields are parameters, or fields of the one that is an object. */
  form?: boolean | undefined;
  /** Absent without docs, and where the source does not say. */
  response?: ResponseSpec | undefined;
}

/** What an endpoint answers, for its docs. */
export interface ResponseSpec {
  contentType: string;
  /** JSON Schema of the whole, or of each line for `application/x-ndjson`. Absent for bytes. */
  schema?: Json | undefined;
  /** What `#/components/schemas/<name>` in it refers to. */
  components?: Record<string, Json> | undefined;
}

/** The method makes an app, once per container: one that answers as `fetch` does (`asgi`), or a listener of Node (`wsgi`). */
export interface WebAppSpec extends WebNaming {
  type: 'asgi' | 'wsgi';
}

/** The method starts a program that listens at a port, once per container. */
export interface WebServerSpec extends WebNaming {
  type: 'server';
  port: number;
  startupTimeoutMs: number;
}

/** A parameter of a method, a class or an entrypoint, as the compiler sees it. */
export interface ParameterSpec {
  name: string;
  type: TypeSpec;
  optional: boolean;
  /** Present only when the default is a literal. */
  defaultValue?: Json | undefined;
  rest?: boolean | undefined;
  doc?: string | undefined;
}

/** The types that decide how text becomes a value (flags, query), what JSON is held against, and what the docs say. */
export type TypeSpec = ValueTypeSpec & {
  /** `null` is a value, too. */
  nullable?: true | undefined;
};

type ValueTypeSpec =
  | { type: 'string' | 'number' | 'integer' | 'boolean' | 'bigint' | 'date' | 'bytes' | 'unknown' }
  | { type: 'enum'; values: (string | number)[] }
  | { type: 'array'; items: TypeSpec }
  /** An object with these fields; `className` is that of a class, which may have class-validator rules. */
  | { type: 'object'; className?: string | undefined; fields: ParameterSpec[] }
  /** The web `Request`, `FormData` or `File` itself. */
  | { type: 'request' | 'form' | 'file' };

/** A function that runs on the caller's machine: `gantry run app.ts::main --n 5`. */
export interface EntrypointSpec {
  name: string;
  params: ParameterSpec[];
  doc?: string | undefined;
  site: SourceSite;
}
