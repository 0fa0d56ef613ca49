/**
 * Imports that the module boundaries must refuse, and one that they must allow. A rule that reports nothing looks exactly
 * like a rule that is switched off, so `npm test` lints these.
 *
 * @type {{ title: string, file: string, code: string, rule?: string }[]} Without `rule`, nothing may be reported.
 */
export const BOUNDARY_CASES = [
  allowed('an app may use an adapter', 'apps/server/src', '@gantry/messaging'),
  {
    ...allowed('a test may use test helpers', '', '@gantry/testing'),
    file: 'apps/server/src/planted-import.test.ts',
  },
  layer('a domain library may not use an adapter', 'libs/scheduling/src', '@gantry/messaging'),
  layer('a public library may not use a domain library', 'libs/sdk/src', '@gantry/scheduling'),
  layer('an adapter may not use another adapter', 'libs/blobs/src', '@gantry/telemetry'),
  layer('the protocol may use nothing of ours', 'libs/protocol/src', '@gantry/scheduling'),
  layer('an app may not use another app', 'apps/gateway/src', '@gantry/server'),
  layer('the dashboard may not use an adapter', 'apps/dashboard/src', '@gantry/messaging'),
  layer('a project may not reach into another by a path', 'libs/blobs/src', '../../protocol/src/ids.ts'),
  layer('the SDK may not grow by a package', 'libs/sdk/src', 'hono'),
  layer('an example sees only what is published', 'examples/hello-world/src', '@gantry/protocol'),
  fence('only messaging speaks to NATS', 'apps/worker/src', '@nats-io/transport-node'),
  fence('only blobs speaks to the S3 store', 'apps/server/src', 'minio'),
  fence('domain code knows no Node', 'libs/scheduling/src', 'node:fs'),
  fence('test helpers stay in tests', 'libs/blobs/src', '@gantry/testing'),
  fence('contract suites stay in tests', 'apps/server/src', '@gantry/blobs/testing'),
];

function allowed(title, folder, specifier) {
  const code = `import * as planted from '${specifier}';\nexport const used = planted;\n`;
  return { title, file: `${folder}/planted-import.ts`, code };
}

function layer(title, folder, specifier) {
  return { ...allowed(title, folder, specifier), rule: '@nx/enforce-module-boundaries' };
}

function fence(title, folder, specifier) {
  return { ...allowed(title, folder, specifier), rule: 'no-restricted-imports' };
}
