import type { BlobStore } from '@gantry/blobs';
import type { EnvironmentDirectory, Messaging } from '@gantry/messaging';
import {
  type AppRecord,
  assertName,
  assertRunName,
  type DeploymentRecord,
  type DeployReply,
  type DeployRequest,
  type Environments,
  filesOfManifest,
  type FunctionRecord,
  type FunctionSpec,
  GantryError,
  InvalidError,
  isId,
  newId,
  NotFoundError,
  registryKeys,
  type SecretRef,
} from '@gantry/protocol';

import type { AppStopper } from '../app-stopper.ts';
import type { CompleteServerConfig } from '../config.ts';
import type { DomainStore } from '../domains/domain-store.ts';
import type { WorkerObserver } from '../worker-observer.ts';
import { anchorSchedules } from '../schedules/schedule-anchor.ts';
import { assertImagesPossible } from './image-support.ts';
import type { DeployImages } from '../images/deploy-images.ts';
import { functionId } from './function-ids.ts';
import { functionImage } from './function-image.ts';
import { type HostEntry, hostsOf, hostUrl } from './host-names.ts';
import type { DeployedSecrets } from './deployed-secrets.ts';
import type { DeployedVolumes } from './deployed-volumes.ts';
import { fitWarnings } from './machine-fit.ts';
import { RevocableChanges } from './revocable-changes.ts';
import { pagePathOf } from './page-path.ts';
import { RouteClaim } from './route-claim.ts';

export interface DeployerOptions {
  messaging: Pick<Messaging, 'registry'> & {
    leases: Pick<Messaging['leases'], 'acquire' | 'release' | 'touch'>;
  };
  blobs: Pick<BlobStore, 'has'>;
  config: Pick<CompleteServerConfig, 'workspace' | 'domain' | 'gatewayUrl' | 'log'>;
  serverId: string;
  environments: Pick<EnvironmentDirectory, 'idOf' | 'nameOf' | 'find' | 'refresh'>;
  stopper: Pick<AppStopper, 'retire' | 'freeRoutes'>;
  secrets: Pick<DeployedSecrets, 'check' | 'keep' | 'discard'>;
  volumes: Pick<DeployedVolumes, 'check' | 'open'>;
  domains: Pick<DomainStore, 'check'>;
  workers: Pick<WorkerObserver, 'statuses' | 'ask' | 'onStatus'>;
  images: Pick<DeployImages, 'resolve'>;
}

/** An app on its way to its next version. */
interface Target {
  app: AppRecord;
  /** Revision of the app's record; undefined for a new app. */
  revision: number | undefined;
}

/** What a client asks for, or what a rollback repeats. */
export interface DeployOrder extends DeployRequest {
  rollbackOf?: number | undefined;
  /** The version whose inline secrets it repeats. */
  inlineFrom?: { appId: string; version: number } | undefined;
}

const TURN_TIMEOUT_MS = 10_000;
const TURN_RETRY_MS = 100;
const RETIRE_AGAIN_MS = 1_000;
const RETIRE_TRIES = 600;

/**
 * Puts a new version of an app in place.
 *
 * Everything that can fail for reasons of the request comes first and changes nothing. Then, one deploy of an
 * app at a time: deployment record, routes, name, functions, and last the app's record, which makes the version
 * count. If a step fails, what was written is taken back, but for the deployment record: its number stays used,
 * since containers of that version may have been started.
 */
export class Deployer {
  readonly #options: DeployerOptions;

  constructor(options: DeployerOptions) {
    this.#options = options;
  }

  /**
   * @throws NotFoundError for missing blobs, secrets, volumes and domains, an unknown environment or app id, InvalidError for a request that contradicts
   * itself or has images that no worker can have, GantryError `CONFLICT` for host names of other apps.
   */
  async deploy(asked: DeployOrder): Promise<DeployReply> {
    const name = await this.check(asked);
    const environment = await this.#options.environments.idOf(asked.environment);
    const request = { ...asked, environment };
    const images = await this.#options.images.resolve(request);
    const warnings = fitWarnings(request.manifest.functions, this.#options.workers.statuses());
    const turn = `deploy.${turnKey(request, name)}`;
    const fence = await this.#takeTurn(turn);
    try {
      const reply = await this.#deployInTurn({ ...request, images }, name);
      return warnings.length > 0 ? { ...reply, warnings } : reply;
    } finally {
      await this.#options.messaging.leases.release(turn, fence).catch(() => undefined);
    }
  }

  /** Whether all is there that a deploy needs, but for images; resolves with the name of the app, if it has one. */
  async check(request: DeployOrder): Promise<string | undefined> {
    const name = request.name ?? request.manifest.appName;
    this.#checkRequest(request, name);
    await this.#options.environments.idOf(request.environment);
    await assertImagesPossible(request.manifest, this.#options.workers);
    await this.#checkBlobs(request);
    await this.#options.secrets.check(request);
    await this.#options.volumes.check(request);
    if (!request.ephemeral) await this.#options.domains.check(request.manifest);
    return name;
  }

  #checkRequest(request: DeployRequest, name: string | undefined): void {
    const { ephemeral, detach, interactive, appId } = request;
    if (!ephemeral && (detach || interactive || appId !== undefined)) {
      throw new InvalidError('only an ephemeral app can be detached, interactive, or replaced by id', {
        hint: 'Set "ephemeral", or leave out "detach", "interactive" and "appId".',
      });
    }
    if (ephemeral) {
      if (name !== undefined) assertRunName(name);
    } else if (name !== undefined) assertName('app', name);
    else {
      throw new InvalidError('an app needs a name to be deployed', {
        hint: "Name it in code, new App('name'), or with the option --name.",
      });
    }
  }

  async #checkBlobs({ manifest }: DeployRequest): Promise<void> {
    const files = filesOfManifest(manifest);
    const present = await Promise.all(files.map(({ digest }) => this.#options.blobs.has(digest)));
    const missing = files.filter((_, index) => !present[index]).map(({ digest }) => digest);
    if (missing.length === 0) return;
    throw new NotFoundError(`the server lacks ${missing.map((digest) => `"${digest}"`).join(', ')}`, {
      hint: 'Upload all files of the manifest before the deploy.',
      details: { missing },
    });
  }

  async #deployInTurn(request: DeployOrder, name: string | undefined): Promise<DeployReply> {
    const { messaging, config } = this.#options;
    const { manifest, environment, ephemeral = false } = request;
    const { app, revision } = await this.#target(request, name);
    const { webSuffix } = await this.#options.environments.find(environment);
    const { workspace, domain } = config;
    const hosts = hostsOf(manifest.functions, { workspace, webSuffix, appName: name, ephemeral, domain });
    const routes = new RouteClaim(messaging.registry, app, ephemeral);
    await routes.check(hosts);
    const deployment = await this.#recordDeployment(app, request);
    const { version } = deployment;
    const volumes = await this.#options.volumes.open(request);
    const unscheduled: FunctionRecord[] = [];
    for (const written of manifest.functions) {
      const spec = await withEnvironmentIds(written, this.#options.environments);
      const own = volumes.get(spec.name);
      unscheduled.push(this.#functionRecord({ app, version, spec, hosts, request, volumes: own }));
    }
    const hasSchedules = !ephemeral || request.schedules === true;
    const records = hasSchedules
      ? await anchorSchedules(messaging.registry, unscheduled, deployment.deployedAtMs)
      : unscheduled;
    if (ephemeral) await messaging.leases.touch(app.id);
    const changes = new RevocableChanges(messaging.registry, config.log);
    try {
      await this.#options.secrets.keep(request, deployment);
      await routes.claim(hosts, changes);
      if (revision === undefined) await this.#claimName(app, changes);
      await writeAll(records, changes);
      await this.#assertKept(environment);
      const before = revision === undefined ? undefined : { value: app, revision };
      const done = await changes.set(
        registryKeys.app(app.id),
        { ...app, description: manifest.description, version, deployedAtMs: deployment.deployedAtMs },
        before,
      );
      if (!done) throw changedMeanwhile(app);
    } catch (error) {
      await changes.undo();
      await this.#options.secrets.discard(request, deployment).catch(() => undefined);
      await this.#markFailed(deployment);
      throw error;
    }
    const removed = await this.#retireUntilDone({ appId: app.id, version, records, hosts });
    const functions = records.map(({ id, spec, urls }) => ({ id, name: spec.name, kind: spec.kind, urls }));
    config.log.info({ appId: app.id, name, version, functions: functions.length }, 'deployed');
    const place = this.#options.environments.nameOf(environment);
    const pagePath = pagePathOf(config.workspace, { ...app, name, environment: place });
    return {
      appId: app.id,
      appName: name,
      version,
      functions,
      pagePath,
      ...(removed.length > 0 && { removed }),
    };
  }

  /** @throws NotFoundError if the environment was deleted while the deploy was under way. */
  async #assertKept(environment: string): Promise<void> {
    await this.#options.environments.refresh();
    await this.#options.environments.find(environment);
  }

  async #target(request: DeployRequest, name: string | undefined): Promise<Target> {
    const { environment, ephemeral, detach, appId } = request;
    if (ephemeral && appId !== undefined) return await this.#runningEphemeral(appId, environment);
    if (!ephemeral && name !== undefined) {
      const { registry } = this.#options.messaging;
      const named = await registry.get<{ appId: string }>(registryKeys.appName(environment, name));
      const entry = named && (await registry.get<AppRecord>(registryKeys.app(named.value.appId)));
      if (entry && entry.value.state !== 'stopped') return { app: entry.value, revision: entry.revision };
    }
    const state = ephemeral ? (detach ? 'detached' : 'ephemeral') : 'deployed';
    const app: AppRecord = { id: newId('ap'), name, environment, state, version: 0, createdAtMs: Date.now() };
    return { app, revision: undefined };
  }

  async #runningEphemeral(appId: string, environment: string): Promise<Target> {
    const { registry } = this.#options.messaging;
    const entry = isId(appId, 'ap') ? await registry.get<AppRecord>(registryKeys.app(appId)) : undefined;
    if (!entry || entry.value.environment !== environment || entry.value.state === 'stopped') {
      throw new NotFoundError(`the ephemeral app "${appId}" does not run`, { hint: 'Start it anew.' });
    }
    if (entry.value.state === 'deployed') {
      throw new InvalidError(`app "${appId}" is deployed, not ephemeral`, { hint: 'Deploy it by its name.' });
    }
    return { app: entry.value, revision: entry.revision };
  }

  // A version number that a failed deploy used up is left out.
  async #recordDeployment(app: AppRecord, order: DeployOrder): Promise<DeploymentRecord> {
    const { registry } = this.#options.messaging;
    for (let version = app.version + 1; ; version++) {
      const { manifest, images, tag, commit, deployedBy, rollbackOf } = order;
      const said = { images, tag, commit, deployedBy, rollbackOf };
      const record = { appId: app.id, version, deployedAtMs: Date.now(), manifest, ...said };
      if (await registry.create(registryKeys.deployment(app.id, version), record)) return record;
    }
  }

  // For the history alone, so its own failure must not hide why the deploy failed.
  async #markFailed(deployment: DeploymentRecord): Promise<void> {
    const { registry } = this.#options.messaging;
    const key = registryKeys.deployment(deployment.appId, deployment.version);
    await registry.put(key, { ...deployment, failed: true }).catch(() => undefined);
  }

  #functionRecord({ app, version, spec, hosts, request, volumes }: FunctionParts): FunctionRecord {
    const { bundle, sourceMap } = request.manifest;
    const { packages, image } = functionImage(request, spec);
    const own = hosts.filter((entry) => entry.functionName === spec.name && !entry.custom);
    const pick = ({ digest, sizeBytes }: { digest: string; sizeBytes: number }) => ({ digest, sizeBytes });
    return {
      id: functionId(app.id, spec.name),
      appId: app.id,
      // By name only deployed apps are found: an ephemeral run must not stand in for the real app.
      appName: app.state === 'deployed' ? app.name : undefined,
      environment: app.environment,
      workspace: this.#options.config.workspace,
      version,
      spec,
      bundle: pick(bundle),
      sourceMap: pick(sourceMap),
      packages: packages && pick(packages),
      image,
      interactive: request.interactive,
      volumes,
      urls: Object.fromEntries(
        own.map(({ method, host }) => [method, hostUrl(host, this.#options.config.gatewayUrl)]),
      ),
    };
  }

  async #claimName(app: AppRecord, changes: RevocableChanges): Promise<void> {
    if (app.state !== 'deployed' || app.name === undefined) return;
    const key = registryKeys.appName(app.environment, app.name);
    const entry = await this.#options.messaging.registry.get(key);
    if (!(await changes.set(key, { appId: app.id }, entry))) throw changedMeanwhile(app);
  }

  // The version counts already: that something of the old one is left is no failure of the deploy.
  async #retireUntilDone(deployed: Deployed, tries = RETIRE_TRIES): Promise<string[]> {
    try {
      return await this.#retireGone(deployed);
    } catch (err) {
      const { appId, version } = deployed;
      this.#options.config.log.warn({ err, appId, version }, 'the former version is not retired yet');
      if (tries > 1)
        setTimeout(() => void this.#retireUntilDone(deployed, tries - 1), RETIRE_AGAIN_MS).unref();
      return [];
    }
  }

  /** Resolves with the names of functions that the version no longer has. */
  async #retireGone({ appId, version, records, hosts }: Deployed): Promise<string[]> {
    const { messaging, stopper } = this.#options;
    const app = await messaging.registry.get<AppRecord>(registryKeys.app(appId));
    // A later deploy retires by itself.
    if (app?.value.version !== version) return [];
    const ids = new Set(records.map(({ id }) => id));
    const kept = new Set(hosts.map(({ host }) => host));
    const all = await messaging.registry.list<FunctionRecord>(registryKeys.allFunctions);
    const own = all.map(({ value }) => value).filter((record) => record.appId === appId);
    for (const record of own) {
      if (ids.has(record.id)) await stopper.freeRoutes(appId, record.id, kept);
      else await stopper.retire(record);
    }
    const gone = own.filter((record) => !ids.has(record.id) && !record.stopped);
    return gone.map(({ spec }) => spec.name).sort();
  }

  async #takeTurn(turn: string): Promise<number> {
    const { leases } = this.#options.messaging;
    const giveUpAtMs = Date.now() + TURN_TIMEOUT_MS;
    for (;;) {
      const fence = await leases.acquire(turn, this.#options.serverId);
      if (fence !== undefined) return fence;
      if (Date.now() > giveUpAtMs) {
        throw new GantryError('CONFLICT', 'another deploy of this app is under way', {
          hint: 'Try again after it.',
        });
      }
      await new Promise((resolve) => setTimeout(resolve, TURN_RETRY_MS));
    }
  }
}

/** A version that counts from now on. */
interface Deployed {
  appId: string;
  version: number;
  records: FunctionRecord[];
  hosts: HostEntry[];
}

interface FunctionParts {
  app: AppRecord;
  version: number;
  spec: DeployRequest['manifest']['functions'][number];
  hosts: HostEntry[];
  request: DeployRequest;
  volumes: FunctionRecord['volumes'];
}

/** All at once, and returns only when none is under way any more: what is under way cannot be taken back. */
async function writeAll(records: readonly FunctionRecord[], changes: RevocableChanges): Promise<void> {
  const writes = records.map((record) => changes.put(registryKeys.function(record.id), record));
  const failed = (await Promise.allSettled(writes)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

// A secret stays the same one when its environment gets another name.
async function withEnvironmentIds(
  spec: FunctionSpec,
  environments: Pick<Environments, 'idOf'>,
): Promise<FunctionSpec> {
  const { secrets } = spec.options;
  if (!secrets?.some((ref) => ref.type === 'named' && ref.environment !== undefined)) return spec;
  const found: SecretRef[] = [];
  for (const ref of secrets) {
    const isElsewhere = ref.type === 'named' && ref.environment !== undefined;
    found.push(isElsewhere ? { ...ref, environment: await environments.idOf(ref.environment ?? '') } : ref);
  }
  return { ...spec, options: { ...spec.options, secrets: found } };
}

function turnKey({ environment, ephemeral, appId }: DeployRequest, name: string | undefined): string {
  if (ephemeral) return appId ?? newId('ap');
  return registryKeys.appName(environment, name ?? '');
}

function changedMeanwhile(app: AppRecord): GantryError {
  return new GantryError(
    'CONFLICT',
    `app "${app.name ?? app.id}" was changed by somebody else during this deploy`,
    {
      hint: 'Look at its state, then deploy again.',
    },
  );
}
