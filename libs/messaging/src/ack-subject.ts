/** What JetStream says about a delivery in its reply subject. */
export interface DeliveryFacts {
  /** 1 for the first delivery. */
  deliveries: number;
  streamSequence: number;
  consumerSequence: number;
  /** Messages that match the consumer and come after this one. */
  pending: number;
}

const SHORT_TOKENS = 9;
const LONG_OFFSET = 2;

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<time>.<pending>`, or the longer
 * form that puts domain and account after `ACK`. Returns undefined for anything else.
 */
export function parseAckSubject(reply: string): DeliveryFacts | undefined {
  if (!reply.startsWith('$JS.ACK.')) return undefined;
  const tokens = reply.split('.');
  if (tokens.length < SHORT_TOKENS) return undefined;
  const offset = tokens.length > SHORT_TOKENS ? LONG_OFFSET : 0;
  const [deliveries, streamSequence, consumerSequence, , pending] = tokens.slice(4 + offset).map(Number);
  if (deliveries === undefined || streamSequence === undefined || consumerSequence === undefined)
    return undefined;
  return { deliveries, streamSequence, consumerSequence, pending: pending ?? 0 };
}
