import { mkdir, rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';

import type { BlobStore } from '@gantry/blobs';
import type { LeaseStore, Registry } from '@gantry/messaging';
import { newSessionKey, registryKeys, valueName, type WebResultRecord } from '@gantry/protocol';

import type { GatewayConfig } from '../config.ts';
import { inject, onePerGateway, TOKENS } from '../injection.ts';
import type { ProxiedRequest } from '../proxy/proxied-request.ts';
import { AnswerRecorder } from './answer-recorder.ts';
import { digestOf, newResultToken } from './result-address.ts';

/** Well within the time for which a sign of life counts. */
const ALIVE_EVERY_MS = 5_000;

/** Where results are kept. */
export interface ResultStores {
  registry: Pick<Registry, 'get' | 'create' | 'update' | 'delete' | 'watch'>;
  leases: Pick<LeaseStore, 'touch' | 'alive'>;
  blobs: Pick<BlobStore, 'put' | 'get'>;
}

/**
 * Keeps the answers of requests whose clients were sent to a result address.
 *
 * Invariants
 *   R1. A client gets a result address only after the registry has its record, so that every gateway knows it.
 *   R2. A record without an answer belongs to a gateway that says that it is alive, or ends as lost.
 *   R3. The answer is in the blob store, whole, before the record says so.
 */
@onePerGateway()
export class ResultKeeper {
  /** Name of this gateway among those that keep results. */
  readonly gatewayId = `gateway-${newSessionKey()}`;
  readonly #stores: ResultStores;
  readonly #config: GatewayConfig;
  readonly #folder: string;
  readonly #recorders = new Set<AnswerRecorder>();
  readonly #saving = new Set<Promise<void>>();
  #signsOfLife: NodeJS.Timeout | undefined;

  constructor(
    @inject(TOKENS.resultStores) stores: ResultStores,
    @inject(TOKENS.config) config: GatewayConfig,
  ) {
    this.#stores = stores;
    this.#config = config;
    this.#folder = join(config.dataDir, 'results', this.gatewayId);
  }

  /**
   * Takes over what the container will answer, and calls `farewell` with the token of the result. Nothing happens to a
   * request whose answer has begun meanwhile.
   */
  async takeOver(proxied: ProxiedRequest, host: string, farewell: (token: string) => void): Promise<void> {
    const token = newResultToken();
    const key = registryKeys.webResult(digestOf(token));
    await this.#stores.leases.touch(this.gatewayId);
    this.#goOnLiving();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const record: WebResultRecord = { host, gatewayId: this.gatewayId, createdAtMs: Date.now() };
    await this.#stores.registry.create(key, record);
    const recorder = new AnswerRecorder(proxied.request, join(this.#folder, digestOf(token)));
    // Before anything can end it.
    recorder.on('error', (err) => this.#config.log.error({ err, host }, 'an answer could not be kept'));
    this.#recorders.add(recorder);
    recorder.once('close', () => this.#onRecorded(key, record, recorder));
    if (proxied.handOver(recorder, () => farewell(token))) return;
    this.#recorders.delete(recorder);
    recorder.removeAllListeners('close').destroy();
    await this.#stores.registry.delete(key);
  }

  /** Ends what is still waited for as lost; resolves when all is stored. */
  async close(): Promise<void> {
    for (const recorder of this.#recorders) recorder.destroy();
    while (this.#recorders.size > 0 || this.#saving.size > 0) {
      await Promise.all(this.#saving);
      await new Promise((resolve) => setImmediate(resolve));
    }
    clearInterval(this.#signsOfLife);
    await rm(this.#folder, { recursive: true, force: true });
  }

  #onRecorded(key: string, record: WebResultRecord, recorder: AnswerRecorder): void {
    const saving = this.#save(key, record, recorder)
      .catch((err: unknown) =>
        this.#config.log.error({ err, host: record.host }, 'an answer could not be kept'),
      )
      .finally(() => this.#saving.delete(saving));
    this.#saving.add(saving);
    this.#recorders.delete(recorder);
  }

  async #save(key: string, record: WebResultRecord, recorder: AnswerRecorder): Promise<void> {
    const { registry, blobs } = this.#stores;
    const { answer } = recorder;
    try {
      if (!answer) return await this.#replace(key, { ...record, lost: true });
      const blob = valueName(answer.digest, Date.now());
      await blobs.put(blob, createReadStream(recorder.path));
      const { status, headers, bodyBytes } = answer;
      await this.#replace(key, {
        ...record,
        answer: { status, headers, body: { blob, sizeBytes: bodyBytes } },
      });
    } catch (error) {
      const entry = await registry.get<WebResultRecord>(key);
      if (entry) await registry.update(key, { ...entry.value, lost: true }, entry.revision);
      throw error;
    } finally {
      await rm(recorder.path, { force: true });
    }
  }

  /** Unless it is gone: its time may be over. */
  async #replace(key: string, record: WebResultRecord): Promise<void> {
    const entry = await this.#stores.registry.get(key);
    if (entry) await this.#stores.registry.update(key, record, entry.revision);
  }

  #goOnLiving(): void {
    this.#signsOfLife ??= setInterval(() => {
      if (this.#recorders.size === 0 && this.#saving.size === 0) return;
      this.#stores.leases
        .touch(this.gatewayId)
        .catch((err: unknown) =>
          this.#config.log.warn({ err }, 'the gateway could not say that it is alive'),
        );
    }, ALIVE_EVERY_MS).unref();
  }
}
