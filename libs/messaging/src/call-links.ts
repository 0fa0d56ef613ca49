import { decodeFrame, encodeFrame, STREAMS, subjects } from '@gantry/protocol';

import type { NatsLink } from './nats-link.ts';
import { readStored } from './stored-messages.ts';

/** Which calls the code of an input made: the edges of call graphs, kept as long as outputs. */
export interface CallLinks {
  /** Notes an edge without waiting. One that is lost with its server is missing in graphs, and nowhere else. */
  add(parentInputId: string, callId: string): void;
  /** Calls that the code of an input made, in the order in which it made them. */
  callsOf(parentInputId: string): Promise<string[]>;
}

/** {@link CallLinks} over JetStream. */
export class NatsCallLinks implements CallLinks {
  readonly #link: NatsLink;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  add(parentInputId: string, callId: string): void {
    this.#link.connection.publish(subjects.callLink(parentInputId, callId), encodeFrame(callId));
  }

  async callsOf(parentInputId: string): Promise<string[]> {
    const calls = new Set<string>();
    for await (const { data } of readStored(this.#link, STREAMS.links, subjects.callLinks(parentInputId)))
      calls.add(decodeFrame<string>(data));
    return [...calls];
  }
}
