import type { Container, ContainerVolume, PrivateLink } from '@gantry/containers';
import { type IdentityMessage, isGantryError, type LoadMessage, type SecretValues } from '@gantry/protocol';
import { SecretMask } from '@gantry/secrets';

import type { ContainerProcess } from './container-process.ts';
import type { ContainerSurroundings } from './container-surroundings.ts';
import { volumesLost } from './explain-end.ts';
import { identityVariables, loadMessage, type ContainerOrder } from './load-message.ts';
import { startContainer } from './start-options.ts';

const NO_SNAPSHOT = 'no memory snapshot: this worker makes none, so all @enter hooks run at each start';

type Identity = Pick<IdentityMessage, 'token' | 'path'>;

interface IdentityPlace {
  container: Container;
  process: ContainerProcess;
  secrets: SecretValues;
  /** The variables of what runs in the container. */
  env: Record<string, string>;
}

type Needs = [
  bundle: string,
  secrets: SecretValues,
  identityToken: string | undefined,
  environmentName: string,
];

/** From an order to a container whose process runs, and to the message that has it load its code. */
export class ContainerLaunch {
  readonly #order: ContainerOrder;
  readonly #around: ContainerSurroundings;
  readonly #needs: Promise<Needs>;
  #privateLink: PrivateLink | undefined;

  /** What its code needs is on its way from now on. */
  constructor(order: ContainerOrder, around: ContainerSurroundings) {
    this.#order = order;
    this.#around = around;
    const { bundles, secrets, identity, environments, driver, containerLog } = around;
    const { record, containerId } = order;
    containerLog.routine(`container ${containerId} starts`);
    if (record.spec.options.enableMemorySnapshot && !driver.capabilities.snapshots)
      containerLog.system(NO_SNAPSHOT);
    const environmentName = environments.open().then(() => environments.nameOf(record.environment));
    const token = identity.tokenFor(order);
    this.#needs = Promise.all([bundles.open(record), secrets.open(record), token, environmentName]);
    // Awaited in time; until then its failure is nobody's.
    this.#needs.catch(() => undefined);
  }

  /**
   * Starts the process, which has a place for each of these volumes, its buckets, and its private network.
   *
   * @param onLost - Called with a reason when it has lost one of these.
   */
  async start(shown: readonly ContainerVolume[], onLost: (reason: string) => void): Promise<Container> {
    const { buckets, privateNetwork } = this.#around;
    const opened = await buckets.open(this.#order, (error) => onLost(volumesLost(error)));
    const release = (): void => {
      opened.release();
      if (this.#privateLink) privateNetwork.release(this.#privateLink);
    };
    try {
      if (this.#order.record.spec.options.privateNetwork) {
        this.#privateLink = await privateNetwork.take(() => onLost('its private network is gone'));
      }
      const container = await startContainer(this.#order, {
        ...this.#around,
        shown: [...shown, ...opened.shown],
        privateLink: this.#privateLink,
      });
      void container.exited.then(release);
      return container;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Puts files and secrets in place; resolves to the order for the runner. */
  async loadMessage(
    container: Container,
    process: ContainerProcess,
    maxInputs: number,
  ): Promise<LoadMessage> {
    const { bundles, driver, containerLog, machine, gang } = this.#around;
    const { record, gpus = [] } = this.#order;
    if (record.image && !driver.capabilities.images) {
      await bundles.placeFiles(container.directory, record.image.files);
    }
    const [bundle, secrets, token, environmentName] = await this.#needs;
    const cluster = await gang?.info(this.#privateLink?.address ?? '');
    containerLog.mask(new SecretMask({ ...secrets, ...(token && { token }) }));
    const identity = token === undefined ? undefined : { token, path: container.identityTokenPath };
    const message = loadMessage(this.#order, {
      bundlePath: process.pathInside(bundle),
      httpSocketPath: process.innerSocketPath,
      maxInputs,
      secrets,
      identity,
      environmentName,
      privateAddress: this.#privateLink?.address,
      cluster,
      machine: machine.environment(gpus),
    });
    if (identity) this.#keepIdentity(identity, { container, process, secrets, env: message.env });
    return message;
  }

  /** Has the runner write the token where its code finds it, now and whenever there is a new one. */
  #keepIdentity(first: Identity, { container, process, secrets, env }: IdentityPlace): void {
    const { identity, containerLog } = this.#around;
    process.send({ type: 'identity', ...first });
    let { token } = first;
    const stop = identity.renew(this.#order, (next) => {
      // The one before is valid for a while yet, so nobody may see it either.
      containerLog.mask(new SecretMask({ ...secrets, token: next, before: token }));
      token = next;
      // What is run beside the code from now on begins with it.
      Object.assign(env, identityVariables({ ...first, token }));
      process.send({ type: 'identity', ...first, token });
    });
    void container.exited.then(stop);
  }

  /** Says to operators why there is no container. */
  logFailure(error: unknown): void {
    const { log } = this.#around;
    const { containerId } = this.#order;
    if (isGantryError(error) && error.blame !== 'platform') {
      log.info({ containerId, reason: error.message }, 'a container cannot start');
    } else log.error({ err: error, containerId }, 'a container could not be started');
  }
}
