import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { parsePort } from '../option-values.ts';
import { DEFAULT_HTTPS_PORT } from '../platform/default-ports.ts';
import { loadPart } from '../platform/parts.ts';
import {
  ACME_OPTIONS,
  BLOB_OPTIONS,
  CERTIFICATES_OPTION,
  DOMAIN_OPTIONS,
  NATS_URL_OPTION,
  RATE_LIMIT_OPTION,
  readAcme,
  readBlobs,
  readCertificates,
  readDomain,
  readNatsUrl,
  readRateLimit,
  readTunnels,
  SECRETS_KEY_VARIABLE,
  TUNNEL_OPTIONS,
} from '../platform/platform-options.ts';
import { useLittleMemory } from '../platform/small-memory.ts';
import { runPart } from './run-part.ts';
import { findDataDir } from '../platform/data-dir.ts';

export const gatewayCommand: CommandSpec = {
  path: ['gateway'],
  summary: 'run one HTTPS gateway, for a platform on several machines',
  details: 'It takes requests for web endpoints and passes them to containers.',
  options: [
    NATS_URL_OPTION,
    SHARED_OPTIONS.dataDir,
    { flags: '--host <address>', description: 'address to listen on', fallback: '127.0.0.1' },
    { flags: '--https-port <number>', description: 'port, 0 for any free one', fallback: DEFAULT_HTTPS_PORT },
    { flags: '--http-port <number>', description: 'a further port, which sends plain HTTP to the other one' },
    CERTIFICATES_OPTION,
    ...ACME_OPTIONS,
    ...TUNNEL_OPTIONS,
    RATE_LIMIT_OPTION,
    ...DOMAIN_OPTIONS,
    ...BLOB_OPTIONS,
  ],
  examples: [
    ['gantry gateway --nats nats://nats.internal:4222 --host 0.0.0.0 --https-port 443', 'the public edge'],
    [
      'gantry gateway --host 0.0.0.0 --https-port 443 --http-port 80 --acme-email ops@example.com',
      'with certificates',
    ],
  ],
  async run(context, { options }) {
    const { env, programs } = context;
    const dataDir = findDataDir(env, options.text('dataDir'));
    const natsUrl = readNatsUrl(options, env);
    const port = parsePort('--https-port', options.text('httpsPort') ?? DEFAULT_HTTPS_PORT);
    const plain = options.text('httpPort');
    const httpPort = plain === undefined ? undefined : parsePort('--http-port', plain);
    const rateLimit = readRateLimit(options, env);
    const certificates = readCertificates(options, env);
    const acme = readAcme(options, env);
    const secretsKey = env[SECRETS_KEY_VARIABLE];
    const tunnels = readTunnels(options, env);
    const blobs = readBlobs(options, env, dataDir);
    const host = options.text('host') ?? '127.0.0.1';
    useLittleMemory();
    await runPart(context, {
      name: 'gateway',
      dataDir,
      start: async (log) => {
        const startGateway = await loadPart(programs, 'startGateway');
        return startGateway({
          ...{
            natsUrl,
            dataDir,
            blobs,
            certificates,
            host,
            port,
            httpPort,
            rateLimit,
            tunnels,
            acme,
            secretsKey,
            log,
          },
          ...readDomain(options),
        });
      },
      describe: ({ url, caPath }) => ({ url, caPath }),
    });
  },
};
