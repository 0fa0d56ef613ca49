import { privateAddressBytes, privateAddressIn, type PrivateSubnet, subjects } from '@gantry/protocol';
import { describe, expect, it } from 'vitest';

import { PacketExchange } from './packet-exchange.ts';

const A: PrivateSubnet = { workspace: 1, worker: 1 };
const B: PrivateSubnet = { workspace: 1, worker: 2 };

/** A broker in memory, which confirms what it has when it is told to. */
class Broker {
  readonly published: string[] = [];
  readonly #listeners = new Map<string, ((message: unknown, subject: string) => void)[]>();
  #unconfirmed: (() => void)[] = [];

  publish(subject: string, message: unknown): void {
    this.published.push(subject);
    for (const listener of this.#listeners.get(subject) ?? []) listener(message, subject);
  }

  subscribe<T>(subject: string, listener: (message: T, subject: string) => void): { stop(): void } {
    const all = this.#listeners.get(subject) ?? [];
    all.push(listener as (message: unknown, subject: string) => void);
    this.#listeners.set(subject, all);
    return { stop: () => void all.splice(0) };
  }

  flush(): Promise<void> {
    return new Promise((resolve) => this.#unconfirmed.push(resolve));
  }

  async confirm(): Promise<void> {
    for (const resolve of this.#unconfirmed.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function packet(from: PrivateSubnet, to: PrivateSubnet, bytes = 0): Uint8Array {
  const all = new Uint8Array(40 + bytes);
  all[0] = 0x60;
  new DataView(all.buffer).setUint16(4, bytes);
  [from, to].forEach((subnet, index) =>
    all.set(privateAddressBytes(privateAddressIn(subnet, new Uint8Array([1]))), 8 + index * 16),
  );
  return all;
}

function exchangeOf(broker: Broker, subnet: PrivateSubnet, region?: string) {
  const received: Uint8Array[] = [];
  const exchange = new PacketExchange({
    ...{ messaging: broker, subnet, region },
    onPackets: (packets) => received.push(packets),
  });
  return { exchange, received };
}

describe('packets between workers', () => {
  it('arrive in the same region, however its name is written, and in no other one', () => {
    const broker = new Broker();
    const sender = exchangeOf(broker, A, 'eu-west');
    const [near, far, nowhere] = ['EU-West', 'us', undefined].map((name) => exchangeOf(broker, B, name));
    sender.exchange.send([packet(A, B), packet(A, B)]);
    expect(near?.received).toEqual([Buffer.concat([packet(A, B), packet(A, B)])]);
    expect([far?.received, nowhere?.received]).toEqual([[], []]);
  });

  it('arrive where no worker says a region', () => {
    const broker = new Broker();
    const [sender, receiver] = [exchangeOf(broker, A), exchangeOf(broker, B)];
    sender.exchange.send([packet(A, B)]);
    expect(receiver.received).toHaveLength(1);
    receiver.exchange.stop();
    sender.exchange.send([packet(A, B)]);
    expect(receiver.received).toHaveLength(1);
  });

  it('are lost rather than kept while the broker does not take what is under way', async () => {
    const broker = new Broker();
    const { exchange } = exchangeOf(broker, A);
    const large = packet(A, B, 60_000);
    for (let count = 0; count < 1_000; count++) exchange.send([large]);
    const most = Math.floor((8 * 1024 * 1024) / large.length);
    expect(broker.published).toHaveLength(most);
    expect(new Set(broker.published)).toEqual(new Set([subjects.privatePackets(undefined, B.worker)]));
    // It was asked after the first one, and then after all that came meanwhile.
    await broker.confirm();
    await broker.confirm();
    for (let count = 0; count < 1_000; count++) exchange.send([large]);
    expect(broker.published).toHaveLength(2 * most);
  });
});
