import type { Msg } from '@nats-io/transport-node';
import { decodeFrame, encodeFrame, type OutputMessage, STREAMS, subjects } from '@gantry/protocol';

import type { DurablePublisher, StoreResult } from './durable-publisher.ts';
import { MissedMessages } from './missed-messages.ts';
import type { NatsLink } from './nats-link.ts';
import { readStored } from './stored-messages.ts';

/** Results of inputs: one per input, kept for 7 days. */
export interface OutputStore {
  /** Resolves when the output is on disk. 'duplicate': the input has a result already, this one is dropped. */
  store(output: OutputMessage): Promise<StoreResult>;
  /** Outputs of the calls that a session made, as they are published. May repeat one, and misses none. */
  watchSession(sessionKey: string, listener: (output: OutputMessage) => void): { stop(): void };
  /** Outputs of one call as they are published. May repeat one, and misses none. */
  watchCall(callId: string, listener: (output: OutputMessage) => void): { stop(): void };
  /** The stored output of one input. */
  find(callId: string, index: number): Promise<OutputMessage | undefined>;
  /** All stored outputs of a call. */
  read(callId: string): AsyncIterable<OutputMessage>;
}

/** {@link OutputStore} over JetStream. */
export class NatsOutputStore implements OutputStore {
  readonly #link: NatsLink;
  readonly #publisher: DurablePublisher;

  constructor(link: NatsLink, publisher: DurablePublisher) {
    this.#link = link;
    this.#publisher = publisher;
  }

  store(output: OutputMessage): Promise<StoreResult> {
    // Its subject takes one message: a message id besides would only cost the broker memory for each result.
    return this.#publisher.publish(subjects.output(output.callId, output.index), encodeFrame(output), {
      expectEmptySubject: true,
    });
  }

  watchSession(sessionKey: string, listener: (output: OutputMessage) => void): { stop(): void } {
    return this.#watch(subjects.sessionOutputs(sessionKey), listener);
  }

  watchCall(callId: string, listener: (output: OutputMessage) => void): { stop(): void } {
    return this.#watch(subjects.callOutputs(callId), listener);
  }

  async find(callId: string, index: number): Promise<OutputMessage | undefined> {
    const subject = subjects.output(callId, index);
    const message = await this.#link.askUntilAnswered(`output ${index} of call "${callId}"`, () =>
      this.#link.manager.direct.getMessage(STREAMS.outputs, { last_by_subj: subject }),
    );
    return message ? decodeFrame<OutputMessage>(message.data) : undefined;
  }

  async *read(callId: string): AsyncGenerator<OutputMessage> {
    for await (const { data } of readStored(this.#link, STREAMS.outputs, subjects.callOutputs(callId))) {
      yield decodeFrame<OutputMessage>(data);
    }
  }

  #watch(subject: string, listener: (output: OutputMessage) => void): { stop(): void } {
    const onMessage = (message: Msg): void => listener(decodeFrame<OutputMessage>(message.data));
    const live = this.#link.listen(subject, onMessage);
    const missed = new MissedMessages(this.#link, { stream: STREAMS.outputs, filter: subject, onMessage });
    return {
      stop() {
        live.stop();
        missed.stop();
      },
    };
  }
}
