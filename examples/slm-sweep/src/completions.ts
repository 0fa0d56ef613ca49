import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';

import { allSaved } from './checkpoints.ts';
import { lossOf, type Checkpoint } from './experiment.ts';
import { Model } from './model.ts';
import { write } from './writing.ts';

interface CompletionRequest {
  /** The name of an experiment. @defaultValue the one with the lowest loss */
  model?: string;
  prompt?: string;
  max_tokens?: number;
  seed?: number;
  stream?: boolean;
}

/**
 * A server that knows nothing of Gantry: it speaks as much of OpenAI's API as text needs, with the models that are saved in a
 * folder. Each request finds what is saved then.
 */
export function completionServer(folder: string): Server {
  return createServer((request, response) => {
    answer(folder, request, response).catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      if (!response.headersSent) reply(response, 500, { error: { message } });
      else response.destroy();
    });
  });
}

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const route = `${request.method ?? ''} ${pathname}`;
  if (route === 'GET /health') return reply(response, 200, { status: 'ok' });
  const saved = (await allSaved(folder)).sort((left, right) => lossOf(left) - lossOf(right));
  if (route === 'GET /v1/models') {
    const data = saved.map(({ experiment }) => ({ id: experiment.name, object: 'model' }));
    return reply(response, 200, { object: 'list', data });
  }
  if (route !== 'POST /v1/completions') return reply(response, 404, { error: { message: `no ${route}` } });
  const wanted = (await json(request)) as CompletionRequest;
  const found = saved.find(({ experiment }) => experiment.name === (wanted.model ?? experiment.name));
  if (!found) {
    return reply(response, 404, { error: { message: `there is no model "${wanted.model ?? ''}"` } });
  }
  complete(found, wanted, response);
}

function complete(
  { experiment, weights }: Checkpoint,
  { prompt = '\n', max_tokens: length = 64, seed = 1, stream = false }: CompletionRequest,
  response: ServerResponse,
): void {
  const tokens = write(new Model(experiment.shape, weights), prompt, { length, seed });
  const part = (text: string, reason: string | null) => ({
    object: 'text_completion',
    model: experiment.name,
    choices: [{ index: 0, text, finish_reason: reason }],
  });
  if (!stream) return reply(response, 200, part([...tokens].join(''), 'length'));
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const token of tokens) response.write(`data: ${JSON.stringify(part(token, null))}\n\n`);
  response.end('data: [DONE]\n\n');
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
