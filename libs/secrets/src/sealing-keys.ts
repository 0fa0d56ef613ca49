import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { InternalFailure, registryKeys, type SealingKeyRecord } from '@gantry/protocol';

import { KeyRing, lacksKey } from './key-ring.ts';
import type { SecretRegistry } from './secret-registry.ts';

export interface SealingKeysOptions {
  /** The keys lie there in the file `secrets.key`, readable by its owner alone. */
  dataDir: string;
  /** Keys that count instead of the file, such as those of GANTRY_SECRETS_KEY. */
  key?: string | undefined;
}

const VARIABLE = 'GANTRY_SECRETS_KEY';

/** Where a process finds the keys that seal secrets. Read at each use: a new key needs no restart. */
export class SealingKeys {
  readonly #options: SealingKeysOptions;

  constructor(options: SealingKeysOptions) {
    this.#options = options;
  }

  /**
   * @throws {@link InternalFailure} if this machine has no key.
   */
  async require(): Promise<KeyRing> {
    const ring = await this.#find();
    if (ring) return ring;
    throw new InternalFailure('this machine has no key for secrets', {
      hint: `Copy "secrets.key" from the data directory of a server to "${this.#file}", or set ${VARIABLE}.`,
    });
  }

  /**
   * Makes the key of a new platform, on the first of its servers. A platform that seals with a key that this machine
   * lacks stays as it is.
   *
   * @throws {@link InternalFailure} where that key is not.
   */
  async prepare(registry: SecretRegistry): Promise<KeyRing> {
    const known = await registry.get<SealingKeyRecord>(registryKeys.sealingKey);
    const present = await this.#find();
    if (known) {
      if (!present) return await this.require();
      if (present.has(known.value.id)) return present;
      throw lacksKey(known.value.id);
    }
    const ring = present ?? (await this.#make());
    if (await registry.create(registryKeys.sealingKey, { id: ring.id })) return ring;
    // Another server was first.
    if (!present) await rm(this.#file, { force: true });
    return await this.prepare(registry);
  }

  async #find(): Promise<KeyRing | undefined> {
    const { key } = this.#options;
    if (key !== undefined && key.trim() !== '') return KeyRing.parse(key, VARIABLE);
    const text = await readIfThere(this.#file);
    return text === undefined ? undefined : KeyRing.parse(text, `"${this.#file}"`);
  }

  async #make(): Promise<KeyRing> {
    const draft = `${this.#file}.${process.pid}.new`;
    await writeFile(draft, `${KeyRing.newKey()}\n`, { mode: 0o600 });
    try {
      // Not a renaming, which would replace the key of another process.
      await link(draft, this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(draft, { force: true });
    }
    return await this.require();
  }

  get #file(): string {
    return join(this.#options.dataDir, 'secrets.key');
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
