import { chmodSync, existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

import {
  machineId,
  openSharedFolder,
  removeSharedFolder,
  removeStaleSharedFolders,
} from '@gantry/containers';
import { askCollections, type Messaging } from '@gantry/messaging';
import { type DictTablePlace, newId } from '@gantry/protocol';

import type { ContainerOrder } from './load-message.ts';

/** Shows a container a folder of this machine; see `Container.showFolder`. */
type ShowFolder = (folder: string) => Promise<string | undefined>;

/** Where containers of this worker find the tables of dicts that they read (see `dict-table` of the protocol). */
export class WorkerTables {
  readonly #messaging: Pick<Messaging, 'request' | 'nearby'>;
  #folder: Promise<string | undefined> | undefined;

  constructor(messaging: Pick<Messaging, 'request' | 'nearby'>) {
    this.#messaging = messaging;
  }

  /** Those of a container. */
  of({ containerId, record }: ContainerOrder, show: ShowFolder): ContainerTables {
    return new ContainerTables({
      messaging: this.#messaging,
      isRestricted: record.spec.options.restrictAccess ?? false,
      show,
      folder: async () => {
        const folder = await (this.#folder ??= open());
        return folder === undefined ? undefined : join(folder, containerId);
      },
    });
  }

  async close(): Promise<void> {
    const folder = await this.#folder;
    if (folder !== undefined) removeSharedFolder(folder);
  }
}

async function open(): Promise<string | undefined> {
  await removeStaleSharedFolders();
  return openSharedFolder();
}

export interface ContainerTablesOptions {
  messaging: Pick<Messaging, 'request' | 'nearby'>;
  /** Its code may use no object of the platform. */
  isRestricted: boolean;
  /** Of its own, in memory; undefined where there can be none. Nothing is there yet. */
  folder(): Promise<string | undefined>;
  show: ShowFolder;
}

interface Place {
  folder: string;
  /** The same, as its code finds it. */
  inside: string;
}

/** The tables that one container reads: it sees those of the dicts that its code asked for, and no others. */
export class ContainerTables {
  readonly #options: ContainerTablesOptions;
  #place: Promise<Place | undefined> | undefined;

  constructor(options: ContainerTablesOptions) {
    this.#options = options;
  }

  /** Where the container finds the table of a dict; undefined where all goes on without one. */
  async open(dictId: string): Promise<string | undefined> {
    const { messaging, isRestricted } = this.#options;
    if (isRestricted || machineId() === '') return undefined;
    try {
      const operation = { do: 'dict.table', id: dictId, machine: machineId() } as const;
      const { path } = (await askCollections(messaging, { op: newId('in'), operation })) as DictTablePlace;
      const place = path === undefined ? undefined : await (this.#place ??= this.#makePlace());
      if (path === undefined || !place) return undefined;
      const name = basename(path);
      link(path, join(place.folder, name));
      return join(place.inside, name);
    } catch {
      // The server is elsewhere, or another user's; or the container has ended. Its code asks the server, as before.
      return undefined;
    }
  }

  close(): void {
    this.#place
      ?.then((place) => place && rmSync(place.folder, { recursive: true, force: true }))
      .catch(() => undefined);
  }

  async #makePlace(): Promise<Place | undefined> {
    const folder = await this.#options.folder();
    if (folder === undefined) return undefined;
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const inside = await this.#options.show(folder);
    return inside === undefined ? undefined : { folder, inside };
  }
}

function link(path: string, place: string): void {
  if (existsSync(place)) return;
  removeClosed(join(place, '..'));
  linkSync(path, place);
}

/** Those that their server has taken away have no other name any more. */
function removeClosed(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).nlink === 1) rmSync(path);
  }
}
