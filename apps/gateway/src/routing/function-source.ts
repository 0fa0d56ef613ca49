import type { FunctionRecord } from '@gantry/protocol';

/** The live functions, as the registry has them. */
export interface FunctionSource {
  get(functionId: string): FunctionRecord | undefined;
  /** Calls `listener` after each change. */
  onChange(listener: (change: { functionId: string; record: FunctionRecord | undefined }) => void): {
    stop(): void;
  };
}
