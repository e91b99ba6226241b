/** Two bare gRPC calls over HTTP/2, to see that Temporal answers and has its namespace, without loading its client. */
import { connect } from 'node:http2';
import { PART_PROBE_REPLY_BYTES_MAX, PART_PROBE_TIMEOUT_MS } from '../limits.ts';
import { LocalFailure } from './local-failure.ts';

const SERVICE = '/temporal.api.workflowservice.v1.WorkflowService';

const NOT_FOUND = '5';

/** The server's version. Rejects when it, or the namespace, is not there yet: with a LocalFailure if only that is missing. */
export async function probeTemporal(address: string, namespace: string): Promise<string> {
  const info = await call(address, 'GetSystemInfo', Buffer.alloc(0));
  // DescribeNamespaceRequest: field 1 is the name.
  await call(address, 'DescribeNamespace', fieldOne(Buffer.from(namespace))).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.status !== NOT_FOUND) throw error;
    throw new LocalFailure(
      `Temporal at ${address} has no namespace "${namespace}".`,
      'Set STUDIO_TEMPORAL_NAMESPACE to one that it has, or make it there: temporal operator namespace create.',
    );
  });
  // GetSystemInfoResponse: field 1 is server_version.
  return info[0] === 0x0a && info[1] !== undefined ? info.toString('utf8', 2, 2 + info[1]) : 'unknown';
}

class Refusal extends Error {
  readonly status: string;

  constructor(method: string, status: string) {
    super(`Temporal answered ${method} with gRPC status ${status}.`);
    this.status = status;
  }
}

/** A message with this as its one field. Its length may need two bytes. */
function fieldOne(value: Buffer): Buffer {
  const { length } = value;
  const prefix = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.concat([Buffer.from([0x0a, ...prefix]), value]);
}

/** Sends one message and gives the one that comes back. */
function call(address: string, method: string, message: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${address}`);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      session.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error('Temporal does not answer in time.')), PART_PROBE_TIMEOUT_MS);
    session.once('error', fail);
    session.once('close', () => fail(new Error('Temporal closed the connection.')));
    const path = `${SERVICE}/${method}`;
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.once('error', fail);
    let reply = Buffer.alloc(0);
    let status: string | undefined;
    const readStatus = (headers: { readonly 'grpc-status'?: unknown }): void => {
      if (typeof headers['grpc-status'] === 'string') status = headers['grpc-status'];
    };
    stream.on('response', readStatus);
    stream.on('trailers', readStatus);
    stream.on('data', (chunk: Buffer) => {
      reply = Buffer.concat([reply, chunk]);
      if (reply.length > PART_PROBE_REPLY_BYTES_MAX) fail(new Error('The answer is too long for Temporal.'));
    });
    stream.once('end', () => {
      if (status !== '0') return fail(new Refusal(method, status ?? 'none'));
      clearTimeout(timer);
      session.destroy();
      resolve(reply.subarray(5));
    });
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
  });
}
