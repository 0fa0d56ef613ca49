import { SHARED_OPTIONS, type CommandSpec } from '../command.ts';
import { loadPart, runnerPath } from '../platform/parts.ts';
import {
  BLOB_OPTIONS,
  DRIVER_OPTIONS,
  NATS_URL_OPTION,
  RATE_LIMIT_OPTION,
  LABEL_OPTIONS,
  readBlobs,
  readDriver,
  readLabels,
  readNatsUrl,
  readRateLimit,
  SECRETS_KEY_VARIABLE,
} from '../platform/platform-options.ts';
import { enterNamespaces } from '../platform/enter-namespaces.ts';
import { runPart } from './run-part.ts';
import { findDataDir } from '../platform/data-dir.ts';

export const workerCommand: CommandSpec = {
  path: ['worker'],
  summary: 'run one worker, on each machine that shall run containers',
  details:
    'Containers with secrets need their key here, too: copy "secrets.key" of a server into the data directory, or set\n' +
    'GANTRY_SECRETS_KEY.',
  options: [
    NATS_URL_OPTION,
    SHARED_OPTIONS.dataDir,
    ...LABEL_OPTIONS,
    RATE_LIMIT_OPTION,
    ...DRIVER_OPTIONS,
    ...BLOB_OPTIONS,
  ],
  examples: [
    [
      'gantry worker --nats nats://nats.internal:4222 --s3-endpoint http://minio.internal:9000',
      'join a cluster',
    ],
  ],
  async run(context, { options }) {
    const { env, programs } = context;
    const dataDir = findDataDir(env, options.text('dataDir'));
    const natsUrl = readNatsUrl(options, env);
    const blobs = readBlobs(options, env, dataDir);
    const rateLimit = readRateLimit(options, env);
    const driver = readDriver(options, env);
    enterNamespaces(driver, env);
    const labels = readLabels(options);
    await runPart(context, {
      name: 'worker',
      dataDir,
      start: async (log) => {
        const startWorker = await loadPart(programs, 'startWorker');
        const secretsKey = env[SECRETS_KEY_VARIABLE];
        const own = { runnerPath: runnerPath(programs), labels, rateLimit, secretsKey, ...driver, log };
        return startWorker({ natsUrl, dataDir, blobs, ...own });
      },
      describe: ({ workerId, driver }) => ({ workerId, driver: driver.name, why: driver.why }),
    });
  },
};
