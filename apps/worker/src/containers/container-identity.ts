import type { Environments } from '@gantry/protocol';
import type { IdentityKeys } from '@gantry/secrets';
import type { Logger } from '@gantry/telemetry';

import type { ContainerOrder } from './load-message.ts';

export interface ContainerIdentityParts {
  keys: Pick<IdentityKeys, 'sign'>;
  environments: Pick<Environments, 'open' | 'nameOf'>;
  log: Logger;
  /** How long the tokens that the keys sign are valid. */
  tokenMs: number;
}

/** A token is renewed after this part of its life, so that who has read the one before can go on for long. */
const RENEWED_AFTER = 1 / 2;
/** Looked at so often in its life: a machine that slept, or could not sign, is not long behind. */
const LOOKS = 48;

/** Gives containers tokens with which they can prove to others who they are. */
export class ContainerIdentity {
  readonly #keys: Pick<IdentityKeys, 'sign'>;
  readonly #environments: Pick<Environments, 'open' | 'nameOf'>;
  readonly #log: Logger;
  readonly #tokenMs: number;

  constructor({ keys, environments, log, tokenMs }: ContainerIdentityParts) {
    this.#keys = keys;
    this.#environments = environments;
    this.#log = log;
    this.#tokenMs = tokenMs;
  }

  /**
   * The token of a container; undefined for those of apps that are only run, whose names anybody may use, and of
   * functions that may access nothing.
   */
  async tokenFor(order: ContainerOrder): Promise<string | undefined> {
    const { appName, spec } = order.record;
    if (appName === undefined || spec.options.restrictAccess) return undefined;
    try {
      await this.#environments.open();
      const environmentName = this.#environments.nameOf(order.record.environment);
      return await this.#keys.sign(claimsOf(order, { appName, environmentName }));
    } catch (err) {
      this.#log.warn({ err, containerId: order.containerId }, 'a container has no identity token');
      return undefined;
    }
  }

  /** Calls back with each token that follows the first, until the returned function is called. */
  renew(order: ContainerOrder, onToken: (token: string) => void): () => void {
    let signedAtMs = Date.now();
    const look = async (): Promise<void> => {
      if (Date.now() - signedAtMs < this.#tokenMs * RENEWED_AFTER) return;
      const token = await this.tokenFor(order);
      if (token === undefined) return;
      signedAtMs = Date.now();
      onToken(token);
    };
    const timer = setInterval(() => void look(), this.#tokenMs / LOOKS).unref();
    return () => clearInterval(timer);
  }
}

function claimsOf(
  { containerId, record }: ContainerOrder,
  { appName, environmentName }: { appName: string; environmentName: string },
): Record<string, string> {
  const { id, appId, workspace = '', spec } = record;
  // From the general to the particular: others grant access to whatever begins with a text.
  const subject = {
    workspace_id: workspace,
    environment_name: environmentName,
    app_name: appName,
    function_name: spec.name,
    container_id: containerId,
  };
  const sub = ['gantry', ...Object.entries(subject).flat()].join(':');
  return { sub, ...subject, app_id: appId, function_id: id };
}
