/** Studios without Temporal, and users of them: access is the same without it. */
import { createStudioClient, type StudioClient as GrpcClient } from '../../clients/node/src/index.ts';
import { Role } from '../../src/gen/memmie/studio/v1/access_pb.ts';
import { startParts, type TestParts } from '../harness/parts.ts';
import { connectAs, type StudioClient } from '../harness/studio-client.ts';
import { startStudio, type TestStudio } from '../harness/studio.ts';

export { Role };

/** No Temporal listens there; only what runs providers would need it. */
const WITHOUT_TEMPORAL = { STUDIO_TEMPORAL_ADDRESS: '127.0.0.1:1' };

export interface RestAnswer {
  readonly status: number;
  readonly body: { readonly reason?: string; readonly [field: string]: unknown };
}

export class AccessWorld {
  readonly parts: TestParts;
  readonly #studios: TestStudio[] = [];
  readonly #clients: GrpcClient[] = [];

  constructor(parts: TestParts) {
    this.parts = parts;
  }

  static async start(): Promise<AccessWorld> {
    return new AccessWorld(await startParts({ mongodb: true, nats: true }));
  }

  async studio(env: Readonly<Record<string, string>> = {}): Promise<TestStudio> {
    const studio = await startStudio({ parts: this.parts, env: { ...WITHOUT_TEMPORAL, ...env } });
    this.#studios.push(studio);
    return studio;
  }

  /** Connect on the one port. */
  async connect(studio: TestStudio, userId: string): Promise<StudioClient> {
    return connectAs(studio.address, await studio.token(userId));
  }

  /** Native gRPC. */
  async grpc(studio: TestStudio, userId: string): Promise<GrpcClient> {
    const client = createStudioClient({ address: `127.0.0.1:${studio.grpcPort}`, token: await studio.token(userId) });
    this.#clients.push(client);
    return client;
  }

  async rest(studio: TestStudio, userId: string, verb: string, path: string, body?: object): Promise<RestAnswer> {
    const response = await fetch(`${studio.address}/api/v1/studio${path}`, {
      method: verb,
      headers: { authorization: `Bearer ${await studio.token(userId)}` },
      body: body && JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as RestAnswer['body'] };
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.#studios.map((studio) => studio.stop()));
    await this.parts.stop();
  }
}

export async function createText(client: StudioClient, content: string): Promise<string> {
  const { blob } = await client.blobs.createBlob({ content: Buffer.from(content), contentType: 'text/plain' });
  if (!blob) throw new Error('an answer without a blob');
  return blob.id;
}
