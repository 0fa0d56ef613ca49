import { type FunctionSpec, InvalidError } from '@gantry/protocol';
import { type MachineFacts, misfitOf } from '@gantry/scheduling';

/**
 * Compares what functions ask for with the machines that there are.
 *
 * @returns a sentence for each function that waits until another machine comes, or may get less than it asks for.
 * @throws InvalidError for one that asks for more than any machine has.
 */
export function fitWarnings(functions: readonly FunctionSpec[], machines: readonly MachineFacts[]): string[] {
  return functions.flatMap(({ name, options }) => {
    const misfit = misfitOf(options, machines);
    if (!misfit) return options.privateNetwork ? sharedNetworkWarning(name, machines) : [];
    if (!misfit.isTooLarge) return [`"${name}" waits until a machine fits: ${misfit.reason}`];
    throw new InvalidError(`"${name}" fits on no machine: ${misfit.reason}`, {
      hint: 'Let it ask for less, or start a worker on a larger machine first.',
    });
  });
}

function sharedNetworkWarning(name: string, machines: readonly MachineFacts[]): string[] {
  if (!machines.some(({ driver }) => driver?.privateNetwork === 'machine')) return [];
  return [
    `"${name}" has no network of its own where containers are plain processes: all programs of their machine reach them, and those of other machines do not`,
  ];
}
