import { ownDebianSuite } from '@gantry/containers';
import { BUILDER_RELEASES, type BuilderRelease, firstRelease } from '@gantry/images';
import type { Registry } from '@gantry/messaging';
import { type BuilderRecord, type BuilderReply, InvalidError, registryKeys } from '@gantry/protocol';

export interface BuilderChoiceOptions {
  registry: Pick<Registry, 'get' | 'create' | 'put'>;
  /** Release of the image builder for platforms that have built no image yet. */
  firstVersion: number;
  /** Of this server. */
  nodeVersion: string;
}

/** What images begin with now. */
export interface ChosenBuilder extends BuilderRelease {
  nodeVersion: string;
}

/**
 * Which release of the image builder the platform uses. The first image settles it, and with it the version of Node: a
 * newer Node, a newer server or another server makes no image anew, until somebody chooses.
 */
export class BuilderChoice {
  readonly #options: BuilderChoiceOptions;

  constructor(options: BuilderChoiceOptions) {
    this.#options = options;
  }

  /** What an image begins with that is built now. Settles it. */
  async settle(): Promise<ChosenBuilder> {
    const kept = await this.#kept();
    if (kept) return chosen(kept);
    const first = this.#first();
    // Another server may have been first.
    const isOurs = await this.#options.registry.create(registryKeys.imageBuilder, first);
    return chosen(isOurs ? first : ((await this.#kept()) ?? first));
  }

  /** The same, but leaves open what was not settled. */
  async look(): Promise<ChosenBuilder> {
    return chosen((await this.#kept()) ?? this.#first());
  }

  /** All releases; the one in use has the Node that images have, the others that of this server. */
  async list(): Promise<BuilderReply> {
    const { version, nodeVersion } = await this.look();
    const releases = BUILDER_RELEASES.map((release) => ({
      ...release,
      nodeVersion: release.version === version ? nodeVersion : this.#options.nodeVersion,
    }));
    return { version, releases };
  }

  /**
   * Images begin with this release from their next build on, and with the Node of this server.
   *
   * @throws InvalidError when there is no such release.
   */
  async choose(version: unknown): Promise<BuilderReply> {
    const release = BUILDER_RELEASES.find((each) => each.version === version);
    if (!release) {
      throw new InvalidError(`there is no version ${JSON.stringify(version)} of the image builder`, {
        hint: `There are ${BUILDER_RELEASES.map((each) => each.version).join(', ')}: see gantry image builder.`,
      });
    }
    await this.#options.registry.put(registryKeys.imageBuilder, this.#record(release.version));
    return await this.list();
  }

  async #kept(): Promise<BuilderRecord | undefined> {
    return (await this.#options.registry.get<BuilderRecord>(registryKeys.imageBuilder))?.value;
  }

  #first(): BuilderRecord {
    return this.#record(this.#options.firstVersion);
  }

  #record(version: number): BuilderRecord {
    return { version, nodeVersion: this.#options.nodeVersion, changedAtMs: Date.now() };
  }
}

function chosen({ version, nodeVersion }: BuilderRecord): ChosenBuilder {
  const release = BUILDER_RELEASES.find((each) => each.version === version);
  if (release) return { ...release, nodeVersion };
  throw new InvalidError(`this server does not know version ${version} of the image builder`, {
    hint: 'A newer server has chosen it: bring this one up to date, or choose another with gantry image builder.',
  });
}

/** For a server on this machine. */
export async function openBuilderChoice(registry: BuilderChoiceOptions['registry']): Promise<BuilderChoice> {
  const firstVersion = firstRelease(await ownDebianSuite());
  return new BuilderChoice({ registry, firstVersion, nodeVersion: process.versions.node });
}
