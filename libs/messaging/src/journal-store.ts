import { headers } from '@nats-io/transport-node';
import { GantryError, InternalFailure, RequestSizeError, STREAMS, subjects } from '@gantry/protocol';

import type { NatsLink } from './nats-link.ts';
import { readStored } from './stored-messages.ts';
import { fromJetStream, JETSTREAM_ERRORS, translateError } from './vendor-errors.ts';

/** A message of a journal, as it was appended. */
export interface JournalBody {
  sequence: number;
  data: Uint8Array;
}

/**
 * Journals: what was done with one object, in order. Sequences grow, and have gaps.
 *
 * An append says which message it follows, so two processes that both take themselves for the writer of a journal
 * cannot both go on.
 */
export interface JournalStore {
  /** The whole journal. */
  read(id: string): AsyncIterable<JournalBody>;
  /** One message; undefined if it is not there any more. */
  readAt(sequence: number): Promise<Uint8Array | undefined>;
  /**
   * Resolves with its sequence when the message is on disk. It is sent again until JetStream answers, for 30 s.
   *
   * @param options.after - Sequence of the message that it follows; 0 for the first one.
   * @param options.messageId - Names it, so that sending it again is harmless.
   * @throws GantryError `CONFLICT` if another one came after that message.
   */
  append(id: string, body: Uint8Array, options: { after: number; messageId: string }): Promise<number>;
  /** Drops what is before a sequence. */
  trim(id: string, before: number): Promise<void>;
  remove(id: string): Promise<void>;
}

interface Acknowledgement {
  seq?: number;
  error?: { err_code?: number; code?: number; description?: string };
}

const ANSWER_MS = 3_000;
const GIVE_UP_MS = 30_000;
const PAUSE_MS = 100;
const MESSAGE_ID = 'Nats-Msg-Id';

/** {@link JournalStore} over one JetStream stream, with a subject for each journal. */
export class NatsJournalStore implements JournalStore {
  readonly #link: NatsLink;

  constructor(link: NatsLink) {
    this.#link = link;
  }

  async *read(id: string): AsyncGenerator<JournalBody> {
    yield* readStored(this.#link, STREAMS.journals, subjects.journal(id));
  }

  async readAt(sequence: number): Promise<Uint8Array | undefined> {
    const message = await this.#link.askUntilAnswered('reading a journal', () =>
      this.#link.manager.direct.getMessage(STREAMS.journals, { seq: sequence }),
    );
    return message?.data;
  }

  async append(id: string, body: Uint8Array, options: { after: number; messageId: string }): Promise<number> {
    const startedAtMs = performance.now();
    for (;;) {
      const answer = await this.#tryAppend(id, body, options);
      const { err_code: errorCode = 0, description = 'refused' } = answer?.error ?? {};
      // A refusal has a sequence, too: 0.
      if (answer?.seq !== undefined && !answer.error) return answer.seq;
      if (errorCode === JETSTREAM_ERRORS.wrongLastSequence) return await this.#settle(id, options);
      if (!mayPass(answer)) throw fromJetStream(errorCode, description, `journal "${id}"`);
      if (performance.now() - startedAtMs > GIVE_UP_MS) {
        throw new InternalFailure(`journal "${id}" cannot be written: JetStream does not answer`, {
          hint: 'Check that nats-server runs with JetStream and has a leader for its streams.',
        });
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async trim(id: string, before: number): Promise<void> {
    const filter = subjects.journal(id);
    await this.#link.askUntilAnswered(`trimming journal "${id}"`, () =>
      this.#link.manager.streams.purge(STREAMS.journals, { filter, seq: before }),
    );
  }

  async remove(id: string): Promise<void> {
    const filter = subjects.journal(id);
    await this.#link.askUntilAnswered(`removing journal "${id}"`, () =>
      this.#link.manager.streams.purge(STREAMS.journals, { filter }),
    );
  }

  async #tryAppend(
    id: string,
    body: Uint8Array,
    { after, messageId }: { after: number; messageId: string },
  ): Promise<Acknowledgement | undefined> {
    const marks = headers();
    marks.set(MESSAGE_ID, messageId);
    marks.set('Nats-Expected-Last-Subject-Sequence', String(after));
    try {
      const reply = await this.#link.connection.request(subjects.journal(id), body, {
        headers: marks,
        timeout: ANSWER_MS,
      });
      return reply.data.length === 0 ? undefined : reply.json<Acknowledgement>();
    } catch (error) {
      if (this.#link.connection.isClosed())
        throw new InternalFailure('the connection to NATS is closed', { cause: error });
      const failure = translateError(error, `journal "${id}"`);
      if (failure instanceof RequestSizeError) throw failure;
      return undefined;
    }
  }

  // An earlier try may have been stored although its answer was lost.
  async #settle(id: string, { messageId }: { messageId: string }): Promise<number> {
    const last = await this.#link.askUntilAnswered(`journal "${id}"`, () =>
      this.#link.manager.direct.getMessage(STREAMS.journals, { last_by_subj: subjects.journal(id) }),
    );
    if (last?.header.get(MESSAGE_ID) === messageId) return last.seq;
    throw new GantryError('CONFLICT', `journal "${id}" was continued by another server`);
  }
}

/** Nobody answered, or JetStream is starting, electing a leader, or storing the same message at this moment. */
function mayPass(answer: Acknowledgement | undefined): boolean {
  const { err_code: errorCode = 0, code = 0 } = answer?.error ?? {};
  const { temporarilyUnavailable, duplicateInFlight, conflictInFlight } = JETSTREAM_ERRORS;
  const passing: number[] = [0, temporarilyUnavailable, duplicateInFlight, conflictInFlight];
  return passing.includes(errorCode) || code === 503;
}
