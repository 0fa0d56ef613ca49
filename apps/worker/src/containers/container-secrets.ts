import type { FunctionRecord, SecretRef, SecretValues } from '@gantry/protocol';
import type { InlineSecrets, SecretOpener } from '@gantry/secrets';

/** Opens the secrets of containers that start here: the one place where a worker sees values. */
export class ContainerSecrets {
  readonly #opener: Pick<SecretOpener, 'open'>;
  readonly #inline: Pick<InlineSecrets, 'open'>;

  constructor(opener: Pick<SecretOpener, 'open'>, inline: Pick<InlineSecrets, 'open'>) {
    this.#opener = opener;
    this.#inline = inline;
  }

  /**
   * The variables for a container of this function.
   *
   * @throws NotFoundError for a secret that is gone, or has lost a key that it must have.
   */
  async open(record: FunctionRecord): Promise<SecretValues> {
    const { secrets = [] } = record.spec.options;
    return secrets.length === 0 ? {} : await this.valuesOf(record, secrets);
  }

  /** What some of the secrets of a function hold. */
  async valuesOf(
    { environment, appId, version }: FunctionRecord,
    secrets: readonly SecretRef[],
  ): Promise<SecretValues> {
    const inline = (index: number) => this.#inline.open({ appId, version }, index);
    return await this.#opener.open(secrets, { environment, inline });
  }
}
