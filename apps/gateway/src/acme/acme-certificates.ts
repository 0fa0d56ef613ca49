import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

import { registryKeys, type CertificateRecord } from '@gantry/protocol';
import type { SealingKeys } from '@gantry/secrets';
import type { Logger } from '@gantry/telemetry';

import type { KeyPair } from '../certificates/issued-certificate.ts';
import type { AcmeRegistry } from './challenges.ts';

/** Certificates are renewed when a third of their time is left. */
const RENEW_AFTER = 2 / 3;
const LEAST_USE_MS = 3600 * 1000;
/** A gateway that orders one has this long; then another may. */
const ORDER_MS = 300_000;
const FIRST_RETRY_MS = 60_000;
const RETRY_FACTOR = 3;
const LONGEST_RETRY_MS = 12 * 3600 * 1000;
const SWEEP_MS = 60_000;
/** The first visitor of a host waits for its certificate, but less long than its own patience for a handshake lasts. */
const FIRST_VISIT_MS = 8_000;

export interface AcmeCertificatesOptions {
  registry: AcmeRegistry;
  keys: Pick<SealingKeys, 'require'>;
  orders: { issue(host: string): Promise<KeyPair> };
  /** Whether a function answers for a host, by its own name. */
  isServed(host: string): boolean;
  /** Who orders. */
  gatewayId: string;
  log: Logger;
  /** Until the first retry, then three times as long each. @defaultValue 60_000 */
  retryMs?: number | undefined;
  /** How often to look for what is to be renewed, or tried again. @defaultValue 60_000 */
  sweepMs?: number | undefined;
  /** @defaultValue Date.now */
  nowMs?: (() => number) | undefined;
}

interface Known {
  record: CertificateRecord;
  context: Promise<SecureContext> | undefined;
}

/**
 * Certificates from an ACME authority, each ordered when its host is first asked for, and renewed in time. All gateways
 * share them, in the registry, with their keys sealed as secrets are.
 *
 * Invariants
 *   A1. One gateway at a time orders the certificate of a host; who claims it says until when.
 *   A2. What failed is tried again later and later; its record says why, and when.
 */
export class AcmeCertificates {
  readonly #options: AcmeCertificatesOptions;
  readonly #known = new Map<string, Known>();
  readonly #changed = new Map<string, Set<() => void>>();
  readonly #ordering = new Map<string, Promise<void>>();
  #watch: { stop(): void } | undefined;
  #sweep: NodeJS.Timeout | undefined;

  private constructor(options: AcmeCertificatesOptions) {
    this.#options = options;
  }

  static async open(options: AcmeCertificatesOptions): Promise<AcmeCertificates> {
    const certificates = new AcmeCertificates(options);
    certificates.#watch = await options.registry.watch<CertificateRecord>(
      registryKeys.allCertificates,
      ({ value }) => value && certificates.#take(value),
    );
    certificates.#sweep = setInterval(() => certificates.#renew(), options.sweepMs ?? SWEEP_MS).unref();
    return certificates;
  }

  close(): void {
    this.#watch?.stop();
    clearInterval(this.#sweep);
  }

  /** The certificate of a host that a function answers for; waits a little for its first. Undefined without one. */
  async find(host: string): Promise<SecureContext | undefined> {
    if (!this.#options.isServed(host) || host.endsWith('.localhost')) return undefined;
    const present = this.#contextOf(host);
    if (present) return await present;
    if (this.#isDue(this.#known.get(host)?.record)) void this.#order(host);
    else if (this.#known.get(host)?.record.order === undefined) return undefined;
    await this.#nextChange(host);
    return await this.#contextOf(host);
  }

  #contextOf(host: string): Promise<SecureContext> | undefined {
    const known = this.#known.get(host);
    const { certificate, endsAtMs = 0 } = known?.record ?? {};
    if (!known || !certificate || endsAtMs <= this.#now) return undefined;
    return (known.context ??= this.#open(known.record));
  }

  async #open({
    name,
    certificate = '',
    sealedKey = new Uint8Array(),
  }: CertificateRecord): Promise<SecureContext> {
    const ring = await this.#options.keys.require();
    const key = Buffer.from(ring.open(sealedKey, contextOf(name)));
    return createSecureContext({ cert: certificate, key });
  }

  #take(record: CertificateRecord): void {
    this.#known.set(record.name, { record, context: undefined });
    if (record.order !== undefined) return;
    for (const listener of this.#changed.get(record.name) ?? []) listener();
    this.#changed.delete(record.name);
  }

  /** Resolves when an order has come to its end, or it is late. */
  #nextChange(host: string): Promise<void> {
    return new Promise((resolve) => {
      const listeners = this.#changed.get(host) ?? new Set();
      this.#changed.set(host, listeners.add(resolve));
      setTimeout(resolve, FIRST_VISIT_MS).unref();
    });
  }

  #renew(): void {
    for (const [host, { record }] of this.#known) {
      if (this.#options.isServed(host) && this.#isDue(record)) void this.#order(host);
    }
  }

  #isDue({ order, failure, renewAtMs }: Partial<CertificateRecord> = {}): boolean {
    const now = this.#now;
    if ((order?.untilMs ?? 0) > now || (failure?.retryAtMs ?? 0) > now) return false;
    return (renewAtMs ?? 0) <= now;
  }

  /** One order at a time for each host. Never rejects. */
  #order(host: string): Promise<void> {
    let order = this.#ordering.get(host);
    if (!order) {
      order = this.#tryOrder(host)
        .catch((err: unknown) => this.#options.log.error({ err, host }, 'a certificate could not be stored'))
        .finally(() => this.#ordering.delete(host));
      this.#ordering.set(host, order);
    }
    return order;
  }

  async #tryOrder(host: string): Promise<void> {
    const { orders, log } = this.#options;
    const claimed = await this.#claim(host);
    if (!claimed) return;
    const { order: _done, failure, ...before } = claimed.record;
    try {
      const issued = await this.#sealed(host, await orders.issue(host));
      await this.#save(issued, claimed.revision);
      log.info({ host }, 'a certificate was issued');
    } catch (err) {
      const attempts = (failure?.attempts ?? 0) + 1;
      const retryAtMs = this.#now + this.#delayOf(attempts);
      const message = err instanceof Error ? err.message : String(err);
      log.error({ err, host, retryAtMs }, 'the authority issued no certificate');
      await this.#save(
        { ...before, failure: { message, atMs: this.#now, attempts, retryAtMs } },
        claimed.revision,
      );
    }
  }

  async #claim(host: string): Promise<{ record: CertificateRecord; revision: number } | undefined> {
    const { registry, gatewayId } = this.#options;
    const key = registryKeys.certificate(host);
    const present = await registry.get<CertificateRecord>(key);
    if (!this.#isDue(present?.value)) return undefined;
    const order = { gatewayId, untilMs: this.#now + ORDER_MS };
    const record: CertificateRecord = { ...present?.value, name: host, order };
    const isOurs = present
      ? await registry.update(key, record, present.revision)
      : await registry.create(key, record);
    const claimed = isOurs ? await registry.get<CertificateRecord>(key) : undefined;
    return claimed && { record: claimed.value, revision: claimed.revision };
  }

  async #save(record: CertificateRecord, revision: number): Promise<void> {
    // Another gateway may have taken the order over, if this one was slow: what that one gets counts.
    await this.#options.registry.update(registryKeys.certificate(record.name), record, revision);
  }

  async #sealed(name: string, { certificate, privateKey }: KeyPair): Promise<CertificateRecord> {
    const ring = await this.#options.keys.require();
    const { validFrom, validTo } = new X509Certificate(certificate);
    const [startsAtMs, endsAtMs] = [new Date(validFrom).getTime(), new Date(validTo).getTime()];
    return {
      ...{ name, certificate, endsAtMs },
      // Whatever an authority makes of times, it is not asked again and again.
      renewAtMs: Math.max(startsAtMs + (endsAtMs - startsAtMs) * RENEW_AFTER, this.#now + LEAST_USE_MS),
      sealedKey: ring.seal(Buffer.from(privateKey), contextOf(name)),
    };
  }

  #delayOf(attempts: number): number {
    const { retryMs = FIRST_RETRY_MS } = this.#options;
    return Math.min(retryMs * RETRY_FACTOR ** (attempts - 1), LONGEST_RETRY_MS);
  }

  get #now(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}

function contextOf(name: string): string {
  return `the key of the certificate for ${name}`;
}
