import * as assert from 'uvu/assert';
import { readOptions } from '../../clients/node/demo/running-studio.ts';
import { suite } from '../harness/suite.ts';

const test = suite('options of the demo');

test("gRPC goes where the studio's address says, over TLS if that does", () => {
  const grpcOf = (...args: readonly string[]): string | undefined =>
    readOptions([...args, '--token', 'x'], {})?.grpcAddress;
  const expected = {
    'http://studio.example:8010': 'studio.example:8010',
    'http://studio.example': 'studio.example:80',
    'https://studio.example': 'https://studio.example:443',
    'https://studio.example:8443/': 'https://studio.example:8443',
    'http://[::1]:8010': '[::1]:8010',
  };
  for (const [address, grpcAddress] of Object.entries(expected))
    assert.is(grpcOf('--address', address), grpcAddress, address);
  assert.is(grpcOf('--address', 'https://studio.example', '--grpc', 'inner:8011'), 'inner:8011');
});

test.run();
