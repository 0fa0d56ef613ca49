import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

// Tests, suites that several of them share, and what they set up to test against.
const TESTS = [
  '**/*.test.{ts,mjs}',
  '**/*{.,-}contract.ts',
  '**/*-under-test.ts',
  '**/*.fixture.ts',
  'libs/*/src/testing.ts',
  'apps/*/src/testing/**',
  'libs/testing/**',
  'e2e/**',
];
const DOMAIN = ['libs/{collections,scheduling,volumes,images}/src/**/*.ts'];

// Who may import whom. There is no constraint for `*`: a project without a layer may import nothing of ours.
const layers = [
  { sourceTag: 'layer:protocol', onlyDependOnLibsWithTags: ['layer:testing'] },
  {
    sourceTag: 'layer:public',
    onlyDependOnLibsWithTags: ['layer:protocol', 'layer:public', 'layer:testing'],
  },
  {
    sourceTag: 'layer:domain',
    onlyDependOnLibsWithTags: ['layer:protocol', 'layer:domain', 'layer:testing'],
    bannedExternalImports: ['hono', '@hono/*', 'tsyringe', 'ws', 'pino', 'undici'],
  },
  {
    sourceTag: 'layer:adapter',
    onlyDependOnLibsWithTags: ['layer:protocol', 'layer:domain', 'layer:testing'],
    bannedExternalImports: ['tsyringe', 'hono', '@hono/*'],
  },
  {
    sourceTag: 'layer:app',
    onlyDependOnLibsWithTags: [
      'layer:protocol',
      'layer:public',
      'layer:domain',
      'layer:adapter',
      'layer:testing',
    ],
  },
  // Runs in browsers, and has what the API says.
  {
    sourceTag: 'layer:browser',
    onlyDependOnLibsWithTags: ['layer:protocol', 'layer:testing'],
    bannedExternalImports: ['hono', '@hono/*', 'tsyringe', 'ws', 'pino', 'undici', 'cbor-x', 'cbor-x/*'],
  },
  { sourceTag: 'layer:testing', onlyDependOnLibsWithTags: ['layer:protocol'] },
  {
    sourceTag: 'layer:tool',
    onlyDependOnLibsWithTags: [
      'layer:protocol',
      'layer:public',
      'layer:domain',
      'layer:adapter',
      'layer:testing',
    ],
  },
  // Users' code: it sees what is published and nothing else. `@gantry/nx` gives the second tag to all that it finds.
  { sourceTag: 'layer:example', onlyDependOnLibsWithTags: ['layer:public', 'layer:testing'] },
  { sourceTag: 'gantry:app', onlyDependOnLibsWithTags: ['layer:public', 'layer:testing'] },
];

// What travels inside users' bundles stays tiny.
const footprint = [
  {
    sourceTag: 'ships:user-bundle',
    allowedExternalImports: [
      'reflect-metadata',
      'tsyringe',
      'class-validator',
      'class-transformer',
      'cbor-x',
      'cbor-x/encode',
      'smol-toml',
      // In a file of its own, loaded by containers whose app has WebSockets.
      'ws',
    ],
  },
];

const noNats = { group: ['@nats-io/*', 'nats'], message: 'Only libs/messaging speaks to NATS.' };
const noS3 = { group: ['minio', '@aws-sdk/*'], message: 'Only libs/blobs speaks to the S3 store.' };
const noTestHelpers = {
  group: ['@gantry/testing', '@gantry/*/testing', 'vitest', 'fast-check'],
  message: 'Test helpers belong in *.test.ts and *.contract.ts.',
};
const noNodeBuiltins = {
  group: [
    'node:*',
    'fs',
    'fs/*',
    'net',
    'http',
    'https',
    'child_process',
    'os',
    'path',
    'timers',
    'timers/*',
  ],
  message: 'Domain code reaches the world through a port.',
};

// A later block replaces the options of an earlier one, so each says all that holds for its files.
const fences = [
  { files: ['**/*.{ts,tsx}'], patterns: [noNats, noS3, noTestHelpers] },
  { files: ['libs/messaging/src/**/*.ts'], patterns: [noS3, noTestHelpers] },
  { files: ['libs/blobs/src/**/*.ts'], patterns: [noNats, noTestHelpers] },
  { files: DOMAIN, patterns: [noNats, noS3, noTestHelpers, noNodeBuiltins] },
  { files: [...TESTS, 'vitest.*.ts'], patterns: [noNats, noS3] },
  { files: ['libs/messaging/src/**/*.test.ts'], patterns: [noS3] },
  { files: ['libs/blobs/src/**/*.test.ts'], patterns: [noNats] },
].map(({ files, patterns }) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } }));

const size = {
  'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 3],
  'max-depth': ['error', 3],
  complexity: ['error', 15],
};

const syntax = [
  { selector: 'TSEnumDeclaration', message: 'Use a union of string literals, or a const object.' },
  { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
  {
    selector:
      'MemberExpression[object.name=/^(test|it|describe|suite)$/][property.name=/^(only|skip|todo)$/]',
    message: 'A test runs, or skips itself for a reason it names: skipIf.',
  },
];

// A bundle may put what a chunk loads later into the file of the program, which the chunk then waits for, and it for the chunk.
const waitingPrograms = ['AwaitExpression', 'ForOfStatement[await=true]'].map((node) => ({
  selector: `${node}:not(:function *)`,
  message: 'Nothing waits while it is loaded: await inside of a function.',
}));

// See libs/sdk/src/node-modules.ts.
const wholeModules = {
  selector: 'ImportDeclaration[importKind!="type"][source.value=/^node:/]',
  message: 'Containers would pay for all that this module exports: take it from node-modules.ts.',
};

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '**/testdata/**',
      '**/*.gen.*',
      '.tools/**',
      '**/.gantry/**',
      'coverage/**',
      '.nx/**',
      'libs/nx-plugin/files/**',
    ],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      ...size,
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-control-regex': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'hack', 'xxx'], location: 'start' }],
    },
  },
  {
    files: ['**/*.{ts,tsx}'],
    plugins: { '@nx': nx, '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-namespace': 'error',
      '@typescript-eslint/no-require-imports': 'error',
      '@typescript-eslint/parameter-properties': ['error', { prefer: 'class-property' }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/only-throw-error': 'error',
      'no-restricted-syntax': ['error', ...syntax],
      '@nx/enforce-module-boundaries': [
        'error',
        { depConstraints: [...layers, ...footprint], banTransitiveDependencies: true },
      ],
    },
  },
  ...fences,
  {
    files: ['{apps,libs}/*/src/**/*.ts'],
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...syntax, ...waitingPrograms] },
  },
  {
    files: ['libs/sdk/src/**/*.ts'],
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...syntax, ...waitingPrograms, wholeModules] },
  },
  {
    files: ['**/*.config.ts', '**/gantry.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // There a parameter may be an option of the command line.
    files: ['examples/*/src/**/*.ts'],
    rules: { 'max-params': 'off' },
  },
  {
    // A test or a suite reads best as one text, however long, and a row of a table has as many columns as it needs.
    files: TESTS,
    rules: { 'max-lines-per-function': 'off', 'max-params': 'off' },
  },
  {
    // Tests travel in no bundle.
    files: ['**/*.{test,contract,fixture}.ts'],
    rules: {
      '@nx/enforce-module-boundaries': ['error', { depConstraints: layers, banTransitiveDependencies: true }],
    },
  },
  {
    // A project only to have a target of its own: like all of `e2e` it looks at the whole platform.
    files: ['e2e/faults/**'],
    rules: { '@nx/enforce-module-boundaries': 'off' },
  },
  {
    // No project of their own, so no tsconfig covers them.
    files: ['*.ts', '**/*.config.ts'],
    extends: [tseslint.configs.disableTypeChecked],
  },
);
