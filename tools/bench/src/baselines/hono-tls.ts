import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

import { serve } from '@hono/node-server';
import { Hono } from 'hono';

// The bare server that the gateway is held against: the same answer, no platform.
const app = new Hono();
app.get('/', (context) => context.json({ hello: 'world' }));

const key = readFileSync(process.env.TLS_KEY ?? '');
const cert = readFileSync(process.env.TLS_CERT ?? '');
serve(
  { fetch: app.fetch, port: 0, hostname: '127.0.0.1', createServer, serverOptions: { key, cert } },
  (address) => console.log(String(address.port)),
);
