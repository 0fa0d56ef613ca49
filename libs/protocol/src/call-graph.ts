/** How an input stands, as call graphs tell it. */
export type InputStatus = 'PENDING' | 'SUCCESS' | 'FAILURE' | 'INIT_FAILURE' | 'TERMINATED' | 'TIMEOUT';

/** One input of a call, and below it the inputs of the calls that its code made. */
export interface InputInfo {
  inputId: string;
  functionCallId: string;
  /** The container that ran it; undefined while it is pending, and if none ever had it. */
  containerId?: string | undefined;
  status: InputStatus;
  /** Name of the function, or of class and method such as `Ocr.read`. */
  functionName: string;
  /** The source file that defines it; undefined for a function that was removed since. */
  moduleName?: string | undefined;
  children: InputInfo[];
}
