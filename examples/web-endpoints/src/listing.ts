import express, { type Express } from 'express';

const BOOKS = [
  { id: 1, title: 'The Left Hand of Darkness' },
  { id: 2, title: 'Invisible Cities' },
  { id: 3, title: 'The Summer Book' },
];

/** A small Express app. It knows nothing of the platform, and listens nowhere. */
export function makeListing(): Express {
  const site = express();
  site.use(express.json({ limit: '100kb' }));
  site.get('/books', (_request, response) => {
    response.json(BOOKS);
  });
  site.get('/books/:id', (request, response) => {
    const book = BOOKS.find(({ id }) => String(id) === request.params.id);
    if (book) response.json(book);
    else response.status(404).json({ error: 'There is no such book.' });
  });
  site.post('/echo', (request, response) => {
    response.json({ got: request.body as unknown });
  });
  return site;
}
