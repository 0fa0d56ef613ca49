import type { Registry } from '@gantry/messaging';
import { registryKeys, type AcmeChallengeRecord } from '@gantry/protocol';

export type AcmeRegistry = Pick<Registry, 'get' | 'create' | 'update' | 'delete' | 'watch'>;

const PATH = '/.well-known/acme-challenge/';

/** What an ACME authority asks for at a plain HTTP port: it may come to any gateway, so each knows all answers. */
export class Challenges {
  readonly #registry: AcmeRegistry;
  readonly #answers = new Map<string, string>();
  #watch: { stop(): void } | undefined;

  private constructor(registry: AcmeRegistry) {
    this.#registry = registry;
  }

  static async follow(registry: AcmeRegistry): Promise<Challenges> {
    const challenges = new Challenges(registry);
    const tokens = new Map<string, string>();
    challenges.#watch = await registry.watch<AcmeChallengeRecord>(
      registryKeys.allAcmeChallenges,
      ({ key, value }) => {
        challenges.#answers.delete(tokens.get(key) ?? '');
        if (!value) return;
        tokens.set(key, value.token);
        challenges.#answers.set(value.token, value.answer);
      },
    );
    return challenges;
  }

  /** What to answer for the path of a request; undefined for all that is no challenge of ours. */
  answerAt(path: string): string | undefined {
    return path.startsWith(PATH) ? this.#answers.get(path.slice(PATH.length)) : undefined;
  }

  async publish(token: string, answer: string): Promise<void> {
    const record: AcmeChallengeRecord = { token, answer };
    this.#answers.set(token, answer);
    await this.#registry.create(registryKeys.acmeChallenge(token), record);
  }

  async remove(token: string): Promise<void> {
    await this.#registry.delete(registryKeys.acmeChallenge(token));
  }

  close(): void {
    this.#watch?.stop();
  }
}
