/**
 * Connect sends a stream's headers with its first bytes. While there are none, these send them after
 * STREAM_HEADERS_MS_MAX, so that the caller of a stream with nothing to say yet learns that it was let in.
 */
import { createContextKey, createContextValues } from '@connectrpc/connect';
import { STREAM_HEADERS_MS_MAX } from '../../limits.ts';
import type { ContextValues, Interceptor } from '@connectrpc/connect';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';

interface Told {
  asked(): void;
  letIn(headers: Headers): void;
}

const toldKey = createContextKey<Told>({ asked: () => {}, letIn: () => {} });

/** Tells whoever answers the call that it came this far, that it was let in, and with which headers. */
export const tellHeaders: Interceptor = (next) => async (request) => {
  const told = request.contextValues.get(toldKey);
  told.asked();
  const response = await next(request);
  if (response.stream) told.letIn(response.header);
  return response;
};

export interface LetIn {
  /** For the call, which passes `tellHeaders`. */
  readonly contextValues: ContextValues;
  /** Its request could be read: of a unary call it is, before the interceptors are asked. */
  readonly wasAsked: boolean;
  /** Settles only for a stream that is let in. */
  readonly headers: Promise<Headers>;
}

export function awaitLetIn(): LetIn {
  const contextValues = createContextValues();
  let wasAsked = false;
  const headers = new Promise<Headers>((resolve) => {
    contextValues.set(toldKey, { asked: () => (wasAsked = true), letIn: resolve });
  });
  return {
    contextValues,
    headers,
    get wasAsked() {
      return wasAsked;
    },
  };
}

/** `answered`: what the call's handler gives once it has its first bytes. */
export async function withEarlyHeaders(
  answered: Promise<UniversalServerResponse>,
  { headers }: LetIn,
): Promise<UniversalServerResponse> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, STREAM_HEADERS_MS_MAX);
  });
  const first = await Promise.race([answered, quiet.then(() => headers)]);
  clearTimeout(timer);
  if (!(first instanceof Headers)) return first;
  let answer: UniversalServerResponse | undefined;
  // Heard of by who reads the body.
  answered.then(
    (given) => (answer = given),
    () => {},
  );
  return {
    status: 200,
    header: first,
    body: { [Symbol.asyncIterator]: () => afterNothing(answered) },
    // Known, and asked for, once the body is over.
    get trailer() {
      return answer?.trailer;
    },
  };
}

/** An empty piece, which takes the headers along, then the answer's own. */
function afterNothing(answered: Promise<UniversalServerResponse>): AsyncIterator<Uint8Array> {
  let isBegun = false;
  let source: AsyncIterator<Uint8Array> | undefined;
  const read = async (): Promise<AsyncIterator<Uint8Array>> => {
    const { body } = await answered;
    return (source ??= (body ?? nothing())[Symbol.asyncIterator]());
  };
  const over = { done: true, value: undefined } as const;
  return {
    next: async () => {
      if (isBegun) return (await read()).next();
      isBegun = true;
      return { done: false, value: new Uint8Array(0) };
    },
    throw: async (error) => (await (await read()).throw?.(error)) ?? over,
    return: async (value) => (await (await read()).return?.(value)) ?? over,
  };
}

async function* nothing(): AsyncIterable<Uint8Array> {}
