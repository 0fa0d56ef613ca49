import { access, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { placeBuild } from './build-output.mjs';
import { DIST, ROOT } from './paths.mjs';
import { SetupError, step } from './report.mjs';
import { mustRun } from './run-program.mjs';
import { sourceStamp } from './source-stamp.mjs';

const STAMP = join(DIST, '.stamp');
// The types of `gantry`, as its package.json names them.
const TYPES = 'libs/sdk/dist';
const TYPES_STAMP = join(ROOT, TYPES, '.stamp');
const TYPES_ENTRY = join(ROOT, TYPES, 'sdk/src/index.d.ts');
const EXTENSIONS = { esm: 'mjs', cjs: 'cjs' };

// Native, or reads its own files at run time, or an optional part that a package tries to load.
const EXTERNAL = [
  'rolldown',
  /^rolldown\//,
  'typescript',
  'nx',
  /^@nx\//,
  'pino',
  'cbor-extract',
  'bufferutil',
  'utf-8-validate',
];

// Each output folder and the bundles in it. Nx cannot run in this repository before its plugin is there, so that is first.
const OUTPUTS = [
  {
    directory: 'libs/nx-plugin/dist',
    bundles: [
      {
        // Nx runs on whatever Node the developer has, also one that cannot read TypeScript.
        chunks: 'chunks',
        entries: {
          index: 'libs/nx-plugin/src/index.ts',
          'app-generator': 'libs/nx-plugin/src/app-generator.ts',
          'client-generator': 'libs/nx-plugin/src/client-generator.ts',
          'gantry-executor': 'libs/nx-plugin/src/gantry-executor.ts',
        },
      },
    ],
  },
  {
    directory: 'dist',
    // Pages for browsers, in a folder of the same name.
    pages: 'dashboard',
    bundles: [
      {
        // Processes that the platform starts. They share chunks, so `gantry up` loads every library once.
        chunks: 'chunks',
        // Its native helper serves the one copy of it that all use.
        external: [/^cbor-x(\/|$)/],
        entries: {
          cli: 'apps/cli/src/main.ts',
          // The process in which `gantry run` executes local code.
          entrypoint: 'apps/cli/src/run/entrypoint.ts',
          server: 'apps/server/src/main.ts',
          gateway: 'apps/gateway/src/main.ts',
          worker: 'apps/worker/src/main.ts',
          // Of threads in which workers store files.
          'part-writer': 'libs/blobs/src/part-writer.ts',
          'mount-daemon': 'apps/worker/src/volumes/mount-daemon.ts',
        },
      },
      {
        // Starts in every container, where each file more is time to load, and no other file of the platform is. CommonJS:
        // an ES module that imports one of Node's own has Node load all that this offers, used or not.
        format: 'cjs',
        chunks: 'runner',
        whole: 'program',
        entries: { 'runner/entry': 'libs/runner/src/program.ts' },
      },
      {
        // Loads that chunk as an earlier process compiled it.
        format: 'cjs',
        chunks: 'runner',
        names: { PROGRAM: 'program' },
        entries: { runner: 'libs/runner/src/boot.ts' },
      },
    ],
  },
];

/** Bundles the platform into `dist/`, unless no source has changed since. A failed build leaves the old one in place. */
export async function build() {
  const stamp = await sourceStamp();
  if (await isBuilt(stamp)) return;
  await step('Build the platform into dist/', async () => {
    const scratch = join(ROOT, '.tools', `build-${process.pid}`);
    try {
      await Promise.all([writeTypes(join(scratch, TYPES)), bundleOutputs(scratch)]);
      // Until all is in place, the old stamp would speak for a mixture.
      await rm(STAMP, { force: true });
      for (const { directory } of OUTPUTS) await placeBuild(join(scratch, directory), join(ROOT, directory));
      await writeFile(STAMP, stamp);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

async function bundleOutputs(scratch) {
  for (const output of OUTPUTS) await bundleOutput(output, scratch);
}

/** Types take longer than all bundles together, and change less often. */
async function writeTypes(scratchDirectory) {
  const stamp = await sourceStamp(['libs/sdk', 'libs/protocol', 'tools/setup']);
  if ((await stampIn(TYPES_STAMP)) === stamp && (await exists(TYPES_ENTRY))) return;
  await mustRun(process.execPath, [join(ROOT, 'tools/setup/src/declarations.mjs'), scratchDirectory]);
  await rm(TYPES_STAMP, { force: true });
  await placeBuild(scratchDirectory, join(ROOT, TYPES));
  await writeFile(TYPES_STAMP, stamp);
}

async function bundleOutput({ directory, bundles, pages }, scratch) {
  const files = new Map();
  for (const bundle of bundles) {
    const written = await write({ ...bundle, directory, files }, join(scratch, directory));
    for (const { name, fileName } of written) files.set(name, fileName);
  }
  if (pages !== undefined) await writePages(join('apps', pages), join(scratch, directory, pages));
}

async function writePages(project, scratchDirectory) {
  const { build: buildPages } = await import('vite');
  const root = join(ROOT, project);
  try {
    await buildPages({
      root,
      configFile: join(root, 'vite.config.ts'),
      build: { outDir: scratchDirectory },
      logLevel: 'warn',
    });
  } catch (error) {
    throw new SetupError(`the pages of ${project} could not be built`, {
      cause: error,
      output: error.message,
      hint: 'Mend the source named above and run this again.',
    });
  }
}

async function isBuilt(stamp) {
  if ((await stampIn(STAMP)) !== stamp) return false;
  const outputs = OUTPUTS.flatMap(({ directory, bundles, pages }) => [
    ...(pages === undefined ? [] : [join(ROOT, directory, pages, 'index.html')]),
    ...bundles.flatMap(({ entries, format = 'esm' }) =>
      Object.keys(entries).map((name) => join(ROOT, directory, `${name}.${EXTENSIONS[format]}`)),
    ),
  ]);
  const found = await Promise.all([TYPES_ENTRY, ...outputs].map(exists));
  return found.every(Boolean);
}

function stampIn(path) {
  return readFile(path, 'utf8').catch(() => undefined);
}

function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function write(
  { entries, chunks, whole, names = {}, external = [], format = 'esm', directory, files },
  scratchDirectory,
) {
  const extension = EXTENSIONS[format];
  const { rolldown } = await import('rolldown');
  try {
    const bundled = await rolldown({
      input: Object.fromEntries(Object.entries(entries).map(([name, path]) => [name, join(ROOT, path)])),
      cwd: ROOT,
      platform: 'node',
      external: [...EXTERNAL, ...external],
      // Says that decorators are the legacy kind and emit type metadata.
      tsconfig: join(ROOT, 'tsconfig.base.json'),
      transform: { target: 'node22', define: fileNames(names, files) },
      plugins: [asciiOnly, ...(whole === undefined ? [] : [withHelpers(whole)])],
      onLog,
    });
    const { output } = await bundled.write({
      dir: scratchDirectory,
      format,
      sourcemap: true,
      keepNames: true,
      // What an entry loads at once, in one chunk.
      codeSplitting: whole === undefined || { groups: [{ name: whole, tags: ['$initial'] }] },
      comments: { jsdoc: false },
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `${chunks}/[name]-[hash].${extension}`,
      sourcemapPathTransform: (source, map) => {
        const finalMap = join(ROOT, directory, relative(scratchDirectory, map));
        return relative(dirname(finalMap), resolve(dirname(map), source));
      },
    });
    await bundled.close();
    return output;
  } catch (error) {
    throw new SetupError(`the bundle of ${Object.values(entries).join(', ')} could not be built`, {
      cause: error,
      output: error.message,
      hint: 'Mend the source named above and run this again.',
    });
  }
}

/** What entries of one bundle are told of the chunks of those before: their paths, by the words that stand for these. */
function fileNames(names, files) {
  return Object.fromEntries(
    Object.entries(names).map(([word, chunk]) => [word, JSON.stringify(files.get(chunk))]),
  );
}

/** Puts the bundler's helpers into the chunk of this name: each start would have to find them in a file of their own. */
function withHelpers(name) {
  return {
    name: 'with-helpers',
    generateBundle(_options, output) {
      const find = (wanted) => Object.values(output).find((chunk) => chunk.name === wanted);
      const [whole, helpers] = [find(name), find('rolldown-runtime')];
      // It is loaded by what V8 compiled, where there is no `import()`: see `CompiledProgram` of the runner.
      const [late] = /\bimport\("[^"]+"\)/.exec(whole.code) ?? [];
      if (late) throw new Error(`${name} has ${late}: write process.getBuiltinModule()`);
      // In one line, so that the map stays right.
      const code = helpers.code.replaceAll(/^\/\/.*$/gm, '').replaceAll(/\s+/g, ' ');
      whole.code = whole.code.replace(
        `require("./${basename(helpers.fileName)}")`,
        () => `((exports) => { ${code} return exports; })({})`,
      );
    },
  };
}

/** One other letter doubles what a file takes in memory. They are in texts and comments only, where an escape says the same. */
const asciiOnly = {
  name: 'ascii-only',
  renderChunk(code) {
    const escaped = code.replaceAll(
      /[^\0-\x7f]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    // Lines stay as they are, and so does the map.
    return { code: escaped, map: null };
  },
};

function onLog(level, log, defaultHandler) {
  // An import that cannot be found must not wait until it is reached at run time.
  if (log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message);
  const isTheirs = log.id?.includes('node_modules') ?? false;
  if (level !== 'warn' || isTheirs || log.code === 'CIRCULAR_DEPENDENCY') return;
  defaultHandler(level, log);
}
