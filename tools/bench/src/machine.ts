import { cpus, release, totalmem, type } from 'node:os';

/** One line about where the numbers were measured. */
export function describeMachine(): string {
  const processors = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${processors.length} cores (${model}), ${memoryGiB} GiB, ${type()} ${release()}, Node ${process.version}`;
}
