import type { IdentityKeys } from '@gantry/secrets';
import type { Logger } from '@gantry/telemetry';

import type { ContainerOrder } from './load-message.ts';

/** Gives containers tokens with which they can prove to others who they are. */
export class ContainerIdentity {
  readonly #keys: Pick<IdentityKeys, 'sign'>;
  readonly #log: Logger;

  constructor(keys: Pick<IdentityKeys, 'sign'>, log: Logger) {
    this.#keys = keys;
    this.#log = log;
  }

  /**
   * The token of a container; undefined for those of apps that are only run, whose names anybody may use, and of
   * functions that may access nothing.
   */
  async tokenFor(order: ContainerOrder): Promise<string | undefined> {
    const { appName, spec } = order.record;
    if (appName === undefined || spec.options.restrictAccess) return undefined;
    try {
      return await this.#keys.sign(claimsOf(order, appName));
    } catch (err) {
      this.#log.warn({ err, containerId: order.containerId }, 'a container has no identity token');
      return undefined;
    }
  }
}

function claimsOf({ containerId, record }: ContainerOrder, appName: string): Record<string, string> {
  const { id, appId, environment, workspace = '', spec } = record;
  // From the general to the particular: others grant access to whatever begins with a text.
  const subject = {
    workspace_id: workspace,
    environment_name: environment,
    app_name: appName,
    function_name: spec.name,
    container_id: containerId,
  };
  const sub = ['gantry', ...Object.entries(subject).flat()].join(':');
  return { sub, ...subject, app_id: appId, function_id: id };
}
