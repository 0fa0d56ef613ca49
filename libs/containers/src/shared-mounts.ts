import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { mountPointsBelow, unmountAll } from './overlay-mounts.ts';
import { OwnedRecords } from './owned-records.ts';
import { RUN_FOLDER } from './run-folder.ts';
import { runTool } from './runc/run-tool.ts';

/** Mounts that appear and go below it do so in all containers that have a part of it. */
const SHARED_FOLDER = join(RUN_FOLDER, 'volumes');
const OWNERS_FOLDER = join(RUN_FOLDER, 'volume-owners');

/** A worker's own folder in which its containers see mounts come and go. */
export class SharedMounts {
  readonly #name: string;
  readonly #owners: OwnedRecords<object>;
  readonly folder: string;

  private constructor(name: string, owners: OwnedRecords<object>) {
    this.#name = name;
    this.#owners = owners;
    this.folder = join(SHARED_FOLDER, name);
  }

  /** Makes it, and takes away those of workers that are gone, whose data directories may be gone, too. */
  static async open(): Promise<SharedMounts> {
    mkdirSync(SHARED_FOLDER, { recursive: true });
    if (!mountPointsBelow(SHARED_FOLDER).includes(SHARED_FOLDER)) {
      await runTool('mount', ['--bind', SHARED_FOLDER, SHARED_FOLDER]);
      await runTool('mount', ['--make-shared', SHARED_FOLDER]);
    }
    const owners = new OwnedRecords<object>(OWNERS_FOLDER);
    await owners.reconcile(async (_, stale) => {
      // Another worker may do the same at the same time.
      await new SharedMounts(stale, owners).close().catch(() => undefined);
      return true;
    });
    const mounts = new SharedMounts(randomBytes(9).toString('base64url'), owners);
    owners.add(mounts.#name, {});
    mkdirSync(mounts.folder);
    return mounts;
  }

  /** Takes everything away, whoever uses it. */
  async close(): Promise<void> {
    await unmountAll(this.folder);
    await rm(this.folder, { recursive: true, force: true });
    this.#owners.remove(this.#name);
  }
}
