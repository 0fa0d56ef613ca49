// A program that takes items until it is killed, and says of each that it has it.
import { Queue } from 'gantry';

const queue = Queue.fromName<number>(process.env['QUEUE'] ?? '');
for (;;) {
  const item = await queue.get();
  process.stdout.write(`${item}\n`);
}
