/**
 * Takes the picture out of a request: the first file of a form, or the whole body.
 *
 * @returns undefined if the request carries neither.
 */
export async function readPicture(request: Request): Promise<Uint8Array | undefined> {
  const contentType = request.headers.get('content-type') ?? '';
  if (contentType.startsWith('multipart/form-data')) return await readUploadedFile(request);
  const body = new Uint8Array(await request.arrayBuffer());
  return body.length > 0 ? body : undefined;
}

async function readUploadedFile(request: Request): Promise<Uint8Array | undefined> {
  let form: FormData;
  try {
    form = await request.formData();
  } catch {
    return undefined;
  }
  for (const value of form.values()) {
    if (typeof value !== 'string') return new Uint8Array(await value.arrayBuffer());
  }
  return undefined;
}

/** True for bytes that start like a PNG, JPEG, WebP or BMP file. */
export function isPicture(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString('latin1');
  return (
    head.startsWith('\x89PNG\r\n\x1a\n') ||
    head.startsWith('\xff\xd8\xff') ||
    head.startsWith('BM') ||
    (head.startsWith('RIFF') && head.slice(8) === 'WEBP')
  );
}
