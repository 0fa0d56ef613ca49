import { existsSync } from 'node:fs';

import type { StepSurroundings } from './step-runtime.ts';

/** How this machine reaches the world, which steps need to know, too. */
const PASSED_ON = [
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'ALL_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'all_proxy',
  'npm_config_registry',
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
];
/** Variables of this machine that name its certificates, the first of which counts. */
const CERTIFICATE_SOURCES = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
];
/** Variables that programs read theirs from. */
const CERTIFICATE_TARGETS = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'PIP_CERT',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'npm_config_cafile',
];
const CERTIFICATES = '/dev/gantry/ca-certificates.crt';

/** Proxies and certificates of the building machine, for the time of a step. */
export function platformSurroundings(env: NodeJS.ProcessEnv): StepSurroundings {
  const passed = PASSED_ON.flatMap((name) => {
    const value = env[name];
    return value ? [[name, value] as const] : [];
  });
  const source = CERTIFICATE_SOURCES.map((name) => env[name]).find((path) => path && existsSync(path));
  if (!source) return { env: Object.fromEntries(passed), mounts: [] };
  const certificates = CERTIFICATE_TARGETS.map((name) => [name, CERTIFICATES] as const);
  return {
    env: Object.fromEntries([...passed, ...certificates]),
    mounts: [{ source, target: CERTIFICATES }],
  };
}
