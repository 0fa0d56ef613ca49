import { readFileSync } from 'node:fs';

import { BuildError, InvalidError, VersionError, type Manifest } from '@gantry/protocol';
import { describe, expect, test } from 'vitest';

import { matchesSchema, type JsonSchema } from './json-schema.fixture.ts';
import { validateManifest } from './manifest-validation.ts';

const schema = JSON.parse(
  readFileSync(new URL('../manifest.schema.json', import.meta.url), 'utf8'),
) as JsonSchema;
const digest = `sha256-${'0'.repeat(64)}`;

function aManifest(): Manifest {
  const site = { file: 'src/app.ts', line: 3 };
  const body = {
    type: 'object' as const,
    className: 'Body',
    fields: [{ name: 'n', type: { type: 'integer' as const }, optional: false }],
  };
  const archive = { path: 'files-0.tar.gz', digest, sizeBytes: 9 };
  return {
    schemaVersion: 1,
    sdkVersion: '0.1.0',
    appName: 'shop',
    bundle: { path: 'bundle.mjs', digest, sizeBytes: 10 },
    sourceMap: { path: 'bundle.mjs.map', digest, sizeBytes: 10 },
    packages: {
      path: 'packages.tar.gz',
      digest,
      sizeBytes: 5,
      contents: [{ name: '@img/sharp', version: '1.0.0' }],
    },
    images: [
      {
        steps: [
          { type: 'debian', nodeVersion: '22' },
          { type: 'apt', packages: ['curl'], forceBuild: true, gpu: 'A10G' },
          { type: 'files', archive, remotePath: '/data', origins: [{ path: 'data', name: '' }] },
          { type: 'env', variables: { A: '1' } },
          { type: 'entrypoint', words: [] },
        ],
        sites: [site, site, site, site, site, site],
        packages: { ...archive, contents: [{ name: 'left-pad', version: '1.3.0' }] },
        files: [{ archive, remotePath: '/data', origins: [{ path: 'data', name: '' }] }],
      },
    ],
    functions: [
      {
        name: 'Cart',
        kind: 'class',
        site,
        doc: 'A cart.',
        options: {
          cpu: [1, 2],
          retries: { maxRetries: 1, initialDelayMs: 0, backoffCoefficient: 1, maxDelayMs: 1000 },
          maxInputsPerContainer: 1,
          enableMemorySnapshot: true,
          batching: { maxBatchSize: 1000, waitMs: 0 },
          env: { A: '1' },
          gpu: ['H100:2', 'ANY'],
          ephemeralDiskMiB: 3_145_728,
          region: ['us', 'eu-west'],
          cloud: 'aws',
          nonpreemptible: true,
          blockNetwork: true,
          privateNetwork: true,
          restrictAccess: true,
          image: 0,
          secrets: [
            { type: 'named', name: 'db', environment: 'dev', requiredKeys: ['A'] },
            { type: 'inline', index: 0 },
          ],
          volumes: [{ path: '/models', name: 'models', createIfMissing: true, subPath: 'a/b' }],
          buckets: [
            { path: 'all', bucket: 'trips' },
            {
              ...{ path: 'raw', bucket: 'trips', endpoint: 'http://localhost:9000', keyPrefix: 'raw/' },
              ...{ secret: { type: 'named', name: 's3' }, readOnly: true, requesterPays: true },
            },
            { path: 'role', bucket: 'trips', roleArn: 'arn:minio:iam:::role/trips-reader' },
          ],
        },
        methods: [
          {
            name: 'pay',
            handlerKind: 'async',
            callable: false,
            signature: '(body?: Body) => Promise<void>',
            params: [{ name: 'body', type: body, optional: true, defaultValue: { n: 1 } }],
            web: {
              type: 'endpoint',
              method: 'POST',
              docs: true,
              label: 'pay',
              path: '/shops/:shop/a-b.c',
              headers: { token: 'X-Token' },
              form: true,
            },
            site,
          },
        ],
        parameters: [
          { name: 'size', type: { type: 'enum', values: ['s', 1] }, optional: true, defaultValue: 's' },
        ],
        hooks: { enter: [{ name: 'load', snap: false }], exit: [{ name: 'close' }] },
      },
    ],
    types: { Body: '{ n: number }' },
    entrypoints: [
      {
        name: 'main',
        params: [
          { name: 'ids', type: { type: 'array', items: { type: 'string' } }, optional: true, rest: true },
        ],
        site,
      },
    ],
  };
}

/** A manifest with the value at a path replaced. */
function withValue(path: string, value: unknown): unknown {
  const manifest = structuredClone(aManifest()) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  let target = manifest;
  for (const key of keys.slice(0, -1)) target = target[key] as Record<string, unknown>;
  const last = keys.at(-1) ?? '';
  if (value === undefined) delete target[last];
  else target[last] = value;
  return manifest;
}

function aScheduledFunction(changes: object): object {
  const [cart] = aManifest().functions;
  const methods = [{ ...cart?.methods[0], name: '', params: [] }];
  return { ...cart, kind: 'function', schedule: { type: 'period', days: 1 }, methods, ...changes };
}

describe('a manifest', () => {
  test('that is right is returned as it is, and matches the published schema', () => {
    const manifest = aManifest();

    expect(validateManifest(manifest)).toBe(manifest);
    expect(matchesSchema(schema, manifest)).toBe(true);
  });

  test('may have fields that this version does not know', () => {
    const manifest = withValue('functions.0.novelty', { a: 1 });

    expect(() => validateManifest(manifest)).not.toThrow();
    expect(matchesSchema(schema, manifest)).toBe(true);
  });

  test('may begin an image with one that was built before, and have any step after it', () => {
    const archive = { path: 'files-0.tar.gz', digest, sizeBytes: 9 };
    const steps = [
      { type: 'image', id: `im-${'a'.repeat(22)}` },
      { type: 'npmCi', files: archive, extraOptions: '--omit=dev' },
      { type: 'pnpm', files: archive },
      { type: 'pip', packages: [], requirements: archive, optionalDependencies: ['web'] },
      {
        ...{ type: 'pip', packages: [] },
        privateRepositories: {
          gitUser: 'me',
          repositories: ['github.com/acme/tools.git@v1.2#subdirectory=py/lib', 'gitlab.com/a/b/c@feature/x'],
        },
      },
      { type: 'micromambaInstall', packages: ['gdal'], channels: ['conda-forge'] },
      { type: 'micromambaInstall', packages: [], specFile: { name: 'env.yaml' }, files: archive },
      { type: 'poetry', files: archive, ignoreLockfile: true, with: ['docs'], without: ['test'], only: [] },
      { type: 'run', commands: ['nvidia-smi'], gpu: ['H100:2', 'ANY'] },
    ];
    const manifest = withValue('images.0', { steps, sites: steps.map(() => ({ file: 'a.ts', line: 1 })) });

    expect(validateManifest(manifest)).toBe(manifest);
    expect(matchesSchema(schema, manifest)).toBe(true);

    const micromamba = withValue('images.0.steps.0', {
      type: 'micromamba',
      pythonVersion: '3.12',
      reference: 'a/b',
    });
    expect(validateManifest(micromamba)).toBe(micromamba);
    expect(matchesSchema(schema, micromamba)).toBe(true);
  });

  test('of a clustered function matches the published schema, and is refused if that is batched, too', () => {
    const manifest = aManifest();
    const [spec] = manifest.functions;
    if (!spec) throw new Error('the manifest has no function');
    for (const method of spec.methods) delete method.web;
    spec.options = { cluster: { size: 64 }, privateNetwork: true };
    expect(() => validateManifest(manifest)).not.toThrow();
    expect(matchesSchema(schema, manifest)).toBe(true);
    spec.options.batching = { maxBatchSize: 2, waitMs: 0 };
    expect(() => validateManifest(manifest)).toThrow('is clustered and batched');
  });

  test.each<[string, unknown]>([
    ['sdkVersion', undefined],
    ['appName', 'line\nbreak'],
    ['functions', [[]]],
    ['entrypoints', [[]]],
    ['appName', null],
    ['packages', null],
    ['functions.0.doc', null],
    ['functions.0.options.timeoutMs', null],
    ['functions.0.methods.0.web', null],
    ['functions.0.methods.0.web', [null]],
    ['bundle', undefined],
    ['bundle.digest', 'sha256-short'],
    ['bundle.path', '../bundle.mjs'],
    ['sourceMap.sizeBytes', -1],
    ['packages.contents.0.version', 1],
    ['functions', {}],
    ['functions.0.name', ''],
    ['functions.0.kind', 'lambda'],
    ['functions.0.site.line', 0],
    ['functions.0.options', undefined],
    ['functions.0.options.timeoutMs', 1],
    ['functions.0.options.scaledownWindowMs', 1_200_001],
    ['functions.0.options.cpu', 0],
    ['functions.0.options.memoryMiB', [1]],
    ['functions.0.options.retries.maxRetries', 11],
    ['functions.0.options.env', { A: 1 }],
    ['functions.0.options.image', -1],
    ['images', {}],
    ['images.0.steps', []],
    ['images.0.steps.0', { type: 'magic' }],
    ['images.0.steps.0', { type: 'image', id: 'im-1' }],
    ['images.0.steps.1.packages', 'curl'],
    ['images.0.steps.1.packages', ['']],
    ['images.0.steps.1.forceBuild', false],
    ['images.0.steps.0', { type: 'micromamba', pythonVersion: 3 }],
    ['images.0.steps.1', { type: 'micromambaInstall', packages: [], specFile: { name: '../env.yaml' } }],
    ['images.0.steps.1.gpu', 'a10g'],
    ['images.0.steps.1.gpu', []],
    ['images.0.steps.1.gpu', ['A10G', 'H100:9']],
    ...[
      ...['example.org/acme/tools', 'github.com/tools', 'github.com/acme/../tools', 'github.com/a/b/c'],
      ...['https://github.com/acme/tools', 'github.com/acme/tools@-x', 'github.com/acme/tools$(id)'],
    ].map((repository): [string, unknown] => [
      'images.0.steps.1',
      { type: 'pip', packages: [], privateRepositories: { gitUser: 'me', repositories: [repository] } },
    ]),
    ['images.0.steps.2.archive.digest', 'sha256-short'],
    ['images.0.steps.2.remotePath', 'data/../..'],
    ['images.0.steps.3.variables', { A: 1 }],
    ['images.0.files.0.remotePath', undefined],
    ['images.0.files.0.origins', [{ path: 'data' }]],
    ['images.0.steps.2.origins', [{ path: '', name: '' }]],
    ['images.0.packages.contents', undefined],
    ['images.0.sites.0.line', 0],
    ['functions.0.options.gpu', 'H100'],
    ['functions.0.options.gpu', []],
    ['functions.0.options.gpu', ['h100']],
    ['functions.0.options.gpu', ['H100:1']],
    ['functions.0.options.gpu', ['H100:9']],
    ['functions.0.options.ephemeralDiskMiB', 3_145_729],
    ['functions.0.options.region', ['a b']],
    ['functions.0.options.cloud', ''],
    ['functions.0.options.blockNetwork', 'yes'],
    ['functions.0.options.privateNetwork', 'yes'],
    ['functions.0.options.cluster', { size: 1 }],
    ['functions.0.options.cluster', {}],
    ['functions.0.options.secrets', {}],
    ['functions.0.options.secrets', [{ type: 'named', name: 'a b' }]],
    ['functions.0.options.secrets', [{ type: 'named', name: 'db', requiredKeys: 'A' }]],
    ['functions.0.options.secrets', [{ type: 'inline', index: -1 }]],
    ['functions.0.options.secrets', [{ type: 'inline', keys: ['A'] }]],
    ['functions.0.options.volumes', []],
    ['functions.0.options.volumes', [{ name: 'models' }]],
    ['functions.0.options.volumes', [{ path: 'm', name: 'models', readOnly: false }]],
    ['functions.0.options.buckets', [{ path: 'raw' }]],
    ['functions.0.options.buckets', [{ path: 'raw', bucket: 'No' }]],
    ['functions.0.options.buckets', [{ path: 'raw', bucket: 'trips', endpoint: 'ftp://localhost' }]],
    ['functions.0.options.buckets', [{ path: 'raw', bucket: 'trips', keyPrefix: 'raw' }]],
    ['functions.0.options.buckets', [{ path: 'raw', bucket: 'trips', secret: 'a' }]],
    ['functions.0.methods.0.handlerKind', 'later'],
    ['functions.0.methods.0.callable', 'yes'],
    ['functions.0.methods.0.params.0.type', { type: 'tuple' }],
    ['functions.0.methods.0.params.0.type.fields.0.type', 'integer'],
    ['functions.0.methods.0.params.0.optional', undefined],
    ['functions.0.methods.0.web.method', 'HEAD'],
    ['functions.0.methods.0.web.label', 'No_Label'],
    ['functions.0.methods.0.web.path', 'items/:id'],
    ['functions.0.methods.0.web.path', '/items/:'],
    ['functions.0.methods.0.web.headers', { token: 'x token' }],
    ['functions.0.methods.0.web.headers', ['x-token']],
    ['functions.0.methods.0.web.form', 'yes'],
    ['functions.0.parameters.0.type.values', [true]],
    ['functions.0.hooks.enter.0.snap', undefined],
    ['functions.0.hooks.exit', undefined],
    ['entrypoints.0.params.0.type.items', undefined],
    ['entrypoints.0.site', undefined],
  ])('with a wrong %s is refused by the rules and by the schema', (path, value) => {
    const manifest = withValue(path, value);

    expect(() => validateManifest(manifest)).toThrow(InvalidError);
    expect(matchesSchema(schema, manifest)).toBe(false);
  });

  test.each<[unknown, boolean]>([
    [{ type: 'cron', expression: '5 4 * * *' }, true],
    [{ type: 'cron', expression: '5 4 * * *', timeZone: 'Asia/Tokyo' }, true],
    [{ type: 'period', days: 1, seconds: 1.5 }, true],
    [{ type: 'cron' }, false],
    [{ type: 'cron', expression: '5 4 * *' }, false],
    [{ type: 'cron', expression: '5 4 * * *', timeZone: 1 }, false],
    [{ type: 'period', days: 1.5 }, false],
    [{ type: 'period', hours: -1 }, false],
    [{ type: 'moon' }, false],
    ['5 4 * * *', false],
  ])('with the schedule %j is valid: %s', (schedule, valid) => {
    const manifest = withValue('functions.0', aScheduledFunction({ schedule }));
    const validate = (): unknown => validateManifest(manifest);

    expect(matchesSchema(schema, manifest)).toBe(valid);
    if (valid) expect(validate()).toBe(manifest);
    else expect(validate).toThrow('functions[0].schedule must be a cron expression or a period');
  });

  test('that is wrong is told by its path', () => {
    const wrong = withValue('functions.0.methods.0.web.method', 'HEAD');

    expect(() => validateManifest(wrong)).toThrow(
      'the manifest is not valid: functions[0].methods[0].web.method must be one of the following values: GET, POST, PUT, PATCH, DELETE',
    );
  });

  test('gives a free function exactly one method', () => {
    const wrong = withValue('functions.0', { ...aManifest().functions[0], kind: 'function', methods: [] });

    expect(() => validateManifest(wrong)).toThrow('functions[0].methods of a function must be exactly one');
  });

  test('nested deeper than 200 levels is refused before anybody walks it', () => {
    let deep: unknown = {};
    for (let level = 0; level < 100_000; level++) deep = [deep];

    expect(() => validateManifest(withValue('entrypoints.0.params.0.defaultValue', deep))).toThrow(
      'nested deeper than 200 levels',
    );
  });

  test('never has two functions of one name', () => {
    const [cart] = aManifest().functions;

    expect(() => validateManifest(withValue('functions', [cart, cart]))).toThrow(BuildError);
  });

  test.each<[string, object]>([
    ['has more minContainers than maxContainers', { minContainers: 2, maxContainers: 1 }],
    ['has more targetInputs than maxInputs', { targetInputs: 2, maxInputs: 1 }],
  ])('whose function %s is refused', (problem, options) => {
    const wrong = withValue('functions.0.options', options);

    expect(() => validateManifest(wrong)).toThrow(`"Cart" ${problem}`);
  });

  test('has the images that its functions name, each with one base before its steps', () => {
    const [image] = aManifest().images ?? [];
    const [base, ...steps] = image?.steps ?? [];
    const site = { file: 'src/app.ts', line: 3 };

    expect(() => validateManifest(withValue('functions.0.options.image', 1))).toThrow(
      '"Cart" has image 1, but the manifest has 1',
    );
    for (const wrong of [[...steps, base], [base, base], []]) {
      const sites = wrong.map(() => site);
      expect(() => validateManifest(withValue('images.0', { steps: wrong, sites }))).toThrow(InvalidError);
    }
    expect(() => validateManifest(withValue('images.0.sites', [site]))).toThrow(
      'images must be a list of images',
    );
  });

  test('gives a batched class exactly one method', () => {
    const [cart] = aManifest().functions;
    const methods = [...(cart?.methods ?? []), ...(cart?.methods ?? [])];

    expect(() => validateManifest(withValue('functions.0.methods', methods))).toThrow(
      '"Cart" is batched and must have exactly one method',
    );
  });

  test('gives a schedule to no class, to no generator and to nothing that needs an argument', () => {
    const scheduled = (changes: object): unknown => withValue('functions.0', aScheduledFunction(changes));
    const method = { ...aManifest().functions[0]?.methods[0], name: '' };
    const needed = { name: 'day', type: { type: 'string' }, optional: false };

    expect(() => validateManifest(scheduled({}))).not.toThrow();
    expect(() => validateManifest(scheduled({ kind: 'class' }))).toThrow('cannot have a schedule');
    expect(() => validateManifest(scheduled({ methods: [{ ...method, params: [needed] }] }))).toThrow(
      'needs the argument "day"',
    );
    expect(() =>
      validateManifest(scheduled({ methods: [{ ...method, params: [], handlerKind: 'asyncGenerator' }] })),
    ).toThrow('is a generator');
  });

  test('of another schema version is told apart from a damaged one', () => {
    expect(() => validateManifest(withValue('schemaVersion', 2))).toThrow(VersionError);
  });

  test.each([[null], ['text'], [[]], [1]])('is never %j', (json) => {
    expect(() => validateManifest(json)).toThrow('the manifest is no JSON object');
  });
});
