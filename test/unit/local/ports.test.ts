import * as assert from 'uvu/assert';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { hostInUrl, portFailure, whyNotFree } from '../../../src/local/ports.ts';
import { welcome } from '../../../src/local/welcome.ts';
import { freePort } from '../../harness/ports.ts';
import { suite } from '../../harness/suite.ts';

const test = suite('ports and addresses');
/** Of a net that is kept for documents (RFC 5737), so of no machine. */
const FOREIGN = '192.0.2.1';

test('a port in use is told from an address that is not ours and from a port that is not for this user', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.is(await whyNotFree(port, '127.0.0.1'), 'EADDRINUSE');
  server.close();
  assert.is(await whyNotFree(await freePort(), '127.0.0.1'), undefined);
  const code = (await whyNotFree(port, FOREIGN)) ?? 'none';
  const { message, advice } = portFailure(code, FOREIGN, port, 'STUDIO_PORT');
  assert.is(message, `STUDIO_HOST is ${FOREIGN}, on which this machine can't listen (EADDRNOTAVAIL).`);
  assert.match(advice, '127.0.0.1');
  assert.match(portFailure('EADDRINUSE', '127.0.0.1', 80, 'STUDIO_PORT').message, 'in use by another process');
  const { message: barred } = portFailure('EACCES', '127.0.0.1', 80, 'STUDIO_PORT');
  assert.is(barred, 'This user may not listen on port 80 of 127.0.0.1.');
});

test('an IPv6 address has its brackets, and the commands with it their quotes', () => {
  assert.equal(['127.0.0.1', 'studio.example', '::1'].map(hostInUrl), ['127.0.0.1', 'studio.example', '[::1]']);
  const lines = welcome({ address: 'http://[::1]:8010', grpcAddress: '[::1]:8011', token: 'x' }).split('\n');
  const commands = lines.filter((line) => /^ {2}(curl|grpcurl|npx)/.test(line));
  assert.is(commands.length, 4);
  for (const command of commands) assert.match(command, / '(http:\/\/)?\[::1\]:801[01][^ ]*'( |$)/);
});

test.run();
