import { randomBytes } from 'node:crypto';

import type { Registry } from '@gantry/messaging';
import {
  type CertificateRecord,
  type CertificateSummary,
  coversDomain,
  type DomainRecord,
  type DomainSummary,
  GantryError,
  InvalidError,
  isCustomDomain,
  type Manifest,
  NotFoundError,
  registryKeys,
  type RouteRecord,
} from '@gantry/protocol';

/** Reads the text records of a name; rejects when there are none. */
export type TextLookup = (name: string) => Promise<string[][]>;

/** Below a domain, where its owner shows that it is his. */
const CHALLENGE = '_gantry';
const TOKEN_BYTES = 18;

/** Domains of the workspace: those that its web functions may answer for once their owner has shown that they are his. */
export class DomainStore {
  readonly #registry: Pick<Registry, 'get' | 'create' | 'put' | 'delete' | 'list'>;
  readonly #domain: string;
  readonly #lookup: TextLookup;

  /** `domain` is that of generated names: those below it are nobody's. */
  constructor(
    registry: Pick<Registry, 'get' | 'create' | 'put' | 'delete' | 'list'>,
    domain: string,
    lookup: TextLookup,
  ) {
    this.#registry = registry;
    this.#domain = domain;
    this.#lookup = lookup;
  }

  /** By name. */
  async list(): Promise<DomainSummary[]> {
    const [records, certificates] = await Promise.all([
      this.#all(),
      this.#registry.list<CertificateRecord>(registryKeys.allCertificates),
    ]);
    return records
      .map((record) => {
        const covered = certificates
          .map(({ value }) => value)
          .filter((one) => coversDomain(record.name, one.name));
        const summaries = covered.map(toCertificateSummary).sort(byHost);
        return { ...toSummary(record), ...(summaries.length > 0 && { certificates: summaries }) };
      })
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /**
   * Registers a domain, verified if nothing needs to be shown. One that is registered already is left as it is.
   *
   * @throws InvalidError for what is no domain, or a name of the platform itself.
   */
  async add(name: string, options: { trusted?: boolean } = {}): Promise<DomainSummary> {
    this.#checkName(name);
    const nowMs = Date.now();
    const token = `gantry-${randomBytes(TOKEN_BYTES).toString('base64url')}`;
    const verified = options.trusted ? { verifiedAtMs: nowMs } : {};
    const record: DomainRecord = { name, token, createdAtMs: nowMs, ...verified };
    const key = registryKeys.domain(name);
    if (await this.#registry.create(key, record)) return toSummary(record);
    const present = await this.#find(name);
    if (present.verifiedAtMs !== undefined || !options.trusted) return toSummary(present);
    await this.#registry.put(key, { ...present, ...verified });
    return toSummary({ ...present, ...verified });
  }

  /**
   * Looks for the text record that shows whose the domain is.
   *
   * @throws NotFoundError for a domain that is not registered, GantryError `CONFLICT` while the record is not there.
   */
  async verify(name: string): Promise<DomainSummary> {
    const record = await this.#find(name);
    if (record.verifiedAtMs !== undefined) return toSummary(record);
    const at = challengeName(name);
    const texts = await this.#lookup(at).catch(() => []);
    if (!texts.some((parts) => parts.join('') === record.token)) {
      throw new GantryError('CONFLICT', `"${at}" has no text record with "${record.token}"`, {
        hint: 'Make the record, and try again: it may take minutes until it is seen.',
      });
    }
    const verified = { ...record, verifiedAtMs: Date.now() };
    await this.#registry.put(registryKeys.domain(name), verified);
    return toSummary(verified);
  }

  /** @throws NotFoundError, or GantryError `CONFLICT` while an app answers for it. */
  async remove(name: string): Promise<DomainSummary> {
    const record = await this.#find(name);
    const routes = await this.#registry.list<RouteRecord>(registryKeys.allRoutes);
    const user = routes.find(({ value }) => coversDomain(name, value.host));
    if (user) {
      throw new GantryError('CONFLICT', `app "${user.value.appId}" answers for "${user.value.host}"`, {
        hint: 'Deploy it without this domain, or stop it, first.',
      });
    }
    await this.#registry.delete(registryKeys.domain(name));
    return toSummary(record);
  }

  /** @throws NotFoundError if functions have domains that are not registered, or not verified. */
  async check({ functions }: Pick<Manifest, 'functions'>): Promise<void> {
    const asked = functions.flatMap(({ methods }) => methods.flatMap(({ web }) => web?.customDomains ?? []));
    if (asked.length === 0) return;
    const records = await this.#all();
    for (const name of asked) {
      const fitting = records.filter((record) => coversDomain(record.name, name));
      if (fitting.some(({ verifiedAtMs }) => verifiedAtMs !== undefined)) continue;
      const [known] = fitting;
      throw known
        ? new NotFoundError(`the domain "${known.name}" is not verified yet`, {
            hint: `Make its text record, then: gantry domain verify ${known.name}`,
          })
        : new NotFoundError(`the domain "${name}" is not registered`, {
            hint: `Register it: gantry domain add ${name}`,
          });
    }
  }

  #checkName(name: string): void {
    if (!isCustomDomain(name)) {
      throw new InvalidError(`"${name}" is no domain`, {
        hint: 'Use lower-case names such as "example.com", "api.example.com" or "*.example.com".',
      });
    }
    if (name === this.#domain || name.endsWith(`.${this.#domain}`)) {
      throw new InvalidError(`"${name}" is a name of the platform itself`, {
        hint: 'Give the endpoint a label instead.',
      });
    }
  }

  async #find(name: string): Promise<DomainRecord> {
    const entry = await this.#registry.get<DomainRecord>(registryKeys.domain(name));
    if (entry) return entry.value;
    throw new NotFoundError(`the domain "${name}" is not registered`, {
      hint: 'List those that are: gantry domain list',
    });
  }

  async #all(): Promise<DomainRecord[]> {
    return (await this.#registry.list<DomainRecord>(registryKeys.allDomains)).map(({ value }) => value);
  }
}

function challengeName(name: string): string {
  return `${CHALLENGE}.${name.replace(/^\*\./, '')}`;
}

function toSummary({ name, token, createdAtMs, verifiedAtMs }: DomainRecord): DomainSummary {
  const record = { name: challengeName(name), text: token };
  return { name, record, createdAtMs, ...(verifiedAtMs !== undefined && { verifiedAtMs }) };
}

function toCertificateSummary({ name, endsAtMs, failure }: CertificateRecord): CertificateSummary {
  return {
    host: name,
    ...(endsAtMs !== undefined && { endsAtMs }),
    ...(failure && { failure: { message: failure.message, retryAtMs: failure.retryAtMs } }),
  };
}

function byHost(left: CertificateSummary, right: CertificateSummary): number {
  return left.host < right.host ? -1 : 1;
}
