/** A certificate and its private key, PEM. */
export interface KeyPair {
  certificate: string;
  privateKey: string;
}

const VALIDITY_DAYS = 90;
const RENEW_BEFORE_DAYS = 30;
const DAY_MS = 24 * 3600 * 1000;
/** Clocks of clients may be behind ours. */
const BACKDATE_MS = 3600 * 1000;

/** From when to when a certificate issued now is valid. */
export function validity(nowMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + VALIDITY_DAYS * DAY_MS) };
}

/** When a certificate that ends at `notAfterMs` has to be replaced. */
export function renewAt(notAfterMs: number): number {
  return notAfterMs - RENEW_BEFORE_DAYS * DAY_MS;
}
