import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { create } from '@bufbuild/protobuf';
import * as assert from 'uvu/assert';
import { ServerReflection } from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { errorDetailsFile } from '../../src/transport/errors/error-detail.ts';
import { suite } from '../harness/suite.ts';
import { openDoors } from './transport-doors.ts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ServerReflectionRequestSchema,
  ServerReflectionResponse,
} from '../../src/gen/grpc/reflection/v1/reflection_pb.ts';
import type { Doors } from './transport-doors.ts';

const run = promisify(execFile);
const test = suite('transport: reflection');
let doors: Doors;
test.before(async () => void (doors = await openDoors()));
test.after(() => doors.drain());

type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>['messageRequest']>;

async function ask(
  service: typeof ServerReflection | typeof ServerReflectionAlpha,
  port: number,
  questions: readonly Question[],
) {
  // The two versions differ in their package alone.
  const client = createClient(
    service as typeof ServerReflection,
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }),
  );
  async function* requests() {
    for (const messageRequest of questions) yield { messageRequest };
  }
  const answers: ServerReflectionResponse['messageResponse'][] = [];
  for await (const { messageResponse } of client.serverReflectionInfo(requests())) answers.push(messageResponse);
  return answers;
}

for (const door of ['port', 'grpcPort'] as const) {
  for (const [version, service] of Object.entries({ v1: ServerReflection, v1alpha: ServerReflectionAlpha })) {
    test(`${version} on ${door}: lists services, and gives whole files for names and symbols`, async () => {
      const [list, byName, bySymbol, byMethod, byEntry, byError] = await ask(service, doors[door], [
        { case: 'listServices', value: '' },
        { case: 'fileByFilename', value: 'studio/test/echo.proto' },
        { case: 'fileContainingSymbol', value: 'studio.test.EchoService' },
        { case: 'fileContainingSymbol', value: 'studio.test.EchoService.Echo' },
        { case: 'fileContainingSymbol', value: 'grpc.health.v1.HealthCheckResponse.SERVING' },
        { case: 'fileContainingSymbol', value: 'google.rpc.ErrorInfo' },
      ]);
      assert.equal(list?.case === 'listServicesResponse' && list.value.service.map(({ name }) => name), [
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
        'studio.test.EchoService',
      ]);
      const files = (answer: ServerReflectionResponse['messageResponse'] | undefined) => {
        if (answer?.case !== 'fileDescriptorResponse') throw new Error(JSON.stringify(answer));
        return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
      };
      for (const answer of [byName, bySymbol, byMethod]) {
        // Linked from what came alone, the files must be complete.
        const linked = createFileRegistry(create(FileDescriptorSetSchema, { file: files(answer).reverse() }));
        assert.ok(linked.getService('studio.test.EchoService'));
      }
      assert.is(files(byEntry)[0]?.name, 'grpc/health/v1/health.proto');
      assert.is(files(byError)[0]?.name, errorDetailsFile.proto.name);
    });

    test(`${version} on ${door}: what is unknown is an error in the answer, and the stream goes on`, async () => {
      const answers = await ask(service, doors[door], [
        { case: 'fileByFilename', value: 'no/such.proto' },
        { case: 'fileContainingSymbol', value: 'no.such.Symbol' },
        { case: 'fileContainingExtension', value: { containingType: 'no.such.Type', extensionNumber: 1 } },
        { case: 'allExtensionNumbersOfType', value: 'no.such.Type' },
        { case: undefined },
        { case: 'allExtensionNumbersOfType', value: 'studio.test.Paper' },
      ]);
      const codes = answers.map((answer) => (answer.case === 'errorResponse' ? answer.value.errorCode : answer.case));
      assert.equal(codes, [5, 5, 5, 5, 3, 'allExtensionNumbersResponse']);
    });
  }

  test(`buf curl on ${door} calls with no files at hand`, async () => {
    const buf = (...args: string[]): Promise<{ stdout: string }> =>
      run('node_modules/.bin/buf', ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--reflect', ...args]);
    const base = `http://127.0.0.1:${doors[door]}`;
    const listed = await buf('--list-methods', base);
    assert.ok(listed.stdout.includes('studio.test.EchoService/Echo'));
    const headers = ['-H', `Authorization: Bearer ${doors.token}`];
    assert.is(
      (await buf(...headers, '-d', '"hello"', `${base}/studio.test.EchoService/Echo`)).stdout.trim(),
      '"hello"',
    );
    const refused = await buf('-d', '"hello"', `${base}/studio.test.EchoService/Echo`).then(
      () => 'accepted',
      (error: { stderr: string }) => error.stderr,
    );
    assert.match(refused, /unauthenticated/);
    assert.match(refused, /This call needs a token/);
  });
}

test.run();
