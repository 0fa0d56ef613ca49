import type { Registry } from '@gantry/messaging';
import { registryKeys, type AcmeChallengeRecord } from '@gantry/protocol';

export type AcmeRegistry = Pick<Registry, 'get' | 'create' | 'update' | 'delete' | 'watch'>;

const PATH = '/.well-known/acme-challenge/';

/** What an ACME authority asks for, over plain HTTP or in TLS: it may come to any gateway, so each knows all answers. */
export class Challenges {
  readonly #registry: AcmeRegistry;
  /** By their keys in the registry. */
  readonly #pending = new Map<string, AcmeChallengeRecord>();
  #watch: { stop(): void } | undefined;

  private constructor(registry: AcmeRegistry) {
    this.#registry = registry;
  }

  static async follow(registry: AcmeRegistry): Promise<Challenges> {
    const challenges = new Challenges(registry);
    challenges.#watch = await registry.watch<AcmeChallengeRecord>(
      registryKeys.allAcmeChallenges,
      ({ key, value }) => {
        if (value) challenges.#pending.set(key, value);
        else challenges.#pending.delete(key);
      },
    );
    return challenges;
  }

  /** What to answer for the path of a request; undefined for all that is no challenge of ours. */
  answerAt(path: string): string | undefined {
    const token = path.startsWith(PATH) ? path.slice(PATH.length) : '';
    return this.#find((record) => record.host === undefined && record.token === token);
  }

  /** True while an authority may ask in TLS. */
  get hasTls(): boolean {
    return this.#find(({ host }) => host !== undefined) !== undefined;
  }

  /** What to answer in TLS for a host. */
  answerFor(host: string): string | undefined {
    return this.#find((record) => record.host === host);
  }

  async publish(record: AcmeChallengeRecord): Promise<void> {
    const key = registryKeys.acmeChallenge(record.token);
    this.#pending.set(key, record);
    await this.#registry.create(key, record);
  }

  async remove(token: string): Promise<void> {
    await this.#registry.delete(registryKeys.acmeChallenge(token));
  }

  #find(isMeant: (record: AcmeChallengeRecord) => boolean): string | undefined {
    for (const record of this.#pending.values()) if (isMeant(record)) return record.answer;
    return undefined;
  }

  close(): void {
    this.#watch?.stop();
  }
}
