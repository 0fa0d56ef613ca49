import type { ChildProcess } from 'node:child_process';

import { fromWireError, InternalFailure, NotFoundError, type AppReport } from '@gantry/protocol';

import { findCli } from './find-cli.ts';
import { basename, dirname, existsSync, fileURLToPath, join } from './node-modules.ts';
import { shownOutput } from './output.ts';

const KEPT_OUTPUT_CHARACTERS = 4_000;

export type AppUp = Extract<AppReport, { type: 'up' }>;

/** What `gantry app up` is to do. */
export interface HelperOrder {
  /** The module that registers all of the app. */
  entry: string;
  /** A deployment instead of an app that ends with this program. */
  deploy?: boolean | undefined;
  detach?: boolean | undefined;
  /** It lends its code the terminal of this process. */
  interactive?: boolean | undefined;
  name?: string | undefined;
  tag?: string | undefined;
  environment?: string | undefined;
}

/** A `gantry app up` that has brought an app up, and takes it down again when told to, or when this process ends. */
export interface AppHelper {
  readonly up: AppUp;
  /** Resolves when the app is down, unless it is detached or deployed. */
  end(): Promise<void>;
}

/**
 * Builds and starts an app with the `gantry` command: building needs the compiler, which the SDK does without.
 *
 * @throws {@link NotFoundError} if the command is not installed, or why the app could not be built or started.
 */
export async function startAppHelper(order: HelperOrder): Promise<AppHelper> {
  // Loaded on demand: containers never start programs, and each module costs time when they start.
  const { spawn } = await import('node:child_process');
  const cli = findCli([order.entry, fileURLToPath(import.meta.url)]);
  const args = ['app', 'up', builtFolderOf(order.entry) ?? order.entry, ...flagsOf(order)];
  const child = cli === undefined ? spawn('gantry', args) : spawn(process.execPath, [cli, ...args]);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const report = await readReport(child);
  if (report.type === 'failed') {
    await ended;
    throw fromWireError(report.error);
  }
  // A program that just ends takes the app down, too: the helper sees its standard input end.
  unref(child);
  return {
    up: report,
    async end() {
      child.ref();
      child.stdin?.end();
      await ended;
    },
  };
}

function flagsOf({ deploy, detach, interactive, name, tag, environment }: HelperOrder): string[] {
  const shown = shownOutput();
  const outputFlags = [...(shown ? ['--logs'] : []), ...(shown?.showProgress ? ['--steps'] : [])];
  const texts = { '--name': name, '--tag': tag, '--env': environment };
  const given = Object.entries(texts).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const switches = { '--deploy': deploy, '--detach': detach, '--interactive': interactive };
  const set = Object.entries(switches).flatMap(([flag, isOn]) => (isOn ? [flag] : []));
  return [...outputFlags, ...set, ...given];
}

/** A program that `gantry build` made runs from its bundle, beside which the manifest lies: nothing is to build then. */
function builtFolderOf(entry: string): string | undefined {
  const folder = dirname(entry);
  const isBundle = basename(entry) === 'bundle.mjs' && existsSync(join(folder, 'manifest.json'));
  return isBundle ? folder : undefined;
}

function readReport(child: ChildProcess): Promise<AppReport> {
  return new Promise((resolve, reject) => {
    let out: string | undefined = '';
    let notes = '';
    const printError = wholeLines((text) => process.stderr.write(text));
    const print = wholeLines((text) => process.stdout.write(text));
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => {
        notes = (notes + text).slice(-KEPT_OUTPUT_CHARACTERS);
        printError.add(text);
      })
      .once('end', printError.end);
    child.stdout
      ?.setEncoding('utf8')
      .on('data', (text: string) => {
        if (out === undefined) return print.add(text);
        out += text;
        const end = out.indexOf('\n');
        if (end < 0) return;
        const [line, rest] = [out.slice(0, end), out.slice(end + 1)];
        out = undefined;
        print.add(rest);
        resolve(JSON.parse(line) as AppReport);
      })
      .once('end', print.end);
    child.once('error', (cause) => reject(notInstalled(cause)));
    child.once('close', (code) => {
      reject(new InternalFailure(`"gantry app up" ended with code ${String(code)}: ${notes.trim()}`));
    });
  });
}

/** Prints only whole lines, so that others may print between them; nothing while output is not shown. */
function wholeLines(print: (text: string) => void): { add(text: string): void; end(): void } {
  let begun = '';
  const add = (text: string) => {
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0 && shownOutput()) print(begun + text.slice(0, end));
    begun = end > 0 ? text.slice(end) : begun + text;
  };
  return { add, end: () => (begun === '' ? undefined : add('\n')) };
}

function notInstalled(cause: Error): NotFoundError {
  return new NotFoundError('the "gantry" command, which builds the app, is not installed', {
    hint: 'Install it beside the SDK, or put it into PATH.',
    cause,
  });
}

function unref(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr])
    (stream as { unref?: () => void } | null)?.unref?.();
}
