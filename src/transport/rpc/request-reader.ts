/**
 * Reads the one request of a unary call before connect does, which would read it before anybody is asked who calls, and
 * make objects of however much it turns out to be. What connect is given then is not compressed, and of a bounded size.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import {
  compressedFlag,
  encodeEnvelope,
  pipe,
  transformDecompressEnvelope,
  transformJoinEnvelopes,
  transformSplitEnvelope,
} from '@connectrpc/connect/protocol';
import { StudioError } from '../../errors.ts';
import { readBody } from '../http/request-body.ts';
import { requestBytesMax } from './open-services.ts';
import { keepLastMessage } from './refusals.ts';
import { requireFewElements } from './request-elements.ts';
import type { DescMethod } from '@bufbuild/protobuf';
import type { ContextValues } from '@connectrpc/connect';
import type { UniversalServerRequest } from '@connectrpc/connect/protocol';
import type { Receipt } from '../http/received-bytes.ts';

export const COMPRESSIONS = [compressionGzip, compressionBrotli];
const PREFIX_BYTES = 5;
const ENCODING_HEADERS = ['content-encoding', 'connect-content-encoding', 'grpc-encoding'];

/** How a request is written: its content type says so. */
export interface Wire {
  readonly isJson: boolean;
  /** Each message has a length before it: all but Connect's unary calls. */
  readonly isEnveloped: boolean;
}

export function wireOf({ header }: Pick<UniversalServerRequest, 'header'>): Wire {
  const type = header.get('content-type') ?? '';
  return { isJson: /json/i.test(type), isEnveloped: /^application\/(grpc|connect)/i.test(type) };
}

/** The message alone, decompressed. Throws what is wrong with it. */
export async function readRequest(
  request: UniversalServerRequest,
  body: AsyncIterable<Uint8Array>,
  method: DescMethod,
  receipt: Receipt,
): Promise<Uint8Array> {
  const { isEnveloped, isJson } = wireOf(request);
  const bytesMax = requestBytesMax(method.parent.typeName);
  const announced = Number(request.header.get('content-length') ?? 0);
  const bytes = await readBody(body, announced, isEnveloped ? bytesMax + PREFIX_BYTES : bytesMax, receipt);
  const message = isEnveloped ? unwrapped(bytes) : { isCompressed: true, bytes };
  const compression = message.isCompressed ? compressionOf(request.header, isEnveloped) : undefined;
  const plain = compression ? await compression.decompress(message.bytes, bytesMax) : message.bytes;
  if (compression) receipt.take(plain.byteLength);
  requireFewElements(method.input, plain, isJson);
  return plain;
}

/** The same request with this as its message. */
export function withMessage(request: UniversalServerRequest, message: Uint8Array): UniversalServerRequest {
  const { header } = request;
  for (const name of [...ENCODING_HEADERS, 'content-length']) header.delete(name);
  const body = wireOf(request).isEnveloped ? encodeEnvelope(0, message) : message;
  return { ...request, body: only(body) };
}

/** Each message of a stream is looked at as it comes; what is wrong with one ends the call. */
export function readStream(
  request: UniversalServerRequest,
  body: AsyncIterable<Uint8Array>,
  method: DescMethod,
  { receipt, contextValues }: { readonly receipt: Receipt; readonly contextValues: ContextValues },
): UniversalServerRequest {
  const { isJson } = wireOf(request);
  const bytesMax = requestBytesMax(method.parent.typeName);
  const { header } = request;
  const name = ENCODING_HEADERS.slice(1).find((each) => header.has(each));
  const encoding = (name === undefined ? null : header.get(name)) ?? 'identity';
  const compression = COMPRESSIONS.find((each) => each.name === encoding) ?? null;
  // One that is not known is refused by connect.
  if (!compression && encoding !== 'identity') return { ...request, body };
  if (name !== undefined) header.delete(name);
  const few = async function* (envelopes: AsyncIterable<{ flags: number; data: Uint8Array }>) {
    for await (const envelope of envelopes) {
      requireFewElements(method.input, envelope.data, isJson);
      keepLastMessage(contextValues, envelope.data, isJson);
      try {
        yield envelope;
      } finally {
        // Of the next, no more has come than a part of what came last.
        receipt.release();
      }
    }
  };
  const read = pipe(
    counted(body, receipt),
    transformSplitEnvelope(bytesMax),
    transformDecompressEnvelope(compression, bytesMax),
    few,
    transformJoinEnvelopes(),
  );
  return { ...request, body: read };
}

/** As a POST, which is answered alike: connect would decompress and read what is in the address by itself. */
export function fromAddress(request: UniversalServerRequest): UniversalServerRequest {
  const query = new URL(request.url).searchParams;
  const { header } = request;
  const message = query.get('message') ?? '';
  header.set('content-type', `application/${query.get('encoding') ?? ''}`);
  header.set('content-encoding', query.get('compression') ?? 'identity');
  header.delete('content-length');
  const bytes = Buffer.from(message, query.get('base64') === '1' ? 'base64' : 'utf8');
  return { ...request, method: 'POST', body: only(bytes) };
}

function unwrapped(bytes: Uint8Array): { isCompressed: boolean; bytes: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < PREFIX_BYTES || view.getUint32(1) !== bytes.byteLength - PREFIX_BYTES) {
    throw new StudioError('FIELD_INVALID', 'A call of this kind has exactly one request, as long as it says.');
  }
  return { isCompressed: (view.getUint8(0) & compressedFlag) !== 0, bytes: bytes.subarray(PREFIX_BYTES) };
}

function compressionOf(header: Headers, isEnveloped: boolean): (typeof COMPRESSIONS)[number] | undefined {
  const encoding = header.get(isEnveloped ? 'grpc-encoding' : 'content-encoding');
  if (encoding === null || encoding === 'identity') return undefined;
  const found = COMPRESSIONS.find(({ name }) => name === encoding);
  if (found) return found;
  const known = COMPRESSIONS.map(({ name }) => name).join(', ');
  throw new ConnectError(`Requests are compressed by ${known} or not at all.`, Code.Unimplemented);
}

async function* counted(body: AsyncIterable<Uint8Array>, receipt: Receipt): AsyncIterable<Uint8Array> {
  for await (const chunk of body) {
    receipt.take(chunk.byteLength);
    yield chunk;
  }
}

async function* only(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
