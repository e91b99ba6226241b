import type { JsonObject, JsonValue } from '@bufbuild/protobuf';

/** The etag of the one blob an answer holds. */
export function etagOf(body: JsonValue): string | undefined {
  const blob = isObject(body) ? body['blob'] : undefined;
  const etag = isObject(blob) ? blob['etag'] : undefined;
  return typeof etag === 'string' && /^[\x21\x23-\x7e]+$/.test(etag) ? etag : undefined;
}

/** Types whose content is read as UTF-8: text, JSON, and rich documents in each of their forms. */
const READABLE = /^(text\/|application\/(([\w.+-]+\+)?json|vnd\.studio\.prosemirror\+yjs)(?![\w.+-]))/i;

/** Puts `text` beside the base64 `content` of blobs that hold text, JSON or a rich document. */
export function withText(body: JsonValue): JsonValue {
  if (!isObject(body)) return body;
  const { blob, blobs } = body;
  if (isObject(blob)) body['blob'] = blobWithText(blob);
  if (Array.isArray(blobs)) body['blobs'] = blobs.map((each) => (isObject(each) ? blobWithText(each) : each));
  return body;
}

function blobWithText(blob: JsonObject): JsonObject {
  const { contentType, contentHash } = blob;
  // Proto JSON leaves out what is empty; that there is a content its hash says.
  const content = blob['content'] ?? (contentHash ? '' : undefined);
  if (typeof content !== 'string' || typeof contentType !== 'string') return blob;
  if (!READABLE.test(contentType)) return blob;
  return { ...blob, text: Buffer.from(content, 'base64').toString('utf8') };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
