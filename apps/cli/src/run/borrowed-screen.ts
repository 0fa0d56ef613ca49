import { setScreenOwner } from 'gantry/internal';

import type { FromRunChild, ToRunChild } from './run-request.ts';

/** In the process that runs the user's code: shows how far maps are, on the screen of the `gantry run` around it. */
export function borrowScreen(): void {
  const tell = (message: FromRunChild) => process.send?.(message);
  const waiting: (() => void)[] = [];
  process.on('message', (message: ToRunChild) => {
    if (message.type === 'lent') waiting.shift()?.();
    if (message.type !== 'print') return;
    const stream = message.stream === 'stdout' ? process.stdout : process.stderr;
    stream.write(message.text, () => tell({ type: 'printed' }));
  });
  // Listeners keep a process alive that has nothing to do any more.
  process.channel?.unref();
  setScreenOwner({
    lend() {
      tell({ type: 'borrow' });
      return new Promise((resolve) => waiting.push(resolve));
    },
    giveBack: () => tell({ type: 'giveBack' }),
  });
}
