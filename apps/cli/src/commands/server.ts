import path from 'node:path';

import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { parsePort } from '../option-values.ts';
import { DEFAULT_API_PORT, DEFAULT_HTTPS_PORT } from '../platform/default-ports.ts';
import { readOrCreateToken, findDataDir } from '../platform/data-dir.ts';
import { dashboardPath, loadPart, runnerPath } from '../platform/parts.ts';
import {
  BLOB_OPTIONS,
  DOMAIN_OPTIONS,
  NATS_URL_OPTION,
  NOTIFY_OPTION,
  RATE_LIMIT_OPTION,
  readBlobs,
  readDomain,
  readNatsUrl,
  readNotifyUrl,
  readRateLimit,
  SECRETS_KEY_VARIABLE,
} from '../platform/platform-options.ts';
import { runPart } from './run-part.ts';

export const serverCommand: CommandSpec = {
  path: ['server'],
  summary: 'run one control plane server, for a platform on several machines',
  details:
    'Several may run at once; they share everything through NATS and the blob store, but for the key of secrets: copy\n' +
    '"secrets.key" of the first one into the data directory of each server and worker, or set GANTRY_SECRETS_KEY.',
  options: [
    NATS_URL_OPTION,
    SHARED_OPTIONS.dataDir,
    { flags: '--host <address>', description: 'address to listen on', fallback: '127.0.0.1' },
    {
      flags: '--port <number>',
      description: 'port of the API, 0 for any free one',
      fallback: DEFAULT_API_PORT,
    },
    {
      flags: '--token <text>',
      description: 'API token',
      fallback: 'GANTRY_TOKEN, else the data directory’s',
    },
    { flags: '--gateway-url <url>', description: 'public address of the gateways' },
    ...DOMAIN_OPTIONS,
    RATE_LIMIT_OPTION,
    NOTIFY_OPTION,
    ...BLOB_OPTIONS,
  ],
  examples: [
    [
      'gantry server --nats nats://nats.internal:4222 --s3-endpoint http://minio.internal:9000',
      'join a cluster',
    ],
  ],
  async run(context, { options }) {
    const { env, programs } = context;
    const dataDir = findDataDir(env, options.text('dataDir'));
    const natsUrl = readNatsUrl(options, env);
    const port = parsePort('--port', options.text('port') ?? DEFAULT_API_PORT);
    const { domain, workspace } = readDomain(options);
    const blobs = readBlobs(options, env, dataDir);
    const rateLimit = readRateLimit(options, env);
    const notifyUrl = readNotifyUrl(options, env);
    await runPart(context, {
      name: 'server',
      dataDir,
      start: async (log) => {
        const startServer = await loadPart(programs, 'startServer');
        return startServer({
          natsUrl,
          dataDir,
          blobs,
          rateLimit,
          notifyUrl,
          host: options.text('host') ?? '127.0.0.1',
          port,
          token: options.text('token') ?? env['GANTRY_TOKEN'] ?? (await readOrCreateToken(dataDir)),
          secretsKey: env[SECRETS_KEY_VARIABLE],
          runnerPath: runnerPath(programs),
          dashboardPath: dashboardPath(programs),
          workspace,
          domain,
          gatewayUrl: options.text('gatewayUrl') ?? `https://${domain}:${DEFAULT_HTTPS_PORT}`,
          log,
        });
      },
      describe: (server) => ({ serverUrl: server.url, tokenPath: path.join(dataDir, 'token') }),
    });
  },
};
