import type { BuiltImages } from './image-api.ts';
import type { FunctionSpec, Manifest } from './manifest.ts';
import type { ClassParameters } from './pool.ts';
import type { PoolOptions } from './pool-options.ts';
import type { VolumeMount } from './volume-mount.ts';

/** An app as the registry keeps it, under `app.<id>`. */
export interface AppRecord {
  id: string;
  /** Undefined only for ephemeral apps without a name. */
  name?: string | undefined;
  /** That of the version that serves. */
  description?: string | undefined;
  environment: string;
  state: 'deployed' | 'ephemeral' | 'detached' | 'stopped';
  /** The version that serves; 0 while nothing was deployed. */
  version: number;
  createdAtMs: number;
  /** When its version went live. */
  deployedAtMs?: number | undefined;
  stoppedAtMs?: number | undefined;
  stopReason?: string | undefined;
}

/** A token that clients may present, under `token.<name>`. The token itself is known to those who have it alone. */
export interface TokenRecord {
  name: string;
  /** SHA-256, in hex digits. */
  digest: string;
  createdAtMs: number;
}

/** Signs a browser in, once, under `browsercode.<digest>`. */
export interface BrowserCodeRecord {
  /** Of the token that it stands for, SHA-256 in hex digits. */
  tokenDigest: string;
  expiresAtMs: number;
  /** Set by the one who uses it, to something that nobody else sets. */
  usedBy?: string | undefined;
}

/** A browser that is signed in, under `browsersession.<digest of its cookie>`. It is as good as its token is. */
export interface BrowserSessionRecord {
  tokenDigest: string;
  /** Of what its scripts must show besides the cookie, SHA-256 in hex digits. */
  keyDigest: string;
  expiresAtMs: number;
}

/** What opens protected web functions, under `proxytoken.<id>`. */
export interface ProxyTokenRecord {
  /** `wk-…`, no secret. */
  id: string;
  /** What for, as its maker said. */
  name: string;
  /** SHA-256 of its secret, in hex digits. */
  digest: string;
  createdAtMs: number;
}

/** A domain of the workspace, under `domain.<name>`. */
export interface DomainRecord {
  /** `example.com`, or `*.example.com` for all of one level. */
  name: string;
  /** What its text record must say. */
  token: string;
  createdAtMs: number;
  /** Set once it was shown whose it is. */
  verifiedAtMs?: number | undefined;
}

/**
 * The certificate of a host from an ACME authority, and how its order stands, under `certificate.<name>`. The last one
 * serves while the next is ordered.
 */
export interface CertificateRecord {
  name: string;
  /** With its chain, PEM. */
  certificate?: string | undefined;
  /** Its private key, PEM, sealed as secrets are. */
  sealedKey?: Uint8Array | undefined;
  endsAtMs?: number | undefined;
  /** When the next one is to be ordered. */
  renewAtMs?: number | undefined;
  /** A gateway orders it, and may until then. */
  order?: { gatewayId: string; untilMs: number } | undefined;
  /** Why the last order came to nothing. */
  failure?: { message: string; atMs: number; attempts: number; retryAtMs: number } | undefined;
}

/** The platform's account at an ACME authority, under `acmeaccount.<directory>`. */
export interface AcmeAccountRecord {
  directory: string;
  /** Its private key, PEM, sealed as secrets are. */
  sealed: Uint8Array;
}

/** What any gateway answers an ACME authority that asks whose a host is, under `acmechallenge.<token>`. */
export interface AcmeChallengeRecord {
  token: string;
  answer: string;
  /** Where the authority asks in TLS, for this host. Absent for those over plain HTTP. */
  host?: string | undefined;
}

/** One deployment of an app, under `deployment.<app>.<version>`. Immutable. */
export interface DeploymentRecord {
  appId: string;
  version: number;
  tag?: string | undefined;
  deployedAtMs: number;
  manifest: Manifest;
  /** Undefined where containers have no images. */
  images?: BuiltImages | undefined;
  /** The sources it was built from, if they are in a git repository. */
  commit?: CommitInfo | undefined;
  /** Who deployed it, as far as the client said. */
  deployedBy?: string | undefined;
  /** The version whose content this one repeats, if it came from a rollback. */
  rollbackOf?: number | undefined;
  /** Set if the deploy failed after its number was taken: this version never served. */
  failed?: boolean | undefined;
}

/** A state of a git repository. */
export interface CommitInfo {
  /** Short hash. */
  hash: string;
  /** True if files differed from the commit. */
  dirty: boolean;
}

/** The live version of one function or class, under `function.<id>`. The id survives redeploys. */
export interface FunctionRecord {
  id: string;
  appId: string;
  appName?: string | undefined;
  environment: string;
  /** Version of the app that this spec belongs to. */
  version: number;
  spec: FunctionSpec;
  bundle: { digest: string; sizeBytes: number };
  sourceMap: { digest: string; sizeBytes: number };
  packages?: { digest: string; sizeBytes: number } | undefined;
  image?: FunctionImage | undefined;
  volumes?: VolumeMount[] | undefined;
  /** Web address of each endpoint method, by method name. */
  urls: Record<string, string>;
  /** The workspace it runs in, told to its code. */
  workspace?: string | undefined;
  /** The app runs in interactive mode. */
  interactive?: boolean | undefined;
  /** Set while the schedule is active: where its ticks count from (a period's anchor). */
  scheduledFromMs?: number | undefined;
  /** Set when the app is stopped: workers and gateways take no more work for it. */
  stopped?: boolean | undefined;
}

/** What the containers of a function have for a file system. */
export interface FunctionImage {
  /** The built image; undefined where containers have the machine's own file system. */
  id?: string | undefined;
  /** Environment that comes with it; undefined where the built image says it. */
  env?: Record<string, string> | undefined;
  /** Put in place when a container starts; later ones win. */
  files: { digest: string; remotePath: string }[];
}

/** Which method of which function answers for a host name, under `route.<host>`. */
export interface RouteRecord {
  /** Without the port, such as `local--shop-checkout.gantry.localhost`; `*.example.com` is all of one level. */
  host: string;
  functionId: string;
  appId: string;
  method: string;
  ephemeral: boolean;
  createdAtMs: number;
}

/** The answer of a web request that took too long to wait for, under `webresult.<digest of its token>`. */
export interface WebResultRecord {
  /** Host name that it was asked for. */
  host: string;
  /** Who waits for the container. */
  gatewayId: string;
  createdAtMs: number;
  /** Set when it has come. */
  answer?: WebAnswer | undefined;
  /** Set if there will be none. */
  lost?: boolean | undefined;
}

/** A whole answer. */
export interface WebAnswer {
  status: number;
  /** Name and value in turn. */
  headers: string[];
  /** Its body, in the blob store. */
  body: { blob: string; sizeBytes: number };
}

/** What a pool's containers are made with, under `pool.<function>.<pool>`: a pool key cannot be turned back. */
export interface PoolRecord {
  pool: string;
  functionId: string;
  parameters: ClassParameters;
  options?: PoolOptions | undefined;
}
