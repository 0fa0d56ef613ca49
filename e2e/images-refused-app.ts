import { App, Image } from 'gantry';

const image = Image.debianSlim()
  .aptInstall('graphviz')
  .runCommands('dot -V')
  .addLocalFile('e2e/image-files/lists/numbers.txt', '/data/numbers.txt');

export const app = new App('images-refused');
export const draw = app.function({ image }, async () => 'drawn');
