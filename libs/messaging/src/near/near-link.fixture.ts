import { InternalFailure, InvalidError } from '@gantry/protocol';
import { actAs } from '@gantry/testing';

import { connectMessaging } from '../messaging.ts';

export interface EchoSetup {
  natsUrl: string;
  subject: string;
  name: string;
}

export type EchoRequest = 'answer' | 'stop';

// A process that answers requests of one subject with its name and what it was asked.
await actAs<EchoSetup, EchoRequest>(async ({ natsUrl, subject, name }) => {
  const messaging = await connectMessaging({ url: natsUrl, name });
  let responder: { stop(): void } | undefined;
  const answer = async (message: unknown): Promise<unknown> => {
    if (message === 'fail') throw new InvalidError('as asked');
    if (message === 'refuse') throw new InternalFailure('another process answers now');
    if (message === 'never') await new Promise(() => undefined);
    return [name, message];
  };
  return async (request) => {
    if (request === 'stop') return responder?.stop();
    responder = messaging.respond(subject, answer, { nearby: true });
    await messaging.flush();
  };
});
