import {
  type ErrorCode,
  type InputInfo,
  type InputMessage,
  type InputStatus,
  LIMITS,
  type OutputMessage,
  ResourceExhaustedError,
} from '@gantry/protocol';

import type { FunctionDirectory } from './function-directory.ts';
import type { Messaging } from './messaging.ts';
import { assertCallId, unknownCall } from './session-calls.ts';

const STATUS_OF_FAILURE: Partial<Record<ErrorCode, InputStatus>> = {
  CANCELLED: 'TERMINATED',
  FUNCTION_TIMED_OUT: 'TIMEOUT',
};

/**
 * Reads the inputs of a call, with all that their code called in turn.
 *
 * @throws NotFoundError or OutputExpiredError for an unknown call, ResourceExhaustedError above 10,000 inputs.
 */
export async function readCallGraph(
  messaging: Messaging,
  functions: FunctionDirectory,
  callId: string,
): Promise<InputInfo[]> {
  assertCallId(callId);
  const roots = await new GraphReader(messaging, functions).inputsOf(callId);
  if (roots.length === 0) throw unknownCall(callId);
  return roots;
}

class GraphReader {
  readonly #messaging: Messaging;
  readonly #functions: FunctionDirectory;
  #count = 0;

  constructor(messaging: Messaging, functions: FunctionDirectory) {
    this.#messaging = messaging;
    this.#functions = functions;
  }

  async inputsOf(callId: string): Promise<InputInfo[]> {
    const { inputs, outputs } = this.#messaging;
    const found = new Map<number, InputInfo>();
    // In this order: an input leaves the queue only after its output is stored.
    for await (const input of inputs.readCall(callId)) this.#note(found, input.index, this.#pending(input));
    for await (const output of outputs.read(callId)) {
      this.#note(found, output.index, this.#finished(output, found.get(output.index)));
    }
    const infos = [...found].sort(([left], [right]) => left - right).map(([, info]) => info);
    for (const info of infos) {
      const calls = await this.#messaging.links.callsOf(info.inputId);
      for (const call of calls) info.children.push(...(await this.inputsOf(call)));
    }
    return infos;
  }

  #note(found: Map<number, InputInfo>, index: number, info: InputInfo): void {
    if (!found.has(index)) this.#count++;
    if (this.#count > LIMITS.callGraphInputs) {
      throw new ResourceExhaustedError(`the call graph has more than ${LIMITS.callGraphInputs} inputs`, {
        hint: 'Ask for the graph of a call further down.',
      });
    }
    found.set(index, info);
  }

  #pending({ inputId, callId, functionId, method }: InputMessage): InputInfo {
    return {
      inputId,
      functionCallId: callId,
      status: 'PENDING',
      ...this.#names(functionId, method),
      children: [],
    };
  }

  #finished(output: OutputMessage, pending: InputInfo | undefined): InputInfo {
    const { inputId, callId, containerId, functionId, method } = output;
    const names = functionId === undefined ? pending : this.#names(functionId, method ?? '');
    return {
      inputId,
      functionCallId: callId,
      containerId: containerId === '' ? undefined : containerId,
      status: statusOf(output),
      functionName: names?.functionName ?? '',
      moduleName: names?.moduleName,
      children: [],
    };
  }

  #names(functionId: string, method: string): Pick<InputInfo, 'functionName' | 'moduleName'> {
    const spec = this.#functions.get(functionId)?.spec;
    const name = spec?.name ?? functionId;
    return { functionName: method === '' ? name : `${name}.${method}`, moduleName: spec?.site.file };
  }
}

function statusOf({ outcome, containerId }: OutputMessage): InputStatus {
  if (outcome.type === 'value') return 'SUCCESS';
  // What fails without a container waited for one that did not load.
  const isInitFailure =
    containerId === '' && (outcome.type === 'error' || outcome.failure.code === 'CONTAINER_FAILED');
  if (isInitFailure) return 'INIT_FAILURE';
  return (outcome.type === 'failure' && STATUS_OF_FAILURE[outcome.failure.code]) || 'FAILURE';
}
