import { describe, expect, test } from 'vitest';

import { isPicture, readPicture } from './picture.ts';

const PNG = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3, 4]);

describe('readPicture', () => {
  test('takes a raw body', async () => {
    const request = new Request('http://local/', {
      method: 'POST',
      body: PNG,
      headers: { 'content-type': 'image/png' },
    });

    expect(await readPicture(request)).toEqual(PNG);
  });

  test('takes the first file of a form, whatever its field is called', async () => {
    const form = new FormData();
    form.set('note', 'lunch');
    form.set('photo', new File([PNG], 'receipt.png'));

    expect(await readPicture(new Request('http://local/', { method: 'POST', body: form }))).toEqual(PNG);
  });

  test('finds nothing in an empty body, in a form without files, or in a broken form', async () => {
    const form = new FormData();
    form.set('note', 'lunch');
    const broken = {
      method: 'POST',
      body: 'x',
      headers: { 'content-type': 'multipart/form-data; boundary=y' },
    };

    expect(await readPicture(new Request('http://local/', { method: 'POST', body: '' }))).toBeUndefined();
    expect(await readPicture(new Request('http://local/', { method: 'POST', body: form }))).toBeUndefined();
    expect(await readPicture(new Request('http://local/', broken))).toBeUndefined();
  });
});

describe('isPicture', () => {
  test('knows PNG, JPEG, WebP and BMP by their first bytes', () => {
    expect(isPicture(PNG)).toBe(true);
    expect(isPicture(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0]))).toBe(true);
    expect(isPicture(new TextEncoder().encode('RIFF0000WEBPVP8 '))).toBe(true);
    expect(isPicture(new TextEncoder().encode('BM0000'))).toBe(true);
  });

  test('refuses text and nothing', () => {
    expect(isPicture(new TextEncoder().encode('<html>'))).toBe(false);
    expect(isPicture(new Uint8Array())).toBe(false);
  });
});
