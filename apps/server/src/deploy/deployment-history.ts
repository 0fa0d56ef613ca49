import type { Messaging } from '@gantry/messaging';
import {
  type AppInterface,
  type AppRecord,
  type DeploymentRecord,
  type DeploymentSummary,
  type DeployReply,
  type FunctionInterface,
  type FunctionSpec,
  GantryError,
  NotFoundError,
  registryKeys,
  type RollbackRequest,
} from '@gantry/protocol';

import type { Deployer } from './deployer.ts';

/** The versions of apps: what they were, and the way back to one. */
export class DeploymentHistory {
  readonly #messaging: Messaging;
  readonly #deployer: Deployer;

  constructor(messaging: Messaging, deployer: Deployer) {
    this.#messaging = messaging;
    this.#deployer = deployer;
  }

  /** Every version that served or serves, newest first. */
  async list(app: AppRecord): Promise<DeploymentSummary[]> {
    const deployments = await this.#deployments(app);
    return deployments.map((record) => ({
      version: record.version,
      deployedAtMs: record.deployedAtMs,
      live: record.version === app.version && app.state !== 'stopped',
      tag: record.tag,
      commit: record.commit,
      deployedBy: record.deployedBy,
      rollbackOf: record.rollbackOf,
      functions: record.manifest.functions.length,
    }));
  }

  /** What others may call of the version that is live. */
  async interfaceOf(app: AppRecord): Promise<AppInterface> {
    const live = (await this.#deployments(app)).find(({ version }) => version === app.version);
    const { functions = [], types = {} } = live?.manifest ?? {};
    return {
      app: app.name ?? app.id,
      environment: app.environment,
      version: app.version,
      functions: functions.map((each) => interfaceOf(each)).filter(({ methods }) => methods.length > 0),
      types,
    };
  }

  /**
   * Deploys the content of an older version once more: a new, higher version, as atomic as any deploy.
   *
   * @throws GantryError `CONFLICT` if the app is not deployed, NotFoundError for a version that never served.
   */
  async rollback(app: AppRecord, request: RollbackRequest): Promise<DeployReply> {
    const label = app.name ?? app.id;
    if (app.state !== 'deployed') {
      throw new GantryError(
        'CONFLICT',
        `app "${label}" is ${app.state}: only a deployed app has a way back`,
        {
          hint: 'Deploy it from its sources.',
        },
      );
    }
    const deployments = await this.#deployments(app);
    const isWanted = ({ version }: DeploymentRecord) =>
      request.version === undefined ? version < app.version : version === request.version;
    const target = deployments.find(isWanted);
    if (!target) throw noSuchVersion(label, request.version, deployments);
    const { manifest, images, tag, commit } = target;
    const { environment, name } = app;
    const { deployedBy } = request;
    const inlineFrom = { appId: app.id, version: target.version };
    const origin = { tag, commit, deployedBy, rollbackOf: target.version, inlineFrom };
    return await this.#deployer.deploy({ manifest, images, environment, name, ...origin });
  }

  async #deployments(app: AppRecord): Promise<DeploymentRecord[]> {
    const found = await this.#messaging.registry.list<DeploymentRecord>(registryKeys.deployments(app.id));
    return (
      found
        .map(({ value }) => value)
        // A number above the live one belongs to a deploy under way, or to one that was cut off.
        .filter((record) => !record.failed && record.version <= app.version)
        .sort((left, right) => right.version - left.version)
    );
  }
}

function interfaceOf({ name, kind, doc, parameters, methods }: FunctionSpec): FunctionInterface {
  return {
    name,
    kind,
    doc,
    parameters,
    methods: methods
      .filter(({ callable }) => callable)
      .map((method) => ({
        name: method.name,
        handlerKind: method.handlerKind,
        signature: method.signature,
        doc: method.doc,
      })),
  };
}

function noSuchVersion(
  label: string,
  version: number | undefined,
  deployments: DeploymentRecord[],
): NotFoundError {
  const known = deployments.map((record) => `v${record.version}`).join(', ');
  if (version === undefined) {
    return new NotFoundError(`app "${label}" has no version before the live one`, {
      hint: 'There is nothing to go back to yet.',
    });
  }
  return new NotFoundError(`app "${label}" has no version v${version}`, { hint: `Its versions: ${known}.` });
}
