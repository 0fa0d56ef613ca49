import type { InlineSecrets, SecretOpener, SecretStore } from '@gantry/secrets';
import {
  assertSecretValues,
  InvalidError,
  type Manifest,
  type SecretRef,
  secretRefsOf,
  type SecretValues,
} from '@gantry/protocol';

/** What a deploy says about secrets. */
export interface SecretOrder {
  manifest: Pick<Manifest, 'functions' | 'images'>;
  environment: string;
  /** Values of inline secrets, from the client. */
  secrets?: Record<string, SecretValues> | undefined;
  /** The older version that a rollback repeats: its values count. */
  inlineFrom?: { appId: string; version: number } | undefined;
}

export interface DeployedSecretsOptions {
  store: Pick<SecretStore, 'assert'>;
  inline: Pick<InlineSecrets, 'save' | 'copy' | 'open' | 'delete'>;
  opener: Pick<SecretOpener, 'open'>;
}

/** The secrets of one deploy: whether they are there, and where the values go that the client brought. */
export class DeployedSecrets {
  readonly #options: DeployedSecretsOptions;

  constructor(options: DeployedSecretsOptions) {
    this.#options = options;
  }

  /**
   * @throws NotFoundError for a named secret that does not exist or lacks a key, InvalidError if the client did not send
   * the values of an inline one.
   */
  async check(order: SecretOrder): Promise<void> {
    for (const ref of secretRefsOf(order.manifest)) {
      if (ref.type === 'inline') {
        if (!order.inlineFrom) assertSecretValues(`inline secret ${ref.index}`, valuesIn(order, ref.index));
        continue;
      }
      await this.#options.store.assert(ref.environment ?? order.environment, ref.name, ref.requiredKeys);
    }
  }

  /** Keeps the values that functions of this version need when their containers start. */
  async keep(order: SecretOrder, app: { appId: string; version: number }): Promise<void> {
    const indexes = inlineIndexes(order);
    if (indexes.length === 0) return;
    if (order.inlineFrom) return await this.#options.inline.copy(app, order.inlineFrom.version);
    const values = new Map(indexes.map((index) => [index, valuesIn(order, index)]));
    await this.#options.inline.save(app, values);
  }

  /** Takes back what {@link keep} kept. */
  async discard(order: SecretOrder, app: { appId: string; version: number }): Promise<void> {
    if (inlineIndexes(order).length > 0) await this.#options.inline.delete(app);
  }

  /** The variables of secrets while the deploy is under way, for steps of images. */
  async open(order: SecretOrder, refs: readonly SecretRef[]): Promise<SecretValues> {
    const { environment, inlineFrom } = order;
    const inline = (index: number) =>
      inlineFrom ? this.#options.inline.open(inlineFrom, index) : valuesIn(order, index);
    return await this.#options.opener.open(refs, { environment, inline });
  }
}

function inlineIndexes({ manifest }: SecretOrder): number[] {
  const refs = secretRefsOf(manifest);
  return [...new Set(refs.flatMap((ref) => (ref.type === 'inline' ? [ref.index] : [])))];
}

function valuesIn({ secrets = {} }: SecretOrder, index: number): SecretValues {
  const values = Object.hasOwn(secrets, index) ? secrets[index] : undefined;
  if (values) return values;
  throw new InvalidError(`the deploy lacks the values of inline secret ${index}`, {
    hint: 'Deploy with the "gantry" command: it reads them from the code.',
  });
}
