import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ROOT, toolsEnvironment } from './paths.mjs';
import { SetupError } from './report.mjs';

const SHOWN_LINES = 15;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a program to its end and keeps what it prints.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {Promise<{ code: number, stdout: string, output: string }>} `output` is both streams, in order.
 *   A program that cannot be started has the code 127.
 */
export function runProgram(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...toolsEnvironment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let output = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', (error) => resolve({ code: 127, stdout: '', output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, output }));
  });
}

/** Runs a program that must succeed; on failure the two ends of what it printed become part of the error. */
export async function mustRun(program, args, options = {}) {
  const result = await runProgram(program, args, options);
  if (result.code === 0) return result;
  throw new SetupError(`\`${options.as ?? [program, ...args].join(' ')}\` ended with code ${result.code}`, {
    hint: options.hint,
    output: bothEnds(result.output),
  });
}

/**
 * Runs a program on this terminal, passing on the signals that end it.
 *
 * @returns {Promise<{ code: number, stoppedBy?: NodeJS.Signals }>} The exit code, and the signal that was passed on:
 *   whoever asked for an end does not want what comes next.
 */
export function runAttached(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd ?? ROOT,
      env: { ...toolsEnvironment(), ...options.env },
      stdio: 'inherit',
    });
    let stoppedBy;
    // A terminal sends Ctrl-C to both processes; others signal only this one.
    const forward = (signal) => {
      stoppedBy ??= signal;
      child.kill(signal);
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, forward);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of ENDING_SIGNALS) process.off(name, forward);
      resolve({ code: code ?? (signal === null ? 1 : 130), stoppedBy });
    });
  });
}

/** Runs npm, also where only the program that started this one knows where npm is. */
export function npm(args, options = {}) {
  const npmScript = process.env.npm_execpath;
  const named = { as: `npm ${args.join(' ')}`, ...options };
  return npmScript?.endsWith('.js')
    ? mustRun(process.execPath, [npmScript, ...args], named)
    : mustRun('npm', args, named);
}

/** The path of a program on `PATH`, or undefined. */
export function findProgram(name) {
  const directories = (toolsEnvironment().PATH ?? '').split(delimiter);
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// Some programs name the cause first, others last.
function bothEnds(text) {
  const lines = text.trim().split('\n');
  if (lines.length <= 2 * SHOWN_LINES) return lines.join('\n');
  return [...lines.slice(0, SHOWN_LINES), '…', ...lines.slice(-SHOWN_LINES)].join('\n');
}
