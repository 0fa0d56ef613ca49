import type { FunctionStats } from './autoscaler.ts';
import type { CommitInfo } from './records.ts';
import type { ContainerStatus, WorkerDriver } from './platform-messages.ts';
import type { FunctionSpec, Manifest, MethodSpec, ParameterSpec } from './manifest.ts';
import type { BuiltImages } from './image-api.ts';
import type { SecretValues } from './secret.ts';
import type { WireError } from './errors.ts';

// The control API: JSON over HTTP under `/v1`, `Authorization: Bearer <token>`. Errors are RFC 9457 problem
// details plus `code`, `hint` and `details`.
//
//   GET  /v1/hello                                       -> HelloReply
//   HEAD /v1/blobs/:digest                               -> 200 | 404
//   PUT  /v1/blobs/:digest       (bytes)                 -> 201
//   PUT  /v1/values/:digest      (bytes)                 -> ValueReply            (arguments above 512 KiB)
//   GET  /v1/blobs/:name                                 -> bytes                 (a digest, or the name of a value)
//   POST /v1/deployments         DeployRequest           -> DeployReply
//   GET  /v1/images/:id                                  -> ImageSummary
//   POST /v1/images              DeployRequest           -> NDJSON of ImageBuildEvent (what a deploy would have to build)
//   GET  /v1/apps?environment=                           -> { apps: AppSummary[] }
//   GET  /v1/apps/:app?environment=                      -> AppSummary            (:app is a name or an id; an id needs no environment)
//   PUT  /v1/apps/:app?environment=                      -> AppSummary            (made without functions if missing)
//   GET  /v1/apps/:app/functions?environment=            -> { functions: FunctionStatus[] }
//   GET  /v1/apps/:app/functions/:name?environment=      -> FunctionLookup
//   POST /v1/apps/:app/stop?environment=                 -> AppSummary
//   POST /v1/apps/:app/functions/:name/run?environment=  -> { callId }
//   GET  /v1/apps/:app/schedules?environment=&runs=      -> { schedules: ScheduleSummary[] }
//   GET  /v1/apps/:app/deployments?environment=          -> { deployments: DeploymentSummary[] }  (newest first)
//   GET  /v1/apps/:app/interface?environment=            -> AppInterface          (what a client is written from)
//   POST /v1/apps/:app/rollback?environment= RollbackRequest -> DeployReply
//   GET  /v1/apps/:app/logs?environment=&follow=1&since= -> NDJSON of LogEntry
//   GET  /v1/secrets?environment=                        -> { secrets: SecretSummary[] }  (by name)
//   GET  /v1/secrets/:name?environment=                  -> SecretSummary
//   PUT  /v1/secrets/:name?environment= SaveSecretRequest -> SecretSummary
//   DELETE /v1/secrets/:name?environment=                -> SecretSummary         (the one that was)
//   GET  /v1/containers?environment=                     -> { containers: ContainerSummary[] }
//   POST /v1/containers/:id/stop?kill=1                  -> { ok: true }
//   GET  /v1/containers/:id/logs?follow=1&since=          -> NDJSON of LogEntry
//   GET  /v1/containers/:id/exec                         -> WebSocket (see exec-messages)
//   GET  /v1/functions/:id/shell                         -> WebSocket (the same, in a container of its own)
//   GET  /v1/environments                                -> { environments: EnvironmentSummary[] } (main first, then by name)
//   POST /v1/environments        NewEnvironmentRequest   -> EnvironmentSummary
//   GET  /v1/environments/:name                          -> EnvironmentSummary
//   GET  /v1/environments/:name/contents                 -> EnvironmentContents
//   PATCH /v1/environments/:name ChangeEnvironmentRequest -> EnvironmentSummary
//   DELETE /v1/environments/:name                        -> EnvironmentReport     (what was in it)
//   GET  /v1/tokens                                      -> { tokens: TokenSummary[] }    (by name)
//   POST /v1/tokens              NewTokenRequest         -> NewTokenReply
//   DELETE /v1/tokens/:name                              -> TokenSummary          (the one that was)
//   POST /v1/browser/codes                               -> BrowserCodeReply
//   POST /v1/browser/session     BrowserSessionRequest   -> BrowserSessionReply   (and a cookie; needs no token)
//   DELETE /v1/browser/session                           -> 204
//   GET  /v1/proxy-tokens                                -> { tokens: ProxyTokenSummary[] } (oldest first)
//   POST /v1/proxy-tokens        NewTokenRequest         -> NewProxyTokenReply
//   DELETE /v1/proxy-tokens/:id                          -> ProxyTokenSummary     (the one that was)
//   GET  /v1/domains                                     -> { domains: DomainSummary[] } (by name)
//   POST /v1/domains             { name, trusted? }      -> DomainSummary
//   POST /v1/domains/:name/verify                        -> DomainSummary
//   DELETE /v1/domains/:name                             -> DomainSummary         (the one that was)
//   GET  /v1/session?key=<session key>                   -> WebSocket (see session-messages)

export interface HelloReply {
  serverId: string;
  version: string;
  workspace: string;
  environment: string;
  gatewayUrl: string;
  /** Durability is `unknown` where nats-server was configured by somebody else who did not say. */
  nats: { version: string; durability: 'synced' | 'periodic' | 'unknown' };
  /** What the workers make of containers, each kind once. */
  drivers: WorkerDriver[];
}

/** A token beside the one that the platform was started with. */
export interface TokenSummary {
  name: string;
  createdAtMs: number;
}

export interface NewTokenRequest {
  name: string;
}

export interface NewTokenReply extends TokenSummary {
  /** Said this once: the platform keeps only its digest. */
  token: string;
}

/** Signs one browser in, once. */
export interface BrowserCodeReply {
  code: string;
  expiresAtMs: number;
}

/** What a browser signs in with: a code, or a token. */
export interface BrowserSessionRequest {
  code?: string;
  token?: string;
}

/** Comes with a cookie; each request must show both. */
export interface BrowserSessionReply {
  /** Value of the header `Gantry-Session-Key`. */
  key: string;
  expiresAtMs: number;
}

/** How a function is now. */
export interface FunctionStatus extends FunctionStats {
  functionId: string;
  /** Of its containers, those that do not serve yet. */
  numStartingContainers: number;
  /** Inputs that ended, as far as this server has seen since it started. Retried attempts do not count, nor web requests. */
  numSucceededInputs: number;
  numFailedInputs: number;
}

/** What opens protected web functions; its secret is known to those who have it alone. */
export interface ProxyTokenSummary {
  /** `wk-…`: the value of the header `Gantry-Key`. */
  id: string;
  name: string;
  createdAtMs: number;
}

export interface NewProxyTokenReply extends ProxyTokenSummary {
  /** `ws-…`: the value of the header `Gantry-Secret`. Said this once. */
  secret: string;
}

/** A domain that web functions may answer for once it is verified. */
export interface DomainSummary {
  name: string;
  /** The text record by which its owner shows that it is his. */
  record: { name: string; text: string };
  createdAtMs: number;
  verifiedAtMs?: number;
  /** Those of an ACME authority for hosts that it covers, by name; absent without any. */
  certificates?: CertificateSummary[];
}

export interface CertificateSummary {
  host: string;
  endsAtMs?: number | undefined;
  /** Why the last order came to nothing, and when the next follows. */
  failure?: { message: string; retryAtMs: number } | undefined;
}

/** Where a value was stored. */
export interface ValueReply {
  /** Its name, for `Payload.blob`. */
  blob: string;
}

/** Bundle, source map and packages must have been uploaded as blobs before. */
export interface DeployRequest {
  manifest: Manifest;
  environment: string;
  /** Overrides the manifest's app name. */
  name?: string | undefined;
  tag?: string | undefined;
  /** An app that ends with its client instead of a deployment. Its URLs end in `-dev`. */
  ephemeral?: boolean | undefined;
  /** With `ephemeral`: goes on when the client leaves. */
  detach?: boolean | undefined;
  /** With `ephemeral`: its code may ask for the terminal of whoever runs it. */
  interactive?: boolean | undefined;
  /** With `ephemeral`: its schedules are active, as those of a deployed app are. */
  schedules?: boolean | undefined;
  /** With `ephemeral`: replace what this running app serves (live reload). */
  appId?: string | undefined;
  /** The sources' commit, for the history. */
  commit?: CommitInfo | undefined;
  /** Who deploys, for the history. */
  deployedBy?: string | undefined;
  /** Values of the manifest's inline secrets, by their index. They are sealed, and stay out of every record else. */
  secrets?: Record<string, SecretValues> | undefined;
  /** What `POST /v1/images` built for it. @defaultValue built by the deploy itself */
  images?: BuiltImages | undefined;
  /** Build all images anew, and use the outcome from now on. */
  forceBuild?: boolean | undefined;
  /** Build all images anew for this deploy alone. */
  ignoreCache?: boolean | undefined;
}

/** Makes a named secret, or gives one new values. */
export interface SaveSecretRequest {
  values: SecretValues;
  /** Replace the one of this name, if there is one. @defaultValue false */
  replace?: boolean | undefined;
}

/** Brings an older version's content back, as a new version. */
export interface RollbackRequest {
  /** @defaultValue the version before the live one */
  version?: number | undefined;
  /** Who rolls back, for the history. */
  deployedBy?: string | undefined;
}

/** One version in the history of an app. */
export interface DeploymentSummary {
  version: number;
  deployedAtMs: number;
  /** True for the version that serves now. */
  live: boolean;
  tag?: string | undefined;
  commit?: CommitInfo | undefined;
  deployedBy?: string | undefined;
  /** The version whose content this one repeats, if it came from a rollback. */
  rollbackOf?: number | undefined;
  /** How many functions and classes it has. */
  functions: number;
}

export interface DeployReply {
  appId: string;
  appName?: string | undefined;
  version: number;
  functions: { id: string; name: string; kind: 'function' | 'class'; urls: Record<string, string> }[];
  /** Where the dashboard shows the app: a path at the address of the API. */
  pagePath: string;
  /** Names of functions that the version before had and this one has not. */
  removed?: string[] | undefined;
  /** What will not work yet, such as functions that no machine fits. */
  warnings?: string[] | undefined;
}

export interface FunctionSummary {
  id: string;
  name: string;
  kind: 'function' | 'class';
  urls: Record<string, string>;
  /** Set while no machine has room for another container of it: why. */
  unplaceable?: string | undefined;
  /** Set while its containers fail one after the other: the next one waits. */
  crashLoop?: { failures: number; message: string; nextStartAtMs: number } | undefined;
}

export interface AppSummary {
  id: string;
  name?: string | undefined;
  description?: string | undefined;
  environment: string;
  state: 'deployed' | 'ephemeral' | 'detached' | 'stopped';
  version: number;
  containers: number;
  createdAtMs: number;
  /** When its version went live; undefined while it has none. */
  deployedAtMs?: number | undefined;
  stoppedAtMs?: number | undefined;
  /** Where the dashboard shows it: a path at the address of the API. */
  pagePath: string;
  functions: FunctionSummary[];
}

/** What others may call of an app, with types: those who write a client for it need no sources. */
export interface AppInterface {
  app: string;
  environment: string;
  version: number;
  functions: FunctionInterface[];
  /** What the signatures name: types as TypeScript, by name. */
  types: Record<string, string>;
}

export interface FunctionInterface extends Pick<FunctionSpec, 'name' | 'kind' | 'doc' | 'parameters'> {
  methods: Pick<MethodSpec, 'name' | 'handlerKind' | 'signature' | 'doc'>[];
}

/** What a client needs to call a deployed function or class. */
export interface FunctionLookup {
  functionId: string;
  appId: string;
  appName?: string | undefined;
  name: string;
  kind: 'function' | 'class';
  version: number;
  methods: Pick<MethodSpec, 'name' | 'handlerKind' | 'callable'>[];
  parameters: ParameterSpec[];
  urls: Record<string, string>;
  /** The built image of its containers. */
  imageId?: string | undefined;
}

export interface ContainerSummary extends ContainerStatus {
  workerId: string;
  hostname: string;
  appName?: string | undefined;
  functionName: string;
}

/** Body of every error answer. */
export interface ProblemDetails extends WireError {
  type: string;
  title: string;
  status: number;
}
