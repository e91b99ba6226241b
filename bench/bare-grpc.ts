/** A process that only answers: what gRPC by @grpc/grpc-js costs by itself. Sends its port. */
import { Server, ServerCredentials } from '@grpc/grpc-js';

/** About what ApplyDelta answers. */
const ANSWER = Buffer.alloc(400, 1);
const asIs = (bytes: Buffer): Buffer => bytes;
const method = {
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
} as const;

const server = new Server();
server.addService(
  { echo: { path: '/bench.Bare/Echo', ...method } },
  { echo: (_call: unknown, answer: (error: null, bytes: Buffer) => void) => answer(null, ANSWER) },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.(port);
});
process.once('disconnect', () => process.exit());
