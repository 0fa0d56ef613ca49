import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

import { packAnswer, toWireError, unpackOperation } from '@gantry/protocol';

import type { Handler } from '../nats-link.ts';
import { settle } from '../settle.ts';
import { NearChannel } from './near-channel.ts';
import type { NearAddress, NearAnswer, NearQuestion, PackedQuestion } from './near-messages.ts';

type Channel = NearChannel<NearQuestion, NearAnswer>;

/**
 * Answers processes of the same machine over a socket of their own, without nats-server between. Who asks has to know the
 * secret of its address, which only NATS tells.
 */
export class NearDesk {
  readonly address: NearAddress;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, address: NearAddress) {
    this.#server = server;
    this.address = address;
  }

  /** Undefined where sockets cannot have a name that is no file, and so goes with its process: all but Linux. */
  static async open(handler: Handler): Promise<NearDesk | undefined> {
    if (process.platform !== 'linux') return undefined;
    const address = {
      name: `gantry-near-${randomBytes(16).toString('hex')}`,
      secret: randomBytes(32),
      takesPacked: true,
    };
    const server = createServer({ noDelay: true });
    const desk = new NearDesk(server, address);
    server.on('connection', (socket) => desk.#serve(socket, handler));
    server.listen(`\0${address.name}`);
    await once(server, 'listening');
    server.unref();
    return desk;
  }

  /** Nobody who asked is answered any more. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket, handler: Handler): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    let isKnown = false;
    const channel: Channel = new NearChannel(socket, (question) => {
      if (isKnown && Array.isArray(question)) return this.#answerPacked(question, handler, channel);
      if ('secret' in question) {
        isKnown = isSame(question.secret, this.address.secret);
        return void (isKnown || socket.destroy());
      }
      if (!isKnown) return void socket.destroy();
      if ('ping' in question) return channel.send({ pong: question.ping });
      if (!('message' in question)) return void socket.destroy();
      const { id, message } = question;
      settle(
        () => handler(message),
        (value) => channel.send({ id, value }),
        (error) => channel.send({ id, error: toWireError(error) }),
      );
    });
  }

  #answerPacked([id, op, operation]: PackedQuestion, handler: Handler, channel: Channel): void {
    settle(
      () => handler({ op, operation: unpackOperation(operation) }),
      (value) => channel.send([id, packAnswer(value)]),
      (error) => channel.send({ id, error: toWireError(error) }),
    );
  }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
