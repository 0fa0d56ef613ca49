import { callSessionKey } from './ids.ts';

/** Names of the JetStream streams and key-value buckets. */
export const STREAMS = {
  /** Work queue of inputs: `gantry.in.<pool>.<call>`. */
  inputs: 'GANTRY_INPUTS',
  /** One message per finished input, kept 7 days: `gantry.out.<session>.<call>.<index>`. */
  outputs: 'GANTRY_OUTPUTS',
  /** Log batches: `gantry.log.<app>.<container>`. */
  logs: 'GANTRY_LOGS',
  /** Runs of scheduled functions, kept 7 days: `gantry.run.<function>.<tick | manual>.<instant>`. */
  runs: 'GANTRY_RUNS',
  /** Which call was made by which input, kept 7 days: `gantry.link.<parent input>.<call>`. */
  links: 'GANTRY_LINKS',
  /** What was done with dicts and queues, one subject for each: `gantry.journal.<id>`. */
  journals: 'GANTRY_JOURNALS',
  /** What containers took up, one message per hour and process of a worker: `gantry.usage.<hour>.<process>`. */
  usage: 'GANTRY_USAGE',
} as const;

export const BUCKETS = {
  /** Apps, deployments, functions and routes. */
  registry: 'gantry_registry',
  /** Claims that expire unless renewed (bucket-wide TTL {@link LEASE_TTL_MS}): the scheduler's. */
  leases: 'gantry_leases',
  /** Clients that keep an ephemeral app alive (bucket-wide TTL). */
  liveness: 'gantry_liveness',
} as const;

export const LEASE_TTL_MS = 4_000;
export const LIVENESS_TTL_MS = 15_000;
/** A worker that is silent for this long is taken for dead. */
export const WORKER_DEAD_AFTER_MS = 6_000;
export const WORKER_HEARTBEAT_MS = 2_000;
/** An input whose worker stops extending its lease is delivered again after this long. */
export const INPUT_LEASE_MS = 8_000;

/** Every NATS subject is built here and nowhere else. */
export const subjects = {
  allInputs: 'gantry.in.>',
  allOutputs: 'gantry.out.>',
  allLogs: 'gantry.log.>',
  allRuns: 'gantry.run.>',
  allLinks: 'gantry.link.>',
  allJournals: 'gantry.journal.*',
  allUsage: 'gantry.usage.>',
  usage: (hourMs: number, source: string) => `gantry.usage.${hourMs}.${source}`,
  journal: (id: string) => `gantry.journal.${id}`,
  /** Requests about dicts and queues ({@link CollectionRequest}), to the server that keeps them. */
  collections: 'gantry.collections',
  /** Requests to whoever answers a subject for where it answers processes of its machine. */
  near: (subject: string) => `${subject}.near`,
  input: (pool: string, callId: string) => `gantry.in.${pool}.${callId}`,
  poolInputs: (pool: string) => `gantry.in.${pool}.*`,
  callInputs: (callId: string) => `gantry.in.*.${callId}`,
  output: (callId: string, index: number) => `gantry.out.${callSessionKey(callId)}.${callId}.${index}`,
  callOutputs: (callId: string) => `gantry.out.${callSessionKey(callId)}.${callId}.*`,
  sessionOutputs: (sessionKey: string) => `gantry.out.${sessionKey}.>`,
  callLink: (parentInputId: string, callId: string) => `gantry.link.${parentInputId}.${callId}`,
  callLinks: (parentInputId: string) => `gantry.link.${parentInputId}.*`,
  log: (appId: string, containerId: string) => `gantry.log.${appId}.${containerId}`,
  appLogs: (appId: string) => `gantry.log.${appId}.*`,
  containerLogs: (containerId: string) => `gantry.log.*.${containerId}`,
  /** Values of a generator on their way to its session ({@link ValuesMessage}); not stored. */
  values: (callId: string) => `gantry.val.${callSessionKey(callId)}.${callId}`,
  sessionValues: (sessionKey: string) => `gantry.val.${sessionKey}.>`,
  /** How far consumers are ({@link CreditMessage}), to the worker that sent the values. */
  credit: (workerId: string) => `gantry.credit.${workerId}`,
  /** The same, to every worker: for consumers that do not know theirs. */
  credits: 'gantry.credit',
  /** Ticks (fired, missed and skipped) and runs by hand are told apart, so that the last tick can be asked for. */
  run: (functionId: string, source: 'tick' | 'manual', instantMs: number) =>
    `gantry.run.${functionId}.${source}.${instantMs}`,
  functionTicks: (functionId: string) => `gantry.run.${functionId}.tick.*`,
  functionRuns: (functionId: string) => `gantry.run.${functionId}.>`,
  /** Servers and gateways tell the scheduler that work waits ({@link DemandMessage}). */
  demand: 'gantry.demand',
  /** Processes that share a rate limit tell each other what they admitted ({@link SpentMessage}). */
  spent: 'gantry.spent',
  /** The scheduler tells every server what has no place ({@link UnplaceableMessage}). */
  unplaceable: 'gantry.unplaceable',
  /** Asks any server how a function is ({@link StatsRequest}). */
  functionStats: 'gantry.stats',
  /** Workers tell everybody how they are ({@link WorkerStatus}). */
  workerStatus: 'gantry.worker.status',
  /** Asks every worker to tell now how it is, without waiting for its next heartbeat. The body is empty. */
  workerAsk: 'gantry.worker.ask',
  /** Requests to one worker ({@link WorkerCommand}). */
  worker: (workerId: string) => `gantry.worker.${workerId}`,
  /** What containers of a gang tell this one ({@link GangLetter}), to its worker. */
  gang: (containerId: string) => `gantry.gang.${containerId}`,
  /** Cancellations, to every worker ({@link CancelMessage}). */
  cancel: 'gantry.cancel',
  /** What a client sends a program in a container ({@link ExecInputRelay}), to the worker that runs it. */
  execInput: (execId: string) => `gantry.exec.${execId}.in`,
  /** What the program sends its client ({@link ExecOutputRelay}), to the server that the client is connected to. */
  execOutput: (execId: string) => `gantry.exec.${execId}.out`,
  /** Bytes of one connection to a container of another machine ({@link PipeMessage}), to that side. */
  pipe: (pipeId: string, to: 'gateway' | 'worker') => `gantry.pipe.${pipeId}.${to}`,
  /**
   * Packets of private networks ({@link PrivatePacketsMessage}), to a worker of a region; workers without one are in one
   * region, too. Case does not count.
   */
  privatePackets: (region: string | undefined, worker: number) =>
    `gantry.private.${region === undefined ? '-' : hex(region.toLowerCase())}.${worker}`,
  /** Asks any gateway to open a tunnel ({@link TunnelRequest}); answered by its {@link TunnelAddress}. */
  tunnel: 'gantry.tunnel',
  /** Inputs whose container crashed, to every worker ({@link CrashMessage}). */
  crash: 'gantry.crash',
} as const;

/** Keys of the registry bucket. */
export const registryKeys = {
  /** All environments, in one record ({@link EnvironmentsRecord}). */
  environments: 'environments',
  app: (appId: string) => `app.${appId}`,
  allApps: 'app.*',
  /** Names may hold dots, so they are the last token group. */
  appName: (environment: string, name: string) => `name.${hex(environment)}.${hex(name)}`,
  deployment: (appId: string, version: number) => `deployment.${appId}.${version}`,
  deployments: (appId: string) => `deployment.${appId}.*`,
  /** What images begin with ({@link BuilderRecord}). */
  imageBuilder: 'imageBuilder',
  /** A built image ({@link ImageRecord}). */
  image: (imageId: string) => `image.${imageId}`,
  /** What a build step came to ({@link StepRecord}), by its key. */
  imageStep: (stepKey: string) => `imageStep.${stepKey}`,
  function: (functionId: string) => `function.${functionId}`,
  allFunctions: 'function.*',
  /** The class parameters of a pool ({@link PoolRecord}); pools of functions without parameters have no entry. */
  pool: (functionId: string, pool: string) => `pool.${functionId}.${pool}`,
  functionPools: (functionId: string) => `pool.${functionId}.*`,
  allPools: 'pool.*.*',
  /** Live settings ({@link AutoscalerRecord}). */
  autoscaler: (functionId: string, pool: string) => `autoscaler.${functionId}.${pool}`,
  functionAutoscalers: (functionId: string) => `autoscaler.${functionId}.*`,
  allAutoscalers: 'autoscaler.*.*',
  volume: (volumeId: string) => `volume.${volumeId}`,
  allVolumes: 'volume.*',
  /** A copy of the record of each volume without a name. */
  ephemeralVolume: (volumeId: string) => `volumeephemeral.${volumeId}`,
  allEphemeralVolumes: 'volumeephemeral.*',
  volumeName: (environment: string, name: string) => `volumename.${hex(environment)}.${hex(name)}`,
  /** Moves at each commit ({@link VolumeHead}). */
  volumeHead: (volumeId: string) => `volumehead.${volumeId}`,
  allVolumeHeads: 'volumehead.*',
  /** Versions that a worker has mounted ({@link VersionsInUse}). */
  versionsInUse: (workerId: string) => `volumeuse.${workerId}`,
  allVersionsInUse: 'volumeuse.*',
  /** Where it is written since when nothing leads to which blocks ({@link BlockNotes}). */
  blockNotes: 'volumeblocks',
  /** A dict or queue ({@link CollectionRecord}). */
  collection: (id: string) => `collection.${id}`,
  allCollections: 'collection.*',
  collectionName: (kind: string, environment: string, name: string) =>
    `collectionname.${kind}.${hex(environment)}.${hex(name)}`,
  route: (host: string) => `route.${hex(host)}`,
  allRoutes: 'route.*',
  /** Where the answer of a long web request is ({@link WebResultRecord}), by the digest of its token. */
  webResult: (digest: string) => `webresult.${digest}`,
  allWebResults: 'webresult.*',
  /** A domain of the workspace ({@link DomainRecord}). */
  domain: (name: string) => `domain.${hex(name)}`,
  allDomains: 'domain.*',
  /** A certificate of an ACME authority ({@link CertificateRecord}). */
  certificate: (name: string) => `certificate.${hex(name)}`,
  allCertificates: 'certificate.*',
  /** {@link AcmeAccountRecord} */
  acmeAccount: (directory: string) => `acmeaccount.${hex(directory)}`,
  /** {@link AcmeChallengeRecord} */
  acmeChallenge: (token: string) => `acmechallenge.${hex(token)}`,
  allAcmeChallenges: 'acmechallenge.*',
  /** A token beside the one that the platform was started with ({@link TokenRecord}). */
  token: (name: string) => `token.${hex(name)}`,
  allTokens: 'token.*',
  /** What a link to the dashboard signs in with ({@link BrowserCodeRecord}), by the digest of the code. */
  browserCode: (digest: string) => `browsercode.${digest}`,
  allBrowserCodes: 'browsercode.*',
  /** A browser that is signed in ({@link BrowserSessionRecord}), by the digest of its cookie. */
  browserSession: (digest: string) => `browsersession.${digest}`,
  allBrowserSessions: 'browsersession.*',
  /** What opens protected web functions ({@link ProxyTokenRecord}). */
  proxyToken: (id: string) => `proxytoken.${id}`,
  allProxyTokens: 'proxytoken.*',
  /** A named secret ({@link SecretRecord}). */
  secret: (environment: string, name: string) => `secret.${hex(environment)}.${hex(name)}`,
  environmentSecrets: (environment: string) => `secret.${hex(environment)}.*`,
  allSecrets: 'secret.*.*',
  /** Values that a version of an app brought ({@link InlineSecretsRecord}). */
  inlineSecrets: (appId: string, version: number) => `inlineSecrets.${appId}.${version}`,
  appInlineSecrets: (appId: string) => `inlineSecrets.${appId}.*`,
  allInlineSecrets: 'inlineSecrets.*.*',
  /** Which key seals secrets ({@link SealingKeyRecord}). */
  sealingKey: 'sealingKey',
  /** Who issues tokens of containers, and with which keys ({@link IdentityRecord}). */
  identity: 'identity',
  /** By what addresses of this workspace begin ({@link PrivateNetworkRecord}). */
  privateNetwork: 'privateNetwork',
} as const;

function hex(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
