import {
  BuildError,
  type BuiltImages,
  fromWireError,
  type GantryError,
  InternalFailure,
  type ImageBuildEvent,
} from '@gantry/protocol';

import type { Steps } from './steps.ts';

/** Shows how the images of a deploy are built; resolves when all are there. */
export async function showImageBuilds(
  events: AsyncIterable<ImageBuildEvent>,
  steps: Steps,
): Promise<BuiltImages | undefined> {
  // Images have steps in common, and the first line about one is enough.
  const shown = new Set<string>();
  for await (const event of events) {
    switch (event.type) {
      case 'step':
        steps.progress(`${event.title}…`);
        break;
      case 'stepCached':
        if (!shown.has(event.title)) steps.done(event.title, 'cached');
        shown.add(event.title);
        break;
      case 'output':
        if (event.text !== '') steps.output(event.text);
        break;
      case 'stepDone':
        steps.done(event.title, event.durationMs);
        shown.add(event.title);
        break;
      case 'built':
        for (const id of new Set(event.images?.ids)) steps.done(`Image ${id}`, 'ready');
        return event.images;
      case 'failed':
        throw steps.isQuiet ? withLastLines(fromWireError(event.error)) : fromWireError(event.error);
    }
  }
  throw new InternalFailure('the server ended while it built images', {
    hint: 'Deploy again: steps that were done are kept.',
  });
}

/** For those who did not see them go by. */
function withLastLines(error: GantryError): GantryError {
  const { lastLines } = error.details;
  if (!(error instanceof BuildError) || !Array.isArray(lastLines) || lastLines.length === 0) return error;
  const shown = lastLines.map((line) => `  │ ${String(line)}`).join('\n');
  return new BuildError(`${error.message}\n${shown}`, {
    hint: error.hint,
    details: error.details,
    cause: error,
  });
}
