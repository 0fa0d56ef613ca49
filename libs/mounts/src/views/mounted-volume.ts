import { GantryError, InvalidError, isGantryError, NotFoundError, type VolumeMount } from '@gantry/protocol';
import { type CommitPlan, mergePlan, type VolumeStore } from '@gantry/volumes';

import { joined } from './paths.ts';
import type { FileBlobs } from './stored-file.ts';
import { VolumeChanges, type CollectedChanges } from './volume-changes.ts';
import type { VersionsInUse } from './versions-in-use.ts';
import type { KnownFile, VolumeVersion, VolumeView } from './volume-view.ts';

export interface MountedVolumeOptions {
  mount: VolumeMount;
  store: VolumeStore;
  blobs: FileBlobs;
  view: VolumeView;
  /** Says which versions are needed here. */
  inUse: Pick<VersionsInUse, 'add' | 'remove'>;
  /** Throws if this container may not commit any more. */
  assertOwn(): void;
}

/**
 * A volume as one container has it.
 *
 * Invariants
 *   M1. What the container sees is one version, and what it changed itself.
 *   M2. A commit puts in what changed since the last one, and nothing else; of a file, what it was at one moment.
 *   M3. After `assertOwn` has thrown once, nothing of this container gets into the volume.
 */
export class MountedVolume {
  readonly #options: MountedVolumeOptions;
  readonly #changes: VolumeChanges;
  /** Of the version that is shown. */
  #root: string | undefined;
  /** One thing at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: MountedVolumeOptions) {
    this.#options = options;
    this.#changes = new VolumeChanges(options.blobs, [options.mount.path, options.view.folder]);
  }

  get mount(): VolumeMount {
    return this.#options.mount;
  }

  /** Shows the newest version. */
  open(): Promise<void> {
    return this.#inTurn(() => this.#show());
  }

  /**
   * Puts what changed into the volume, as far as it can be; resolves to whether something had.
   *
   * @throws GantryError naming what could not be put in, after all else was.
   */
  commit(): Promise<boolean> {
    return this.#inTurn(() => this.#commit());
  }

  /** @throws GantryError `CONFLICT` if it is in use, and what {@link commit} throws. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#commit();
      await this.#show();
    });
  }

  /**
   * Commits, then shows what others have committed since, if something of it is new and nothing is in use.
   *
   * @throws What {@link commit} throws.
   */
  freshen(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#commit();
      const { mount, store } = this.#options;
      const { head } = await store.open(mount.volumeId);
      if (head.root === this.#root) return;
      await this.#show().catch((error: unknown) => {
        if (!isGantryError(error) || error.code !== 'CONFLICT') throw error;
      });
    });
  }

  /** No commit that others decided before succeeds after this. */
  async fence(): Promise<void> {
    const { mount, store } = this.#options;
    if (!mount.readOnly) await store.fence(mount.volumeId);
  }

  /** Without a commit. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#options.view.close();
      this.#options.inUse.remove(this.#root);
      this.#root = undefined;
    });
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #show(): Promise<void> {
    const { mount, store, view } = this.#options;
    const { head, tree } = await store.open(mount.volumeId).catch(byName(mount));
    const { volumeId, subPath = '' } = mount;
    const version: VolumeVersion = { volumeId, root: head.root, tree, subPath };
    const entry = subPath === '' ? undefined : await tree.entry(subPath);
    if (entry && entry.type !== 'directory')
      throw new InvalidError(`"${subPath}" in volume "${mount.name}" is no directory`, {
        hint: 'Name a directory as the "subPath" of the mount.',
      });
    await this.#use(version, () => view.show(version));
  }

  /** Its blocks stay in the store as long as it is shown. */
  async #use(version: VolumeVersion, show: () => Promise<readonly KnownFile[]>): Promise<void> {
    const { inUse } = this.#options;
    await inUse.add(version.root);
    try {
      this.#changes.startFrom(await show());
    } catch (error) {
      inUse.remove(version.root);
      throw error;
    }
    inUse.remove(this.#root);
    this.#root = version.root;
  }

  async #commit(): Promise<boolean> {
    const { mount, store, view, assertOwn } = this.#options;
    if (mount.readOnly) return false;
    assertOwn();
    const collected = await this.#changes.collect(view);
    const changes = collected.changes.map(({ path, entry }) => ({
      path: joined(mount.subPath ?? '', path),
      entry,
    }));
    if (changes.length > 0) {
      const merge = mergePlan(changes);
      // Asked after the head was read: see VolumeStore.fence.
      const plan: CommitPlan = (tree) => {
        assertOwn();
        return merge(tree);
      };
      await store.commit(mount.volumeId, plan).catch(byName(mount));
    }
    collected.keep();
    assertComplete(mount, collected);
    return changes.length > 0;
  }
}

/** So many are named by the error. */
const MOST_REFUSED = 20;

function assertComplete(
  { name }: VolumeMount,
  { refused: [first, ...others], unsettled: [file] }: CollectedChanges,
): void {
  if (first) {
    const more = others.length > 0 ? `, and ${others.length} more` : '';
    throw new InvalidError(`volume "${name}" has all but what it cannot have: ${first.message}${more}`, {
      hint: first.hint,
      details: { refused: [first, ...others].slice(0, MOST_REFUSED).map(({ message }) => message) },
    });
  }
  if (file === undefined) return;
  throw new GantryError('CONFLICT', `volume "${name}" has all but "${file}", which is written all the time`, {
    hint: 'Commit when nobody writes it; or write to another file, and rename that when it is whole.',
  });
}

/** Says that a volume was deleted by the name that its user knows. */
function byName({ name }: VolumeMount): (error: unknown) => never {
  return (error) => {
    if (!isGantryError(error) || error.code !== 'NOT_FOUND') throw error;
    throw new NotFoundError(`volume "${name}" was deleted`, {
      hint: 'Deploy the app anew, without it or with a new one.',
    });
  };
}
