import { setTimeout as delay } from 'node:timers/promises';

import type { Random } from '@gantry/testing';
import { Client, FunctionCall } from 'gantry';

import type { Cluster } from '../cluster/cluster.ts';
import { Ledger } from './ledger.ts';
import * as loads from './loads.ts';
import { redeploys } from './redeploy.ts';

export interface MixedLoadOptions {
  cluster: Cluster;
  random: Random;
  notes: string;
  webUrl: string;
}

/** Several clients that call, map, spawn and stream at the same time, until they are told to stop. */
export class MixedLoad {
  readonly ledger = new Ledger();
  readonly #options: MixedLoadOptions;
  readonly #clients: Client[];
  readonly #spawned: { callId: string; x: number }[] = [];
  readonly #during = { running: true };
  readonly #loops: Promise<void>[];

  private constructor(options: MixedLoadOptions, clients: Client[]) {
    this.#options = options;
    this.#clients = clients;
    this.#loops = this.#startLoops();
  }

  /** Starts when all clients are connected: one that reaches no server at first says so at once, and rightly. */
  static async start(options: MixedLoadOptions): Promise<MixedLoad> {
    const clients = Array.from({ length: 3 }, () => newClient(options.cluster));
    const ledger = new Ledger();
    const { random, notes } = options;
    await Promise.all(clients.map((client) => loads.call({ client, random, ledger, notes })));
    if (ledger.problems.length > 0) throw new Error(ledger.problems.join('\n'));
    return new MixedLoad(options, clients);
  }

  /** Starts nothing more, and waits for what is open, but not longer than `graceMs`: what is still open then is a problem. */
  async finish(graceMs: number): Promise<void> {
    this.#during.running = false;
    const ended = Promise.all(this.#loops).then(() => this.#collect());
    const controller = new AbortController();
    const grace = delay(graceMs, undefined, { signal: controller.signal }).catch(() => undefined);
    await Promise.race([ended, grace]);
    controller.abort();
    this.ledger.problems.push(...this.ledger.open);
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  /** The results of spawned calls, for a client that did not make them. */
  async #collect(): Promise<void> {
    const client = newClient(this.#options.cluster);
    this.#clients.push(client);
    await Promise.all(
      this.#spawned.map(({ callId, x }) =>
        this.ledger.take(`collect square(${x}) of ${callId}`, async () => {
          const { value } = await FunctionCall.fromId<{ value: number }>(callId, { client }).get();
          if (value !== x * x) throw new Error(`the result is ${value}`);
        }),
      ),
    );
  }

  #startLoops(): Promise<void>[] {
    const { cluster, webUrl } = this.#options;
    const mix = [
      ...[loads.call, loads.call, loads.map, loads.generator, loads.generator],
      ...[loads.batch, loads.batch, loads.batch, loads.batch],
      ...[loads.nested, loads.retry, loads.failure, loads.blob, loads.instance, loads.cancellation],
      redeploys(cluster),
      loads.spawnedCall(this.#spawned),
      loads.webRequest({ url: webUrl, caPath: cluster.gateway?.ready['caPath'] ?? '' }),
    ];
    return mix.map((load, at) => this.#loop(load, this.#clients[at % this.#clients.length]));
  }

  #loop(load: loads.Load, client = newClient(this.#options.cluster)): Promise<void> {
    const { random, notes } = this.#options;
    const context = { client, random: random.fork(), ledger: this.ledger, notes };
    return loads.repeat(load, context, this.#during);
  }
}

function newClient({ env }: Cluster): Client {
  return new Client({ serverUrl: env.GANTRY_SERVER_URL, token: env.GANTRY_TOKEN });
}
